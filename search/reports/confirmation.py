"""The check after a search: the best configuration against the baseline on fresh seeds.

The search's own gain is the largest of many noisy validation scores, and so too large. The check
runs both configurations at full length on seeds that the search never saw, and reads held-out
data; three pairs tell a collapse from a gain, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.reports.trial_rows import step_at
from search.storage.records import SeriesRecord, TrialRecord
from search.study import Objective

BASELINE, BEST, TRIAL = "baseline", "best", "trial "


@dataclass(frozen=True)
class Pair:
    """Both configurations on one seed; a value is None where its run has not completed.

    `difference` is best minus baseline, signed so that positive is better.
    """

    seed: int
    baseline: float | None
    best: float | None
    difference: float | None
    note: str


@dataclass(frozen=True)
class Confirmation:
    """Held-out results on fresh seeds.

    Parameters
    ----------
    evaluation
        The held-out metric.
    arm
        Which configuration was checked: ``trial 12``, or "baseline" when none was better.
    pairs
        By seed.
    mean
        Of the pairs' differences; None without a complete pair.
    references
        Other models' results on the same seeds: name to seed to value.
    """

    evaluation: Objective
    arm: str
    pairs: tuple[Pair, ...]
    mean: float | None
    references: Mapping[str, Mapping[int, float]]

    @property
    def n_complete(self) -> int:
        """How many pairs are complete."""
        return sum(pair.difference is not None for pair in self.pairs)

    @property
    def n_better(self) -> int:
        """In how many pairs the best configuration is better."""
        return sum(pair.difference is not None and pair.difference > 0 for pair in self.pairs)

    @property
    def of_baseline(self) -> bool:
        """Whether the best configuration is the baseline: then there is nothing to compare."""
        return self.arm == BASELINE

    def stale(self, best: int | None) -> bool:
        """Return whether the check is of another trial than the one that is best by now."""
        return self.arm.startswith(TRIAL) and self.arm != f"{TRIAL}{best}"


def confirmation(series: SeriesRecord) -> Confirmation | None:
    """Return the check of a search; None when its held-out metric is not named."""
    entry = series.specification.get("evaluation")
    if not entry:
        return None
    evaluation = Objective(entry["metric"], entry["direction"])
    arm = str(series.specification.get("best_arm") or BEST)
    runs: dict[tuple[str, int], TrialRecord] = {
        (trial.asked.arm, trial.asked.seed): trial for trial in series.trials
    }
    asked = series.specification.get("seeds")
    seeds = asked or sorted({seed for name, seed in runs if name in (BASELINE, arm)})
    pairs = tuple(_pair(runs, arm, seed, evaluation) for seed in seeds)
    differences = [pair.difference for pair in pairs if pair.difference is not None]
    return Confirmation(
        evaluation=evaluation,
        arm=arm,
        pairs=pairs,
        mean=math.fsum(differences) / len(differences) if differences else None,
        references=_references(series.specification, evaluation.metric),
    )


def _pair(
    runs: Mapping[tuple[str, int], TrialRecord], arm: str, seed: int, evaluation: Objective
) -> Pair:
    records = {BASELINE: runs.get((BASELINE, seed)), BEST: runs.get((arm, seed))}
    values = {name: _value(record, evaluation.metric) for name, record in records.items()}
    baseline, best = values[BASELINE], values[BEST]
    difference = None
    if arm != BASELINE and baseline is not None and best is not None:
        difference = evaluation.sign * (best - baseline)
    missing = [
        f"{name}: {_state(record)}" for name, record in records.items() if values[name] is None
    ]
    return Pair(
        seed=seed,
        baseline=baseline,
        best=best,
        difference=difference,
        note="; ".join(missing),
    )


def _state(record: TrialRecord | None) -> str:
    if record is None:
        return "not started"
    return "no finite value" if record.outcome == "complete" else record.outcome


def _value(record: TrialRecord | None, metric: str) -> float | None:
    if record is None or record.result is None or record.outcome != "complete":
        return None
    step = step_at(record, record.result.step)
    value = step.metrics.get(metric, math.nan) if step else math.nan
    return value if math.isfinite(value) else None


def _references(specification: Mapping[str, Any], metric: str) -> dict[str, dict[int, float]]:
    """Return reference lines; JSON made their seeds text."""
    lines = specification.get("reference_lines") or {}
    return {
        str(name): {int(seed): float(v[metric]) for seed, v in by_seed.items() if metric in v}
        for name, by_seed in lines.items()
    }
