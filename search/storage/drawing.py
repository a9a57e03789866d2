"""How much of a trial's curve Optuna's tables get: its shape, since ours hold all of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

POINTS_PER_WRITE = 20
FREE_POINTS = 60  # of a trial; each is a transaction of some milliseconds
PAUSE_S = 0.5  # between points, after those


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
        self._waiting: dict[int, float] = {}

    def take(self, values: Mapping[int, float], now: float) -> dict[int, float]:
        """Return which of some new values (by step) are to be drawn now.

        The first points of a trial are drawn at once; after them one at a time, after a pause.
        The newest value waits, if it is not drawn. Non-finite values are left out.
        """
        finite = {step: values[step] for step in sorted(values) if math.isfinite(values[step])}
        if not finite:
            return {}
        free = min(POINTS_PER_WRITE, FREE_POINTS - self._points)
        if free < 1 and now - self._drawn < PAUSE_S:
            last = max(finite)
            self._waiting = {last: finite[last]}
            return {}
        chosen = {step: finite[step] for step in thinned(list(finite), max(1, free))}
        self._points, self._drawn, self._waiting = self._points + len(chosen), now, {}
        return chosen

    def rest(self) -> dict[int, float]:
        """Return the value that waits, at the end of the trial."""
        return self._waiting


def thinned(steps: Sequence[int], points: int) -> list[int]:
    """Return at most so many of the steps, evenly spread, the last always among them."""
    stride = -(-len(steps) // points)
    return sorted(steps[::-1][::stride])
