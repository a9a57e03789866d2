"""The guards of one run, fed step by step: a pure object, which costs microseconds per step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.guards import NOT_REPORTED, OF_THE_OBJECTIVE, SPREAD, Guard
from search.objective import Objective
from search.storage.records import RunFlag

MIN_PEAK_STEPS = 3  # of a run so short, the last step is often the best by chance
BROKEN: Mapping[str, Callable[[float, float], bool]] = {
    "non_finite": lambda value, _: not math.isfinite(value),
    "gradient_high": lambda value, limit: not value <= limit,  # NaN is over every limit
    "gradient_vanishing": lambda value, limit: abs(value) < limit,
    "collapse": lambda value, limit: abs(value) < limit,
    "negative": lambda value, limit: value < limit,
    "dominance": lambda value, limit: value > limit,
    "constant": lambda value, limit: value < limit,
    "gap": lambda value, limit: value > limit,
}
WORDS = {
    "non_finite": "{metric} is not finite ({value:g})",
    "gradient_high": "{metric} = {value:.3g} is over {limit:g}",
    "gradient_vanishing": "{metric} = {value:.3g} is under {limit:g}: the gradient vanishes",
    "collapse": "{metric} = {value:.3g} collapses, under {limit:g}",
    "negative": "{metric} = {value:.3g} is under {limit:g}, which it cannot be",
    "dominance": "{metric} = {value:.3g} is over {limit:g}: one task has nearly all",
    "constant": "{metric} = {value:.3g} is under {limit:g}: predictions are constant",
    "gap": "{metric} is over its limit: {value:.3g}, limit {limit:.3g}",
}


@dataclass
class _Cell:
    """One guard on one metric; `streak` counts the steps in a row at which it was broken."""

    guard: Guard
    metric: str
    training: str | None
    broken: Callable[[float, float], bool]
    limit: float
    patience: int
    streak: int = 0

    @property
    def key(self) -> str:
        guard = self.guard
        return f"{guard.kind}|{self.metric}|{guard.limit}|{guard.steps}"

    def feed(self, metrics: Mapping[str, float]) -> float | None:
        """Take a step; return the value if it has been broken for long enough."""
        value = metrics.get(self.metric)
        if value is None:
            return None
        if self.training is not None:
            training = metrics.get(self.training)
            if training is None:
                return None
            value -= training
            self.limit = abs(training) if self.guard.limit is None else self.guard.limit
        if not self.broken(value, self.limit):
            self.streak = 0
            return None
        self.streak += 1
        return value if self.streak >= self.patience else None


class Watch:
    """The guards of one run.

    Parameters
    ----------
    guards
        As the study declares them.
    objectives
        Those of the study, the first of which is watched by convention.
    max_steps
        The full length.
    state
        What `state` of an earlier attempt returned, where the run goes on from its checkpoint.
    """

    def __init__(
        self,
        guards: Sequence[Guard],
        objectives: Sequence[Objective],
        max_steps: int,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._guards, self._max_steps = tuple(guards), max_steps
        self._objectives = {goal.metric: goal for goal in objectives}
        self._seen: set[str] = set()
        self._cells: list[_Cell] = []
        self._done: set[str] = set()
        self._news: list[RunFlag] = []
        watched = [g for g in self._guards if g.kind in OF_THE_OBJECTIVE]
        # the first objective comes first: it is the one watched by convention
        names = [goal.metric for goal in objectives] if watched else []
        self._best: dict[str, tuple[float, int]] = dict.fromkeys(names, (-math.inf, 0))
        if state:
            self._restore(state)

    def observe(self, step: int, metrics: Mapping[str, float]) -> RunFlag | None:
        """Take a step's metrics; return the flag that stops the run, if one does."""
        if not self._guards:
            return None
        if not self._seen.issuperset(metrics):
            self._meet(metrics)
        found = []
        for cell in self._cells:
            value = cell.feed(metrics)
            if value is not None:
                found.append(self._fire(cell, step, value))
        if found:
            self._cells = [cell for cell in self._cells if cell.key not in self._done]
        for metric in self._best:
            found += self._improve(metric, step, metrics)
        self._news += found
        return next((flag for flag in found if flag.stops), None)

    def finish(self, step: int, spread: float | None = None) -> RunFlag | None:
        """Take note that the run is complete; return the flag that makes it count as stopped.

        Parameters
        ----------
        step
            The last one.
        spread
            Standard deviation of the validation predictions, where the run did not report it.
        """
        stopping = None if spread is None else self.observe(step, {SPREAD: spread})
        for guard in self._guards:
            if guard.kind == "peak_at_end" and step >= MIN_PEAK_STEPS:
                self._news += self._peak(guard, step)
            named = guard.metric is not None and guard.kind not in OF_THE_OBJECTIVE
            if named and guard.metric not in self._seen:
                words = f"metric '{guard.metric}' of the guard '{guard.kind}' was not reported"
                self._news.append(RunFlag(NOT_REPORTED, str(guard.metric), step, None, words))
        return stopping

    def _peak(self, guard: Guard, step: int) -> Iterator[RunFlag]:
        metric = guard.metric or next(iter(self._best))
        if self._best[metric][1] == step:
            words = f"{metric} is best at the last step: it was still improving"
            yield from self._once(guard, metric, step, None, words)

    @property
    def wants_spread(self) -> bool:
        """Whether a guard watches the spread of predictions, and the run has not reported it."""
        return any(
            guard.kind == "constant" and not any(map(guard.watches, self._seen))
            for guard in self._guards
            if guard.watches(SPREAD)
        )

    def news(self) -> tuple[RunFlag, ...]:
        """Return the flags since the last call."""
        found, self._news = tuple(self._news), []
        return found

    def state(self) -> dict[str, Any]:
        """Return what a later attempt needs to go on from here, as JSON can hold it."""
        best = {name: list(point) for name, point in self._best.items() if point[1]}
        streaks = {cell.key: cell.streak for cell in self._cells if cell.streak}
        return {
            "seen": sorted(self._seen),
            "streaks": streaks,
            "done": sorted(self._done),
            "best": best,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._done = set(state["done"])
        self._meet(dict.fromkeys(state["seen"], 0.0))
        for cell in self._cells:
            cell.streak = state["streaks"].get(cell.key, 0)
        for name, (value, step) in state["best"].items():
            if name in self._best:
                self._best[name] = (value, step)

    def _meet(self, metrics: Mapping[str, float]) -> None:
        """Find out which guards watch the metrics that are reported for the first time."""
        new = [name for name in metrics if name not in self._seen]
        self._seen |= set(new)
        for guard in self._guards:
            if guard.kind in OF_THE_OBJECTIVE:
                continue
            pairs = guard.kind == "gap" and guard.metric is None
            for name in self._seen if pairs else new:
                training = f"train_{name.removeprefix('val_')}" if pairs else None
                if guard.watches(name) and (training is None or training in self._seen):
                    self._add(guard, name, training)

    def _add(self, guard: Guard, metric: str, training: str | None) -> None:
        patience, limit = guard.patience(self._max_steps), guard.threshold
        broken = BROKEN[guard.kind]
        cell = _Cell(guard, metric, training, broken, 0.0 if limit is None else limit, patience)
        if cell.key not in self._done and all(cell.key != other.key for other in self._cells):
            self._cells.append(cell)

    def _fire(self, cell: _Cell, step: int, value: float) -> RunFlag:
        self._done.add(cell.key)
        subject = f"{cell.metric} minus {cell.training}" if cell.training else cell.metric
        words = WORDS[cell.guard.kind].format(metric=subject, value=value, limit=cell.limit)
        stops = cell.guard.action == "stop"
        return RunFlag(cell.guard.kind, cell.metric, step, value, f"{words} at step {step}", stops)

    def _improve(self, metric: str, step: int, metrics: Mapping[str, float]) -> list[RunFlag]:
        """Take an objective's value; return what guards say of one that no longer improves."""
        value = metrics.get(metric)
        if value is None:
            return []
        signed = self._objectives[metric].sign * value
        best, at = self._best[metric]
        if signed > best:
            self._best[metric] = (signed, step)
            return []
        words = f"{metric} has not improved since step {at}, for {step - at} steps"
        late = [
            guard
            for guard in self._guards
            if guard.kind == "no_improvement"
            and metric == (guard.metric or next(iter(self._best)))
            and at
            and step - at >= guard.patience(self._max_steps)
        ]
        return [flag for guard in late for flag in self._once(guard, metric, step, value, words)]

    def _once(
        self, guard: Guard, metric: str, step: int, value: float | None, words: str
    ) -> Iterator[RunFlag]:
        key = f"{guard.kind}|{metric}|{guard.limit}|{guard.steps}"
        if key not in self._done:
            self._done.add(key)
            yield RunFlag(guard.kind, metric, step, value, words, guard.action == "stop")
