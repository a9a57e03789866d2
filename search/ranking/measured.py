"""The runs that count: one per arm and seed, made with the registered code, data and settings."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from search.configuration import digest
from search.statistics import Measurements, Replicate, Replicates
from search.storage.records import SeriesRecord, Step, TrialRecord

BASELINE = "baseline"
BUG_RUNS = 3  # first runs of an arm that all raise the same exception: a bug, not a score


@dataclass(frozen=True)
class Measured:
    """The runs of a registration, by (column, seed).

    Parameters
    ----------
    columns
        The baseline's name, then the arms' (or their levels').
    seeds
        The registered list.
    runs
        What counts.
    superseded
        Finished runs of the same arms that do not: other code, data or settings.
    apart
        Columns none of whose runs count, although there are some, and why.
    evaluation, objective
        Names of the metrics.
    """

    columns: tuple[str, ...]
    seeds: tuple[int, ...]
    runs: Mapping[tuple[str, int], TrialRecord]
    superseded: tuple[TrialRecord, ...]
    apart: Mapping[str, str]
    evaluation: str
    objective: str

    def replicates(self, columns: Sequence[str] | None = None) -> Replicates:
        """Return the held-out scores, for the statistics."""
        wanted = tuple(columns or self.columns)
        return Replicates.collect(
            [
                self._replicate(column, seed, run)
                for (column, seed), run in self.runs.items()
                if column in wanted
            ],
            columns=wanted,
            seeds=self.seeds,
            curves_vary=self._curves_vary(),
        )

    def measurements(self, columns: Sequence[str] | None = None) -> Measurements:
        """Return wall times, peak memory and validation scores, laid out alike."""
        wanted = tuple(columns or self.columns)
        shape = (3, len(self.seeds), len(wanted))
        found = np.full(shape, np.nan)
        places = {column: place for place, column in enumerate(wanted)}
        rows = {seed: row for row, seed in enumerate(self.seeds)}
        for (column, seed), run in self.runs.items():
            if column in places:
                found[:, rows[seed], places[column]] = (
                    sum(step.elapsed_s for step in run.steps) or math.nan,
                    _peak(run),
                    _number(metric_of(run, self.objective)),
                )
        return Measurements(wall_s=found[0], memory=found[1], validation=found[2])

    def bugs(self) -> dict[str, str]:
        """Return the arms whose first runs all raised the same exception, and its words."""
        found = {}
        for column in self.columns:
            ended = [r for (c, _), r in self.runs.items() if c == column and r.result]
            ended.sort(key=lambda run: run.number)
            first = [run.result for run in ended[:BUG_RUNS] if run.result]
            reasons = [str(result.reason) for result in first if result.outcome == "failed"]
            kinds = {reason.partition(":")[0] for reason in reasons}  # words may hold the seed
            if len(reasons) == BUG_RUNS and len(kinds) == 1:
                found[column] = reasons[0]
        return found

    def _replicate(self, column: str, seed: int, run: TrialRecord) -> Replicate:
        score = metric_of(run, self.evaluation)
        outcome = run.outcome
        if outcome == "complete" and score is None:
            outcome = "diverged"
        return Replicate(column, seed, outcome, score if outcome == "complete" else None)

    def _curves_vary(self) -> bool:
        curves = {
            tuple(value for _, value in run.curve(self.objective))
            for (column, _), run in self.runs.items()
            if column == BASELINE and run.outcome == "complete"
        }
        return len(curves) > 1


def measured_runs(
    series: Iterable[SeriesRecord], specification: Mapping[str, Any], seeds: Sequence[int]
) -> Measured:
    """Pick the runs that count out of everything that was ever run.

    Parameters
    ----------
    series
        The study's replicates, and its post-hoc results.
    specification
        The registration in force.
    seeds
        Its seed list.
    """
    entries = {e["name"]: e for e in specification["techniques"] if e["status"] == "implemented"}
    owners = {BASELINE: BASELINE}
    for name, entry in entries.items():
        owners |= dict.fromkeys(entry["levels"] or [name], name)
    ended = _ended(series)
    # what is made from others' runs comes after these
    ordered = sorted(owners.items(), key=lambda item: _is_late(entries.get(item[1])))
    runs: dict[tuple[str, int], TrialRecord] = {}
    superseded: list[TrialRecord] = []
    apart: dict[str, str] = {}
    for column, owner in ordered:
        code, mine = specification["code"].get(owner), ended[column]
        codes = _codes(entries.get(owner), code, runs, seeds)
        on_seeds = [trial for trial in mine if trial.asked.seed in seeds]
        chosen = _choose(on_seeds, codes, specification, _stated(entries.get(owner)))
        runs |= {(column, seed): _scored(t, specification) for seed, t in chosen.items()}
        superseded += [trial for trial in on_seeds if chosen.get(trial.asked.seed) is not trial]
        if mine and not chosen:
            apart[column] = _difference(mine[-1], code, specification, seeds)
    return Measured(
        columns=tuple(owners),
        seeds=tuple(seeds),
        runs=runs,
        superseded=tuple(superseded),
        apart=apart,
        evaluation=specification["evaluation"]["metric"],
        objective=specification["objectives"][0]["metric"],
    )


def _ended(series: Iterable[SeriesRecord]) -> Mapping[str, list[TrialRecord]]:
    """Return the trials that have ended, by arm."""
    found: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in series:
        for trial in record.trials:
            if trial.result is not None:
                found[trial.asked.arm].append(trial)
    return found


def taken_together(
    runs: Mapping[tuple[str, int], TrialRecord],
    seeds: Sequence[int],
    members: int = 1,
    voters: Sequence[str] = (),
) -> Iterator[tuple[TrialRecord, ...]]:
    """Yield the ended runs that a post-hoc technique takes together, the compared one last.

    One run of the baseline, a block of them, or the voters' runs and the baseline's on one seed.

    Parameters
    ----------
    runs
        Those that count, by (column, seed).
    seeds
        The registered list.
    members, voters
        The technique's.
    """
    arms = (*voters, BASELINE)
    found = (runs.get((arm, seed)) for seed in seeds for arm in arms)
    size = members * len(arms)
    for block in zip(*[found] * size, strict=False):
        together = tuple(run for run in block if run is not None and run.result is not None)
        if len(together) == size:
            yield together


def code_together(code: str, runs: Sequence[TrialRecord]) -> str:
    """Return the code of a post-hoc result; that of several runs is bound to just these runs.

    Of one run the result is known by that run's configuration, seed, code and data, which it
    shares. Of several it shares only the last one's, and the others may be run anew.
    """
    return code if len(runs) == 1 else digest([code, [run.asked.key for run in runs]])


def _is_late(entry: Mapping[str, Any] | None) -> bool:
    """Return whether a technique is made from the runs of others."""
    return entry is not None and entry.get("stage") == "post-hoc"


def _codes(
    entry: Mapping[str, Any] | None,
    code: str | None,
    runs: Mapping[tuple[str, int], TrialRecord],
    seeds: Sequence[int],
) -> dict[int, str]:
    """Return the code that a column's run on each seed must have been made with."""
    if code is None:
        return {}
    if entry is None or not _is_late(entry):
        return dict.fromkeys(seeds, code)
    blocks = taken_together(runs, seeds, entry.get("members", 1), entry.get("voters") or ())
    return {block[-1].asked.seed: code_together(code, block) for block in blocks}


def _scored(run: TrialRecord, specification: Mapping[str, Any]) -> TrialRecord:
    """Return a run; it has failed where its best step lacks the evaluation that others have."""
    metric, step = specification["evaluation"]["metric"], scored_step(run)
    if specification.get("score_at") != "best" or run.result is None or step is None:
        return run
    elsewhere = any(metric in other.metrics for other in run.steps)
    if run.outcome != "complete" or metric in step.metrics or not elsewhere:
        return run
    reason = (
        f"no metric '{metric}' at the scored step: that is step {step.step}, the best one, and "
        "the run reports it at other steps only"
    )
    return replace(run, result=replace(run.result, outcome="failed", values=(), reason=reason))


def _choose(
    trials: Sequence[TrialRecord],
    codes: Mapping[int, str],
    specification: Mapping[str, Any],
    stated: Mapping[str, Any],
) -> dict[int, TrialRecord]:
    """Return one run per seed: right code and data, and the newest run's settings."""
    fitting = [
        trial
        for trial in trials
        if trial.asked.code == codes.get(trial.asked.seed)
        and trial.asked.data == specification["data"]
        and trial.asked.max_steps == specification["max_steps"]
        and all(trial.asked.configuration.get(path) == v for path, v in stated.items())
    ]
    if not fitting:
        return {}
    newest = max(fitting, key=lambda trial: trial.created)
    tuned_apart = specification["tuning"] == "per-seed"
    settings = digest(dict(newest.asked.configuration))
    chosen: dict[int, TrialRecord] = {}
    for trial in sorted(fitting, key=lambda trial: trial.created):
        if tuned_apart or digest(dict(trial.asked.configuration)) == settings:
            chosen.setdefault(trial.asked.seed, trial)  # a look may rest on the first
    return chosen


def _difference(
    run: TrialRecord, code: str | None, specification: Mapping[str, Any], seeds: Sequence[int]
) -> str:
    """Return in words what keeps a run from being compared with those that count."""
    asked = run.asked
    differs = {
        f"{asked.max_steps} steps instead of {specification['max_steps']}": (
            asked.max_steps != specification["max_steps"]
        ),
        "other data": asked.data != specification["data"],
        "other code": code is not None and asked.code != code,
        "other seeds": asked.seed not in seeds,
    }
    words = [name for name, true in differs.items() if true] or ["other settings"]
    return f"its runs were made with {' and '.join(words)}"


def _stated(entry: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the fields that an arm's runs must have had: what its technique sets."""
    return entry.get("on", {}) if entry and entry.get("stage") == "training" else {}


def tuning_name(specification: Mapping[str, Any], study: str, arm: str, repeat: int) -> str:
    """Return the series of one tuning; an arm that is set anew or run again is tuned anew."""
    entries = specification["techniques"]
    owner = next((e["name"] for e in entries if arm in (e["name"], *e["levels"])), arm)
    anew = specification.get("set_anew", {}).get(owner)
    marks = [mark for mark in (specification["draw"], anew) if mark]
    return f"{study}/tune/{arm}/{repeat}{'@' if marks else ''}{'.'.join(map(str, marks))}"


def scored_step(run: TrialRecord) -> Step | None:
    """Return the step at which a run is scored."""
    if run.result is None or run.result.step is None:
        return None
    scored = run.result.step  # the last one, most often
    return next((step for step in reversed(run.steps) if step.step == scored), None)


def metric_of(run: TrialRecord, metric: str) -> float | None:
    """Return a finite metric of a completed run at its scored step, or None."""
    step = scored_step(run)
    if step is None or run.outcome != "complete":
        return None
    value = step.metrics.get(metric, math.nan)
    return value if math.isfinite(value) else None


def _peak(run: TrialRecord) -> float:
    peaks = [a.peak_memory for a in run.attempts if a.peak_memory]
    return float(max(peaks)) if peaks else math.nan


def _number(value: float | None) -> float:
    return math.nan if value is None else value
