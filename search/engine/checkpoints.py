"""Checkpoints on disk: written whole or not at all, checked before they are trusted.

A trial has one folder, with one folder per attempt in it, and in these ``step-00000012``. The
trainable writes its own files; the engine adds their checksums and an atomic rename.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from search.errors import CheckpointError
from search.storage.records import Checkpoint

MANIFEST = "manifest.json"
KEPT = 2  # the newest, and the one before it in case the newest is damaged
logger = logging.getLogger(__name__)


def write_checkpoint(save: Callable[[Path], None], folder: Path, step: int) -> Checkpoint:
    """Write a checkpoint into an attempt's folder, and forget the oldest there.

    Raises
    ------
    CheckpointError
        If the disk refuses; what was written before stays intact.
    """
    final, draft = folder / f"step-{step:08d}", folder / f"draft-{step:08d}"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save(draft)
        sums = {path: _sha256(draft / path) for path in _files(draft)}
        text = json.dumps({"step": step, "sha256": sums}, sort_keys=True)
        (draft / MANIFEST).write_text(text)
        _sync(draft)
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise CheckpointError(
            f"checkpoint of step {step} not written to {folder}: {error}"
        ) from error
    for old in sorted(folder.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    size = sum((final / path).stat().st_size for path in sums)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Checkpoint(step, str(final), digest, size, time.time())


def intact_checkpoints(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield (step, path) of a trial's intact checkpoints, newest first; damaged ones are named."""
    found = sorted(folder.glob("*/step-*"), key=lambda path: path.name, reverse=True)
    for path in found:
        if problem := _damage(path):
            logger.warning("checkpoint %s is damaged (%s); using the one before", path, problem)
        else:
            yield int(path.name.removeprefix("step-")), path


def _damage(path: Path) -> str | None:
    try:
        sums = json.loads((path / MANIFEST).read_text())["sha256"]
        wrong = [name for name, known in sums.items() if _sha256(path / name) != known]
    except (OSError, ValueError, KeyError) as error:
        return str(error)
    return f"checksum of {wrong[0]}" if wrong else None


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Reach the disk before the rename does: a power cut must not leave a whole name on half."""
    for name in _files(folder):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
