"""Availability gates: a task of which little is known does not train, or trains less.

The hard gate is the source document's. The soft one is what A3DRO (see `anchored`) has built in;
here it serves every weighting, on the loss itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from torch import Tensor

from trainables.techniques.limits import at_least, one_of, within

GateKind = Literal["none", "fallback", "hard", "soft"]
Scope = Literal["batch", "epoch", "dataset"]
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class GateConfig:
    """What becomes of a task whose targets are rarely known."""

    kind: GateKind = "none"  # "fallback": where none is known, outputs are pulled to constants
    min_availability: float = 0.2  # share of known targets below which the hard gate shuts
    kappa: float = 20.0  # steepness of the soft gate, half open at min_availability
    scope: Scope = "batch"  # what the share is taken over


def gate_problems(config: GateConfig, *, prefix: str = "") -> Iterator[str]:
    """Yield what is wrong with a configuration."""
    yield from one_of(config, "kind", get_args(GateKind), prefix=prefix)
    yield from one_of(config, "scope", get_args(Scope), prefix=prefix)
    yield from within(config, 0, 1, "min_availability", prefix=prefix)
    yield from at_least(config, 0, "kappa", prefix=prefix)


class AvailabilityGate:
    """Leaves tasks out, or scales their losses, by the share of their targets that is known.

    Parameters
    ----------
    config : GateConfig
    dataset
        Share of each task's targets that is known in all training data.
    """

    def __init__(self, config: GateConfig, dataset: Mapping[Name, float]) -> None:
        self._config = config
        self._dataset: dict[str, float] = dict(dataset.items())
        self._last: dict[str, float] = {}  # means over the last epoch's batches
        self._sums: dict[str, float] = {}
        self._batches = 0

    def __call__(
        self, losses: Mapping[Name, Tensor], availability: Mapping[Name, float]
    ) -> dict[Name, Tensor]:
        """Return the losses that the gate lets through.

        Parameters
        ----------
        losses
            By task; may lack some.
        availability
            From `availability`.
        """
        settings = self._config
        if settings.kind == "hard":
            least = settings.min_availability
            return {task: loss for task, loss in losses.items() if availability[task] >= least}
        if settings.kind == "soft":
            return {task: self._opening(availability[task]) * losses[task] for task in losses}
        return dict(losses)

    def availability(self, batch: Mapping[Name, float]) -> dict[Name, float]:
        """Return the shares that the gate goes by, and remember the batch's.

        Those of the batch, of the last epoch (in the first one, of its batches so far), or of all
        training data.

        Parameters
        ----------
        batch
            Share of each task's targets that is known in the batch. Call once for each.
        """
        self._batches += 1
        for task, share in batch.items():
            self._sums[task] = self._sums.get(task, 0.0) + share
        if self._config.scope == "dataset":
            return {task: self._dataset[task] for task in batch}
        if self._config.scope == "epoch":
            return {task: self._last.get(task, self._so_far(task)) for task in batch}
        return dict(batch)

    def end_epoch(self) -> None:
        """Tell that an epoch of training has ended."""
        self._last = {task: self._so_far(task) for task in self._sums}
        self._sums, self._batches = {}, 0

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        return {"last": dict(self._last), "sums": dict(self._sums), "batches": self._batches}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._last, self._sums = dict(state["last"]), dict(state["sums"])
        self._batches = int(state["batches"])

    def _so_far(self, task: str) -> float:
        return self._sums[task] / self._batches

    def _opening(self, share: float) -> float:
        """σ(κ (a - a_min))."""
        return 0.5 + 0.5 * math.tanh(
            self._config.kappa * (share - self._config.min_availability) / 2
        )
