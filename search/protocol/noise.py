"""The command ``noise``: how far seeds scatter, before anybody decides what gain is worth finding.

The runs are those that ``winnow run`` with the same options needs anyway: the first seeds of the
baseline and of one arm, under the same registration, in the same series. What they say about the
arm's effect is not looked at: no look is taken, so that ``smallest_gain`` may still be changed.

Where settings are tuned first, nobody knows yet what will be measured. The runs are made with the
stated settings then, and kept in a series of their own that no table counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from search.engine.stream import Limits, Listener, Stream
from search.errors import OptionError, StudyError, near_miss
from search.loading import LoadedStudy
from search.protocol.arms import BASELINE, trained_arms
from search.protocol.fixed_runs import FixedRuns
from search.protocol.ownership import warn_of_strangers
from search.protocol.registering import Design, Registered, register
from search.protocol.replicating import Settings, runs_for
from search.protocol.searching import (
    Options,
    artifacts_place,
    check_options,
    on_data,
    open_engine,
    open_trials,
)
from search.protocol.specification import common_specification
from search.ranking.measured import metric_of
from search.statistics import PROFILES, Detectable, detectable
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.lock import study_lock
from search.storage.reader import read_series, series_names
from search.storage.records import Asked, TrialRecord
from search.study import Study

FEWEST = 3  # seeds: a standard deviation of two says nothing
LEVEL = 0.80  # of the interval around sigma
NEAT = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # digits of a suggested gain


@dataclass(frozen=True)
class Noise:
    """How far seeds scatter, in the unit of the evaluation metric.

    Parameters
    ----------
    metric
        The evaluation.
    arm
        The arm beside the baseline.
    seeds
        How many pairs are complete; `failed` runs are not among them.
    failed
        Runs that did not complete.
    sigma, sigma_low, sigma_high
        Standard deviation of the baseline over seeds, and its 80 % interval (chi-square).
    sigma_paired
        Standard deviation of the paired differences.
    pairing_gain
        Share of variance that pairing removes: 1 - var(a - b) / (var(a) + var(b)); nan where
        neither varies.
    deterministic
        Whether the baseline's first seed gave the same numbers twice; None where it did not end.
    detectable
        Smallest effects of every profile, by name, at each look.
    suggested
        A smallest gain that the profile asked for can see at its last look; None without noise.
    new_runs
        Runs that this command has made; the others were there.
    counted
        Whether ``winnow run`` with the same options counts them.
    looks_taken
        Looks of the registration so far: before the first, the smallest gain may be changed.
    """

    metric: str
    arm: str
    seeds: int
    failed: int
    sigma: float
    sigma_low: float
    sigma_high: float
    sigma_paired: float
    pairing_gain: float
    deterministic: bool | None
    detectable: Mapping[str, tuple[Detectable, ...]]
    suggested: float | None
    new_runs: int
    counted: bool
    looks_taken: int


@dataclass(frozen=True)
class _Place:
    """Where the runs lie, and which they are."""

    series: str
    again: str
    runs: tuple[Asked, ...]
    counted: bool


def measure_noise(
    loaded: LoadedStudy,
    options: Options,
    design: Design,
    *,
    n_seeds: int,
    arm: str | None = None,
    listener: Listener | None = None,
) -> Noise:
    """Run the first seeds of the baseline and of one arm, and describe how they scatter.

    Parameters
    ----------
    loaded
        The study, from its file.
    options
        Where and how.
    design
        The one that ``winnow run`` with the same options has.
    n_seeds
        Seeds of each; those that exist are not run again.
    arm
        None: the first technique's.
    listener
        Called after every event.

    Raises
    ------
    StudyError, OptionError
        If the study or an option is wrong.
    StudyLocked
        If another driver holds the study.
    """
    check_options(loaded.study, options)
    study = on_data(loaded.study, options)
    loaded = replace(loaded, study=study)
    chosen = _arm(study, arm)
    database = Database(options.storage)
    try:
        warn_of_strangers(database, study.name)
        with study_lock(database, study.name):
            registered = _registered(database, loaded, options, design)
            place = _place(study, registered, design, chosen, n_seeds)
            before = _n_runs(database, place)
            _run(database, loaded, options, place, listener)
            new_runs = _n_runs(database, place) - before
        taken = len(registered.record.looks)
        return _described(database, study, design, place, chosen, new_runs, taken)
    finally:
        database.close()


def _arm(study: Study, name: str | None) -> str:
    names = [arm.name for arm in trained_arms(study)[1:]]
    if not names:
        raise StudyError(
            f"study '{study.name}' has no technique that trains: there is nothing to pair"
        )
    if name is not None and name not in names:
        raise OptionError(
            f"--arm: study '{study.name}' has no arm '{name}'{near_miss(name, names)}"
        )
    return name or names[0]


def _registered(
    database: Database, loaded: LoadedStudy, options: Options, design: Design
) -> Registered:
    """Return what ``winnow run`` would register."""
    return register(
        database,
        loaded.study,
        design,
        seed=options.seed,
        folder=loaded.path.parent,
        data=options.data,
    )


def _place(study: Study, registered: Registered, design: Design, arm: str, n_seeds: int) -> _Place:
    if not FEWEST <= n_seeds <= len(registered.seeds):
        raise OptionError(
            f"--seeds must be from {FEWEST} to {len(registered.seeds)} (the design's last look), "
            f"got {n_seeds}"
        )
    needs = {BASELINE: n_seeds, arm: n_seeds}
    runs = tuple(runs_for(study, registered, Settings.stated(study), needs))
    counted = design.tuning == "none"
    if counted:
        return _Place(f"{study.name}/replicate", f"{study.name}/aa", runs, counted)
    return _Place(f"{study.name}/noise", f"{study.name}/noise-aa", runs, counted)


def _run(
    database: Database,
    loaded: LoadedStudy,
    options: Options,
    place: _Place,
    listener: Listener | None,
) -> None:
    study = loaded.study
    specification = common_specification(study, seed=options.seed, folder=loaded.path.parent)
    directions = [goal.direction for goal in study.goals]
    folder = artifacts_place(database, options) / study.name / "predictions"
    kept = folder if study.contract.predicts else None
    policies = {
        place.again: FixedRuns(place.runs[:1]),
        place.series: FixedRuns(place.runs, predictions=kept),
    }
    kinds = {place.again: "aa", place.series: "replicate"} if place.counted else {}
    series = [
        open_trials(
            loaded,
            options,
            Series(database, name, kinds.get(name, "noise"), directions, specification),
            policy,
        )
        for name, policy in policies.items()
    ]
    stream = Stream(series, Limits(resumable=True), listener)
    if stream.begin():
        with open_engine(loaded, options) as engine:
            engine(stream)


def _trials(database: Database, name: str, runs: Sequence[Asked]) -> dict[str, TrialRecord]:
    """Return the first ended trial of each run, by the run's key and arm."""
    if name not in series_names(database, name.partition("/")[0]):
        return {}
    wanted = {(run.arm, run.key) for run in runs}
    found: dict[str, TrialRecord] = {}
    for trial in read_series(database, name).trials:
        if trial.result is not None and (trial.asked.arm, trial.asked.key) in wanted:
            found.setdefault(_name(trial.asked), trial)
    return found


def _name(asked: Asked) -> str:
    return f"{asked.arm}/{asked.key}"


def _n_runs(database: Database, place: _Place) -> int:
    return len(_trials(database, place.series, place.runs)) + len(
        _trials(database, place.again, place.runs[:1])
    )


def _described(
    database: Database,
    study: Study,
    design: Design,
    place: _Place,
    arm: str,
    new_runs: int,
    looks_taken: int,
) -> Noise:
    done = _trials(database, place.series, place.runs)
    again = _trials(database, place.again, place.runs[:1])
    pairs = _pairs(place.runs, done, study.held_out.metric)
    scores = np.array(pairs).reshape(-1, 2)
    if len(scores) < FEWEST:
        raise StudyError(
            f"only {len(scores)} pairs of runs are complete: {FEWEST} are needed to say how far "
            "they scatter"
        )
    sigma = float(np.std(scores[:, 0], ddof=1))
    paired = float(np.std(scores[:, 1] - scores[:, 0], ddof=1))
    looks = dict(PROFILES)
    if design.looks not in looks.values():
        looks["--looks"] = design.looks
    seen = {name: _in_units(study, paired, found) for name, found in looks.items()}
    mine = next(seen[name] for name, found in looks.items() if found == design.looks)
    low, high = _interval(sigma, len(scores))
    return Noise(
        metric=study.held_out.metric,
        arm=arm,
        seeds=len(scores),
        failed=len(place.runs) - 2 * len(scores),
        sigma=sigma,
        sigma_low=low,
        sigma_high=high,
        sigma_paired=paired,
        pairing_gain=_gain(scores, paired),
        deterministic=_same(place.runs[0], done, again),
        detectable=seen,
        suggested=neat(mine[-1].in_sequence) if paired > 0 and mine else None,
        new_runs=new_runs,
        counted=place.counted,
        looks_taken=looks_taken,
    )


def _pairs(
    runs: Sequence[Asked], done: Mapping[str, TrialRecord], metric: str
) -> list[tuple[float, float]]:
    """Return (baseline, arm) of every seed whose two runs are complete."""
    by_seed: dict[int, dict[str, float]] = {}
    for run in runs:
        trial = done.get(_name(run))
        value = None if trial is None else metric_of(trial, metric)
        if value is not None:
            by_seed.setdefault(run.seed, {})[run.arm] = value
    return [
        (found.pop(BASELINE), found.popitem()[1]) for found in by_seed.values() if len(found) == 2
    ]


def _gain(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]], paired: float) -> float:
    apart = float(np.var(scores, axis=0, ddof=1).sum())
    return 1 - paired**2 / apart if apart > 0 else math.nan


def _interval(sigma: float, n: int) -> tuple[float, float]:
    """Return the interval of a normal sample's standard deviation."""
    tail = (1 - LEVEL) / 2
    most, least = float(stats.chi2.ppf(1 - tail, n - 1)), float(stats.chi2.ppf(tail, n - 1))
    return sigma * math.sqrt((n - 1) / most), sigma * math.sqrt((n - 1) / least)


def _in_units(study: Study, paired: float, looks: Sequence[int]) -> tuple[Detectable, ...]:
    """Return the smallest effects at the looks, in the unit of the metric."""
    arms = sum(technique.status == "implemented" for technique in study.techniques)
    ratio = study.test_train_ratio if study.replication == "resplit" else 0.0
    return tuple(
        Detectable(
            one.n_seeds,
            one.alone * paired * math.sqrt(1 + one.n_seeds * ratio),
            one.in_sequence * paired * math.sqrt(1 + one.n_seeds * ratio),
        )
        for one in detectable(looks, max(1, arms))
    )


def _same(
    first: Asked, done: Mapping[str, TrialRecord], again: Mapping[str, TrialRecord]
) -> bool | None:
    one, other = done.get(_name(first)), again.get(_name(first))
    if one is None or other is None or "complete" not in (one.outcome, other.outcome):
        return None
    return [step.metrics for step in one.steps] == [step.metrics for step in other.steps]


def neat(value: float) -> float:
    """Return the next number with a short decimal form that is not smaller.

    Examples
    --------
    >>> [neat(x) for x in (0.0123, 0.79, 4.1, 9.5)]
    [0.015, 0.8, 5.0, 10.0]
    """
    power = math.floor(math.log10(value))
    digit = next(d for d in NEAT if d >= value / 10.0**power * (1 - 1e-9))
    return float(f"{digit * 10.0**power:.6g}")
