"""Deadline: what is begun so late that it would not end in time is not begun at all."""

from __future__ import annotations

import time

from search.ranking import Priority


class Deadline:
    """The time by which a study must have its last look.

    Parameters
    ----------
    hours
        From now on; None: no deadline.
    workers
        How many runs go on at a time, as long as nothing has been seen of it; None: one.
    """

    def __init__(self, hours: float | None, workers: int | None) -> None:
        self._end = None if hours is None else time.monotonic() + 3600 * hours
        self._workers = workers or 1
        self._first: tuple[float, int] | None = None
        self.ended_by: str | None = None

    def ends(self, priority: Priority, todo: int, what: str) -> bool:
        """Return whether this is the end, as `todo` more runs would end too late.

        Parameters
        ----------
        priority
            What is measured so far.
        todo
            How many runs come next.
        what
            Their name, for people.
        """
        if self._end is None:
            return False
        per_run = self._seconds_per_run(priority)
        if time.monotonic() + todo * per_run <= self._end:
            return False
        self.ended_by = f"the deadline: {what} would have ended after it"
        return True

    def _seconds_per_run(self, priority: Priority) -> float:
        """Return wall time per run: as this command sees it, else as earlier ones did."""
        now, have = time.monotonic(), len(priority.measured.runs)
        self._first = self._first or (now, have)
        since, had = self._first
        if have > had:
            return (now - since) / (have - had)
        times = [run.elapsed_s for run in priority.measured.runs.values() if run.elapsed_s > 0]
        return sum(times) / len(times) / self._workers if times else 0.0
