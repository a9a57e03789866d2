"""Predictions of a completed run: plain arrays without pickles, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from search.trainable import Predictions

Split = Literal["validation", "test"]


def write_predictions(predict: Callable[[Split], Predictions], folder: Path) -> None:
    """Write what a model says about the validation and the held-out split."""
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


def read_predictions(folder: Path, split: Split) -> Predictions:
    """Return what `write_predictions` wrote.

    Raises
    ------
    OSError
        If there is nothing.
    """
    with np.load(folder / f"{split}.npz", allow_pickle=False) as found:
        return Predictions(found["scores"], found["targets"], found.get("groups"))
