"""Early stopping on a validation metric, which remembers the best weights.

References
----------
Prechelt 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class EarlyStopping:
    """The best step so far, its metrics and its weights.

    Parameters
    ----------
    metric
        The metric to watch; greater is better.
    patience
        Steps without a new best after which to stop.
    min_delta
        A new best is greater than the last by more than this.
    """

    def __init__(self, metric: str, patience: int, *, min_delta: float = 0.0) -> None:
        self._metric, self._patience, self._min_delta = metric, patience, min_delta
        self._best = -math.inf
        self._since = 0
        self._metrics: dict[str, float] = {}
        self._weights: dict[str, Tensor] = {}

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self._since >= self._patience

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics of the best step."""
        return dict(self._metrics)

    def observe(self, metrics: Mapping[str, float], network: nn.Module) -> None:
        """Take note of a step; a value that is not finite is never a best one."""
        self._since += 1
        if metrics[self._metric] > self._best + self._min_delta:
            self._best, self._since = metrics[self._metric], 0
            self._metrics = dict(metrics)
            self._weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    def restart(self) -> None:
        """Forget the past: what follows is judged on its own."""
        self._best, self._since = -math.inf, 0

    def restore(self, network: nn.Module) -> None:
        """Load the best step's weights into a network; without a best one, leave it."""
        if self._weights:
            network.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        return {
            "best": self._best,
            "since": self._since,
            "metrics": self._metrics,
            "weights": self._weights,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._best, self._since = state["best"], state["since"]
        self._metrics, self._weights = dict(state["metrics"]), dict(state["weights"])
