"""What Prometheus can scrape from a Ray cluster while a study runs on it.

Ray's exporter on the driver's node publishes them under these names, ``ray_`` before each:
``winnow_trials`` (by study and state), ``winnow_best_value``, ``winnow_gpu_hours`` and the
histogram ``winnow_decision_seconds``. They are for clusters that run already: a cluster of this
command's own ends with it, before anybody could look.
"""

from __future__ import annotations

import time

from ray.util.metrics import Gauge, Histogram

from search.engine.stream import Stream
from search.engine.trials import Trials

PAUSE_S = 1.0  # between two readings of the same series: events come by the hundred
DECISION_S = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


class Metrics:
    """A listener that keeps a cluster's metrics up to date."""

    def __init__(self) -> None:
        self._trials = Gauge("winnow_trials", "Trials by state.", ("study", "state"))
        self._best = Gauge("winnow_best_value", "The best trial's objective.", ("study",))
        self._gpu = Gauge("winnow_gpu_hours", "GPU-hours so far.", ("study",))
        self._decision = Histogram(
            "winnow_decision_seconds",
            "From a report's arrival until it is stored and decided on.",
            boundaries=DECISION_S,
        )
        self._decisions = 0
        self._read = 0.0

    def __call__(self, stream: Stream) -> None:
        """Take note of an event."""
        if stream.decisions > self._decisions:
            self._decisions = stream.decisions
            self._decision.observe(stream.decision_s)
        now = time.monotonic()
        if now - self._read >= PAUSE_S or not stream.running:
            self._read = now
            self.publish(stream)

    def publish(self, stream: Stream) -> None:
        """Publish where every series stands."""
        for trials in stream.series:
            self._publish(trials)

    def _publish(self, trials: Trials) -> None:
        study = {"study": trials.study}
        states = {**trials.counts.outcomes, "running": len(trials.live)}
        for state, count in states.items():
            self._trials.set(count, {**study, "state": state})
        self._gpu.set(trials.gpu_s / 3600, study)
        if trials.best is not None:
            self._best.set(trials.best[2].values[0], study)
