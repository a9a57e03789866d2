"""Checkpoints on disk: written whole or not at all, checked before they are trusted.

A trial has one folder, with one folder per attempt in it, and in these ``step-00000012``. The
trainable writes its own files; the engine adds their checksums and an atomic rename.

A checkpoint is written when the driver has stored its step and lets the trial go on, never before:
so no checkpoint is ahead of the database, and a run that goes on from one misses no step. Only the
one that is kept when its trial has ended is written before that is stored; it lies apart, in the
attempt's folder ``kept``, where no run looks for a checkpoint to go on from.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search.errors import CheckpointError
from search.storage.places import Place, Remote, children, reading, remove, upload
from search.storage.records import Checkpoint

MANIFEST = "winnow-manifest.json"  # a name that no trainable uses for its own files
AT_THE_END = "kept"  # in an attempt's folder
KEPT = 2  # the newest, and the one before it in case the newest is damaged
PROBE_BYTES = 65536
logger = logging.getLogger(__name__)


def write_checkpoint(
    save: Callable[[Path], None],
    folder: Place,
    step: int,
    notes: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Write a checkpoint into an attempt's folder, and forget the oldest there.

    `notes` is the engine's own, kept beside the checksums. Into an object store the manifest goes
    last: what was cut short has none.

    Raises
    ------
    CheckpointError
        If the disk refuses; what was written before stays intact. Whatever else `save` raises is
        the trainable's own, and passes through.
    """
    if isinstance(folder, Path):
        written = _write(save, folder, step, notes)
    else:
        with TemporaryDirectory(prefix="winnow-") as scratch:
            written = _sent(_write(save, Path(scratch), step, notes), folder)
    steps = [path for path in children(folder) if path.name.startswith("step-")]
    for old in steps[:-KEPT]:
        remove(old)
    return written


def _sent(written: Checkpoint, folder: Remote) -> Checkpoint:
    """Copy a checkpoint to where it belongs."""
    path, target = Path(written.path), folder / Path(written.path).name
    try:
        remove(target)
        upload(path, target, last=MANIFEST)
    except OSError as error:
        raise CheckpointError(
            f"checkpoint of step {written.step} not written to {folder}: {error}"
        ) from error
    return replace(written, path=str(target))


def _write(
    save: Callable[[Path], None], folder: Path, step: int, notes: Mapping[str, Any] | None
) -> Checkpoint:
    final, draft = folder / f"step-{step:08d}", folder / f"draft-{step:08d}"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _save(save, draft)
        sums = {path: _sha256(draft / path) for path in _files(draft)}
        found = {"step": step, "sha256": sums, "notes": dict(notes or {})}
        text = json.dumps(found, sort_keys=True)
        (draft / MANIFEST).write_text(text)
        _sync(draft)
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
        _sync_names(folder)
        size = sum((final / path).stat().st_size for path in sums)
    except OSError as error:
        raise CheckpointError(
            f"checkpoint of step {step} not written to {folder}: {error}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Checkpoint(step, str(final), _digest(text), size, time.time())


def intact_checkpoints(folder: Place) -> Iterator[tuple[int, Path]]:
    """Yield (step, path) of a trial's intact checkpoints, newest first; damaged ones are named.

    One that comes from an object store is there until the next one is asked for.
    """
    for step, found in _found(folder):
        with reading(found) as path:
            if problem := _damage(path):
                words = "checkpoint %s is damaged (%s); using the one before"
                logger.warning(words, found, problem)
            else:
                yield step, path


def read_notes(path: Path) -> dict[str, Any]:
    """Return the notes beside an intact checkpoint."""
    return dict(json.loads((path / MANIFEST).read_text()).get("notes") or {})


def forget_beyond(folder: Place, step: int) -> None:
    """Delete a trial's checkpoints of later steps than `step`, from which it goes on.

    They are damaged, do not load, or are ahead of the database (which keeps a prefix of what was
    committed when the power is cut). A later attempt that took one of them would leave a hole in
    the curve.
    """
    for later in (path for found, path in _found(folder) if found > step):
        logger.warning("checkpoint %s is not used: the run goes on from step %d", later, step)
        remove(later)


def left_beside(folder: Place, kept: Checkpoint) -> Iterator[Place]:
    """Yield what an ended trial's folder holds beside the checkpoint that is kept."""
    token = kept.path.replace(os.sep, "/").split("/")[-3]  # the rest may have been moved since
    for attempt in children(folder):
        if attempt.name != token:
            yield attempt
        else:
            yield from (path for path in children(attempt) if path.name != AT_THE_END)


def _found(folder: Place) -> list[tuple[int, Place]]:
    """Return (step, place) of everything called a checkpoint, newest first."""
    inside = (path for attempt in children(folder) for path in children(attempt))
    named = [(path.name.removeprefix("step-"), path) for path in inside if "step-" in path.name]
    found = [(int(step), path) for step, path in named if step.isdigit()]
    return sorted(found, key=lambda item: (item[0], str(item[1])), reverse=True)


def _save(save: Callable[[Path], None], draft: Path) -> None:
    """Save, and tell a full disk from a fault: libraries report one in errors of their own kind.

    ``torch.save`` raises RuntimeError when a write falls short, without saying why.
    """
    try:
        save(draft)
    except Exception:
        with (draft / "probe").open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            os.fsync(file.fileno())
        raise


def _damage(path: Path) -> str | None:
    try:
        sums = json.loads((path / MANIFEST).read_text())["sha256"]
        wrong = [name for name, known in sums.items() if _sha256(path / name) != known]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return f"checksum of {wrong[0]}" if wrong else None


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Reach the disk before the rename does: a power cut must not leave a whole name on half."""
    for name in _files(folder):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())


def _sync_names(folder: Path) -> None:
    """Reach the disk with the rename itself, where folders can be synced."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
