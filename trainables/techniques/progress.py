"""How far a run of epochs has come, whether it is over, and how it is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from search.errors import TrainableError
from trainables.techniques.stopping import EarlyStopping, StopConfig


class Stateful(Protocol):
    """What a checkpoint is made of."""

    def state_dict(self) -> Mapping[str, Any]:
        """Return tensors and plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""


class Progress:
    """The epochs of a run, up to its full length or to the end of its patience.

    Parameters
    ----------
    epochs
        Full length.
    stopping : EarlyStopping or None
        None: a run has its full length.
    """

    def __init__(self, epochs: int, stopping: EarlyStopping | None = None) -> None:
        self._epochs, self._stopping = epochs, stopping
        self.steps, self.done = 0, False

    @classmethod
    def of(
        cls, stop: StopConfig, max_steps: int, metric: str, *, minimize: bool = False
    ) -> Progress:
        """Return the progress of a run that stops as configured, by a metric of its own."""
        if not stop.patience:
            return cls(stop.length(max_steps))
        stopping = EarlyStopping(
            metric,
            stop.patience,
            min_delta=stop.min_delta,
            min_epochs=stop.min_epochs,
            smoothing=stop.smoothing,
            minimize=minimize,
        )
        return cls(stop.length(max_steps), stopping)

    @property
    def restored(self) -> bool:
        """Whether the best step's weights answer, and not the last one's."""
        return self.done and self._stopping is not None

    def check(self) -> None:
        """Raise if the run is over.

        Raises
        ------
        TrainableError
            If it is.
        """
        if self.done:
            raise TrainableError(f"this run is over after {self.steps} steps")

    def observe(
        self, metrics: dict[str, float], network: nn.Module, *, may_stop: bool = True
    ) -> dict[str, float]:
        """Take note of an epoch, and return what the run answers with.

        With early stopping, the last epoch gives the network the best one's weights, and answers
        with that one's metrics.

        Parameters
        ----------
        metrics
            Of this epoch.
        network
            Whose weights answer.
        may_stop
            Whether patience may end the run here.
        """
        self.steps += 1
        self.done = self.steps >= self._epochs
        if self._stopping is None:
            return metrics
        self._stopping.observe(metrics, network)
        self.done = self.done or (may_stop and self._stopping.exhausted)
        if not self.done:
            return metrics
        self._stopping.restore(network)
        return metrics | self._stopping.metrics

    def restart(self) -> None:
        """Judge what follows on its own: what was best so far is no yardstick for it."""
        if self._stopping is not None:
            self._stopping.restart()

    def resume(self, network: nn.Module) -> None:
        """Give a network that was read from a checkpoint the weights that answer."""
        if self.done and self._stopping is not None:
            self._stopping.restore(network)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        stopping = None if self._stopping is None else self._stopping.state_dict()
        return {"steps": self.steps, "done": self.done, "stopping": stopping}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.steps, self.done = state["steps"], state["done"]
        if self._stopping is not None:
            self._stopping.load_state_dict(state["stopping"])


class History:
    """What a run measured in each of its epochs, for its pictures.

    Attributes
    ----------
    columns : dict of metric to list of float
        One value per epoch; NaN where an epoch lacked the metric.
    """

    def __init__(self) -> None:
        self.columns: dict[str, list[float]] = {}
        self._epochs = 0

    @property
    def first(self) -> dict[str, float]:
        """The first epoch's metrics; empty before its end."""
        return {name: values[0] for name, values in self.columns.items()}

    def add(self, metrics: Mapping[str, float]) -> None:
        """Take note of an epoch."""
        for name in {**self.columns, **metrics}:
            column = self.columns.setdefault(name, [math.nan] * self._epochs)
            column.append(metrics.get(name, math.nan))
        self._epochs += 1

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        return {"columns": self.columns, "epochs": self._epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.columns = {name: list(values) for name, values in state["columns"].items()}
        self._epochs = state["epochs"]


def save_parts(path: Path, **parts: Stateful) -> None:
    """Write the states of several parts into one file of tensors and plain values."""
    torch.save({name: part.state_dict() for name, part in parts.items()}, path)


def load_parts(path: Path, device: torch.device, **parts: Stateful) -> None:
    """Give parts the states that `save_parts` wrote, on whichever device there is now."""
    states = torch.load(path, map_location=device, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(states[name])
