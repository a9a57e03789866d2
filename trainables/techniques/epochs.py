"""A run whose step is an epoch: what the trainables of all systems do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from torch import nn

from search.errors import TrainableError, near_miss
from search.trainable import Predictions
from trainables.techniques.devices import accelerator
from trainables.techniques.progress import Progress, Stateful, load_parts, save_parts

PREFIXES: Final[Mapping[str, str]] = {"validation": "val_", "test": "test_"}
"""Of the metrics of each held-out split."""


def prefixed(split: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics of a held-out split under the names that a run reports.

    Examples
    --------
    >>> prefixed("validation", {"ap": 0.5})
    {'val_ap': 0.5}
    """
    return {PREFIXES[split] + name: value for name, value in metrics.items()}


class EpochRun(ABC):
    """The steps, predictions and checkpoints of a run.

    Predictions are made once for the weights as they are.

    Parameters
    ----------
    progress : Progress
    parts : Stateful
        What a checkpoint is made of, besides the progress.

    Attributes
    ----------
    checkpoint : str
        Name of the checkpoint's file.
    """

    checkpoint: ClassVar[str]

    def __init__(self, progress: Progress, **parts: Stateful) -> None:
        self._progress = progress
        self._parts = {**parts, "progress": progress}
        self._predicted: dict[str, Predictions] = {}

    @property
    def done(self) -> bool:
        """Whether the run is over: stopped early, or at its full length."""
        return self._progress.done

    def step(self) -> dict[str, float]:
        """Train one epoch and evaluate validation; at the run's last step, the test split too.

        With early stopping, the last step restores the best epoch's weights and answers with that
        epoch's metrics.

        Raises
        ------
        TrainableError
            If the run is over.
        """
        self._progress.check()
        self._predicted.clear()
        measured = self._epoch()
        measured = self._progress.observe(measured, self._answering, may_stop=self._may_stop)
        if self._progress.restored:
            self._predicted.clear()  # the best epoch's weights answer from now on
        return measured | self._evaluate("test") if self.done else measured

    def predict(self, split: str) -> Predictions:
        """Return the predictions of "validation" or "test".

        Raises
        ------
        TrainableError
            If there is no such split.
        """
        if split not in PREFIXES:
            name = type(self).__name__
            raise TrainableError(f"{name} has no split '{split}'{near_miss(split, PREFIXES)}")
        if split not in self._predicted:
            self._predicted[split] = self._predict(split)
        return self._predicted[split]

    def save(self, directory: Path) -> None:
        """Write a checkpoint: tensors and plain values only."""
        save_parts(Path(directory) / self.checkpoint, **self._parts)

    def load(self, directory: Path) -> None:
        """Continue from a checkpoint, on whichever device this run has."""
        load_parts(Path(directory) / self.checkpoint, accelerator(), **self._parts)
        self._progress.resume(self._answering)
        self._predicted.clear()

    @property
    def _may_stop(self) -> bool:
        """Whether patience may end the run at the epoch that was just trained."""
        return True

    @property
    @abstractmethod
    def _answering(self) -> nn.Module:
        """The network whose weights make predictions."""

    @abstractmethod
    def _epoch(self) -> dict[str, float]:
        """Train one epoch, and return what was measured, the validation split's metrics too."""

    @abstractmethod
    def _predict(self, split: str) -> Predictions:
        """Make the predictions of a split."""

    @abstractmethod
    def _evaluate(self, split: str) -> dict[str, float]:
        """Return the metrics of a split's predictions; see `prefixed`."""
