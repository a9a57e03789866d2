"""How the arms were tuned, and how much of a result is owed to the number of trials behind it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from search.ranking import Measured, Priority
from search.ranking.measured import metric_of, tuning_name
from search.reports.axes import Axis
from search.reports.importances import Importances, importances
from search.reports.priority_measures import settings_words
from search.reports.priority_parts import ArmTuning, Tuning
from search.statistics import Interval, crossings, expected_best, mean_interval, on_border
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import SeriesRecord
from search.study import Objective

KEPT = "tune"


@dataclass(frozen=True)
class Repeat:
    """One tuning of one arm."""

    place: int
    series: SeriesRecord
    study: optuna.Study

    def scores(self, sign: int) -> list[float]:
        """Return a validation score per trial, NaN for those that diverged or failed.

        A trial that was stopped early could not be selected: it counts with its last value, but as
        no better than the worst completed one.
        """
        ended = [(t.outcome, t.result.values[0]) if t.result and t.result.values else ("", math.nan)
                 for t in self.series.trials]  # fmt: skip
        done = [sign * value for outcome, value in ended if outcome == "complete"]
        worst = min(done, default=math.nan)
        return [
            value
            if outcome == "complete"
            else sign * min(sign * value, worst)
            if outcome == "pruned" and done
            else math.nan
            for outcome, value in ended
        ]

    @property
    def choice(self) -> FrozenTrial | None:
        """Optuna's copy of the selected trial: it has the parameters and their ranges."""
        best = self.series.best
        trials = self.study.get_trials(deepcopy=False)
        return next((t for t in trials if best and t.number == best.number), None)


def read_tuning(database: Database, priority: Priority) -> tuple[Tuning, list[SeriesRecord]]:
    """Return the tuning of a study, and the series it was read from."""
    specification = priority.specification
    mode, budget = specification["tuning"], specification["tuning_trials"]
    if mode == "none":
        return Tuning(mode, 0, (), ()), []
    found = _repeats(database, priority)
    objective = Objective(**specification["objectives"][0])
    arms = tuple(_arm(arm, repeats, priority.measured, objective) for arm, repeats in found.items())
    every = [repeat.series for repeats in found.values() for repeat in repeats]
    return Tuning(mode, budget, arms, tuple(_crossings(found, objective))), every


def _repeats(database: Database, priority: Priority) -> dict[str, list[Repeat]]:
    """Return the tunings of the registration's seed list, by arm and repeat."""
    existing = set(series_names(database, priority.name))
    places = range(len(priority.seeds) if priority.specification["tuning"] == "per-seed" else 1)
    found: dict[str, list[Repeat]] = {}
    for arm in priority.measured.columns:
        for place in places:
            name = tuning_name(priority.specification, priority.name, arm, place)
            if name in existing:
                series = read_series(database, name, steps=False)
                study = _load(database, name)
                found.setdefault(arm, []).append(Repeat(place, series, study))
    return found


def _load(database: Database, name: str) -> optuna.Study:
    return database.write(lambda: optuna.load_study(study_name=name, storage=database.optuna))


def _arm(
    arm: str, repeats: Sequence[Repeat], measured: Measured, objective: Objective
) -> ArmTuning:
    choices = [choice for repeat in repeats if (choice := repeat.choice) is not None]
    counted = Counter(t.outcome for repeat in repeats for t in repeat.series.trials)
    first = repeats[0].series.best
    best = [b.result.values[0] for r in repeats if (b := r.series.best) and b.result]
    return ArmTuning(
        arm=arm,
        n_tunings=len(repeats),
        n_trials=sum(counted.values()),
        outcomes=dict(counted.most_common()),
        expected_best=_expected(repeats, objective),
        chosen=settings_words(first.asked.changes) if first else "no trial was completed",
        best=float(np.mean(best)) if best else None,
        border=_border(choices),
        optimism=_optimism(arm, repeats, measured, objective),
        ranges=_ranges(choices),
        importances=_importances(repeats),
    )


def _expected(repeats: Iterable[Repeat], objective: Objective) -> tuple[float, ...]:
    """Return the expected-best curves' mean over the repeats, as long as the shortest."""
    curves = [
        expected_best(scores, objective.direction)
        for scores in (repeat.scores(objective.sign) for repeat in repeats)
        if np.isfinite(scores).any()
    ]
    if not curves:
        return ()
    shortest = min(curve.size for curve in curves)
    return tuple(float(v) for v in np.mean([curve[:shortest] for curve in curves], axis=0))


def _border(choices: Sequence[FrozenTrial]) -> dict[str, float]:
    """Return the share of tunings that chose each numeric hyperparameter at its border."""
    hits: dict[str, int] = {}
    for choice in choices:
        for name, value in choice.params.items():
            domain = choice.distributions[name]
            if not isinstance(domain, FloatDistribution | IntDistribution):
                continue
            narrow = domain.high <= domain.low
            at_end = not narrow and on_border(value, domain.low, domain.high, log=domain.log)
            hits[name] = hits.get(name, 0) + int(at_end)
    return {name: count / len(choices) for name, count in hits.items()}


def _ranges(choices: Sequence[FrozenTrial]) -> dict[str, str]:
    found: dict[str, str] = {}
    for choice in choices:
        for name, domain in choice.distributions.items():
            known: Any = domain
            found.setdefault(name, Axis.from_domain(name, known).domain)
    return found


def _optimism(
    arm: str, repeats: Sequence[Repeat], measured: Measured, objective: Objective
) -> Interval | None:
    """Return selected minus re-run validation score; tuned per seed, each with its own run."""
    by_place: dict[int, float] = {
        r.place: b.result.values[0] for r in repeats if (b := r.series.best) and b.result
    }
    gaps = []
    for place, seed in enumerate(measured.seeds):
        run = measured.runs.get((arm, seed))
        score = None if run is None else metric_of(run, objective.metric)
        selected = by_place.get(place if len(repeats) > 1 else 0)
        if score is not None and selected is not None:
            gaps.append(objective.sign * (selected - score))
    return mean_interval(gaps) if gaps else None


def _importances(repeats: Sequence[Repeat]) -> Importances:
    if len(repeats) > 1:
        return Importances({}, 0, "Tuned per seed: every tuning alone has too few trials.")
    states = (TrialState.COMPLETE,)
    if not repeats[0].study.get_trials(deepcopy=False, states=states):
        return Importances({}, 0, "No trial was completed.")
    return importances(repeats[0].study)


def _crossings(found: Mapping[str, Sequence[Repeat]], objective: Objective) -> Iterable[str]:
    scores = {
        arm: scores
        for arm, repeats in found.items()
        if np.isfinite(scores := repeats[0].scores(objective.sign)).any()
    }
    for crossing in crossings(scores, objective.direction):
        yield (
            f"{crossing.first} is ahead of {crossing.second} on validation data from "
            f"{crossing.from_trials} trials on; below that, the order depends on the budget."
        )
