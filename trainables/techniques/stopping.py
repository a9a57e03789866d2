"""Early stopping on a validation metric, which remembers the best weights.

References
----------
Prechelt 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainables.techniques.limits import at_least, below_one


@dataclass(frozen=True)
class StopConfig:
    """When a run ends."""

    epochs: int = 0  # its full length; 0 for the study's max_steps, and never more than them
    patience: int = 0  # epochs without a better validation metric; 0 for no early stopping
    min_delta: float = 0.0  # what counts as better
    min_epochs: int = 0  # that a run has, whatever its metric says
    smoothing: float = 0.0  # the past's share in an exponential mean of the metric; 0 for none

    def length(self, max_steps: int) -> int:
        """Return the epochs of a run in a study of this length."""
        return min(max_steps, self.epochs or max_steps)


def stop_problems(stop: StopConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    names = ("epochs", "patience", "min_delta", "min_epochs")
    yield from at_least(stop, 0, *names, prefix="stop.")
    yield from below_one(stop, "smoothing", prefix="stop.")


class EarlyStopping:
    """The best step so far, its metrics and its weights.

    Parameters
    ----------
    metric
        The metric to watch.
    patience
        Steps without a new best after which to stop.
    min_delta
        A new best is better than the last by more than this.
    min_epochs
        Steps before which patience does not run out.
    smoothing
        The past's share in the exponential mean that is watched instead of the metric; the best
        step is the best one's by that mean.
    minimize
        Whether a smaller value is a better one.
    """

    def __init__(
        self,
        metric: str,
        patience: int,
        *,
        min_delta: float = 0.0,
        min_epochs: int = 0,
        smoothing: float = 0.0,
        minimize: bool = False,
    ) -> None:
        self._metric, self._patience, self._min_delta = metric, patience, min_delta
        self._min_epochs, self._smoothing, self._sign = min_epochs, smoothing, 1 - 2 * minimize
        self._best, self._mean = -math.inf, math.nan
        self._seen, self._since = 0, 0
        self._metrics: dict[str, float] = {}
        self._weights: dict[str, Tensor] = {}

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self._since >= self._patience and self._seen >= self._min_epochs

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of the best step."""
        return dict(self._metrics)

    def observe(self, metrics: Mapping[str, float], network: nn.Module) -> None:
        """Take note of a step; a value that is not finite is never a best one."""
        self._seen, self._since = self._seen + 1, self._since + 1
        value = self._sign * metrics[self._metric]
        if not math.isfinite(value):
            return
        past = value if math.isnan(self._mean) else self._mean
        self._mean = self._smoothing * past + (1 - self._smoothing) * value
        if self._mean > self._best + self._min_delta:
            self._best, self._since = self._mean, 0
            self._metrics = dict(metrics)
            self._weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    def restart(self) -> None:
        """Forget the past: what follows is judged on its own."""
        self._best, self._mean, self._since = -math.inf, math.nan, 0

    def restore(self, network: nn.Module) -> None:
        """Load the best step's weights into a network; without a best one, leave it."""
        if self._weights:
            network.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        return {
            "best": self._best,
            "mean": self._mean,
            "seen": self._seen,
            "since": self._since,
            "metrics": self._metrics,
            "weights": self._weights,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._best, self._mean = state["best"], state["mean"]
        self._seen, self._since = state["seen"], state["since"]
        self._metrics, self._weights = dict(state["metrics"]), dict(state["weights"])
