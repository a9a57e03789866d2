"""How much of a trial's curve Optuna's tables get: its shape, since ours hold all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

POINTS_PER_WRITE = 20
FREE_POINTS = 60  # of a trial; each is a transaction of some milliseconds
PAUSE_S = 0.5  # between points, after those
SHARE = 0.05  # of the driver's time, whatever the number of trials that report
BURST_S = 2.0  # that a small study may take at once


class Allowance:
    """How much of the driver's time is left for drawing: a share of what passes.

    A search of a thousand workers reports hundreds of times a second, and drawing takes longer than
    deciding; then fewer points are drawn, and decisions do not wait for them.

    Examples
    --------
    >>> allowance = Allowance(now=0.0)
    >>> allowance.spend(2.5)
    >>> allowance.is_left(now=4.0), allowance.is_left(now=14.0)
    (False, True)
    """

    def __init__(self, now: float) -> None:
        self._left_s, self._seen = BURST_S, now

    def is_left(self, now: float) -> bool:
        """Return whether something may be drawn."""
        self._left_s = min(BURST_S, self._left_s + SHARE * (now - self._seen))
        self._seen = now
        return self._left_s > 0

    def spend(self, seconds: float) -> None:
        """Note what drawing has taken."""
        self._left_s -= seconds


class Drawing:
    """What of one trial's curve has been drawn, and what waits.

    Examples
    --------
    >>> drawing = Drawing()
    >>> sorted(drawing.take({step: 1.0 for step in range(1, 41)}, now=0.0))
    [2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40]
    """

    def __init__(self) -> None:
        self._points = 0
        self._drawn = -math.inf  # when the last point was
        self._step: int | None = None  # of the last point
        self._waiting: dict[int, float] = {}

    def take(
        self, values: Mapping[int, float], now: float, *, allowed: bool = True
    ) -> dict[int, float]:
        """Return which of some new values (by step) are to be drawn now.

        The first points of a trial are drawn at once; after them one at a time, after a pause.
        The newest value waits, if it is not drawn, as it does when nothing is `allowed`.
        Non-finite values are left out.
        """
        finite = {step: values[step] for step in sorted(values) if math.isfinite(values[step])}
        if not finite:
            return {}
        free = min(POINTS_PER_WRITE, FREE_POINTS - self._points)
        if not allowed or (free < 1 and now - self._drawn < PAUSE_S):
            last = max(finite)
            self._waiting = {last: finite[last]}
            return {}
        chosen = {step: finite[step] for step in thinned(list(finite), max(1, free))}
        self._points, self._drawn, self._waiting = self._points + len(chosen), now, {}
        self._step = max(chosen)
        return chosen

    def rest(self) -> dict[int, float]:
        """Return the value that waits, at the end of the trial."""
        return self._waiting

    def has(self, step: int) -> bool:
        """Return whether this step was the last that was drawn."""
        return self._step == step


def thinned(steps: Sequence[int], points: int) -> list[int]:
    """Return at most so many of the steps, evenly spread, the last always among them."""
    stride = -(-len(steps) // points)
    return sorted(steps[::-1][::stride])
