"""Predictions of a completed run: plain arrays without pickles, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import numpy as np

from search.storage.places import Place, exists, reading, remove, upload
from search.trainable import Predictions

Split = Literal["validation", "test"]
LAST = "test.npz"


def write_predictions(predict: Callable[[Split], Predictions], folder: Place) -> None:
    """Write what a model says about the validation and the held-out split."""
    if isinstance(folder, Path):
        _write(predict, folder)
        return
    with TemporaryDirectory(prefix="winnow-") as scratch:
        _write(predict, Path(scratch) / folder.name)
        remove(folder)
        upload(Path(scratch) / folder.name, folder, last=LAST)


def are_kept(folder: Place) -> bool:
    """Return whether there are predictions, all of them."""
    return folder.is_dir() if isinstance(folder, Path) else exists(folder, LAST)


def _write(predict: Callable[[Split], Predictions], folder: Path) -> None:
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for split in get_args(Split):
        found = predict(split)
        arrays = {"scores": found.scores, "targets": found.targets}
        if found.groups is not None:
            arrays["groups"] = found.groups
        np.savez_compressed(draft / f"{split}.npz", allow_pickle=False, **arrays)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def read_predictions(folder: Place, split: Split) -> Predictions:
    """Return what `write_predictions` wrote.

    Raises
    ------
    OSError
        If there is nothing.
    """
    with (
        reading(folder) as path,
        np.load(path / f"{split}.npz", allow_pickle=False) as found,
    ):
        return Predictions(found["scores"], found["targets"], found.get("groups"))
