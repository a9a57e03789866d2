"""What a design other than one technique at a time has found, from the database alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from search.errors import StorageError
from search.ranking.measured import metric_of
from search.statistics import Interval, climb, judge_removals, screen, screening_design
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from search.storage.records import TrialRecord
from search.storage.registrations import RegistrationRecord, read_registrations

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DesignRow:
    """One technique in a design; effects in the metric's unit, positive is better.

    Parameters
    ----------
    technique
        Its name.
    effect
        A screened average, a contribution to the full set, or a rung's gain.
    p_adjusted
        Holm over the design's techniques.
    verdict
        In words: "candidate" or "screened"; "safe to remove" or "keep"; "holds" or "open".
    total
        Of a ladder: over the ground.
    """

    technique: str
    effect: Interval
    p_adjusted: float
    verdict: str
    total: Interval | None = None


@dataclass(frozen=True)
class DesignResult:
    """A design and what it has found so far.

    Parameters
    ----------
    name
        The study.
    registrations
        Every version; the last is in force.
    rows
        In the registered order; none before every arm has run on a seed or two.
    n_seeds
        Seeds on which every arm has ended.
    runs
        By (arm, seed): those that count.
    n_failed
        Runs that failed or diverged: they score as badly as the worst run.
    """

    name: str
    registrations: tuple[RegistrationRecord, ...]
    rows: tuple[DesignRow, ...]
    n_seeds: int
    runs: Mapping[tuple[str, int], TrialRecord]
    n_failed: int

    @property
    def registration(self) -> RegistrationRecord:
        """The version in force."""
        return self.registrations[-1]

    @property
    def kind(self) -> str:
        """Which design."""
        return str(self.registration.specification["design"])

    @property
    def final(self) -> bool:
        """Whether every run has ended."""
        return self.n_seeds == int(self.registration.specification["n_seeds"])


def judge_design(database: Database, name: str, kind: str) -> DesignResult:
    """Judge a design by the runs that exist.

    Raises
    ------
    StorageError
        If it was never registered.
    """
    registrations = read_registrations(database, f"{name}/{kind}")
    if not registrations:
        raise StorageError(f"{database.name} holds no {kind} of '{name}'")
    specification = registrations[-1].specification
    runs = _counting(database, name, kind, specification)
    arms = [str(arm["name"]) for arm in specification["arms"]]
    seeds = specification["seeds"]
    whole = [seed for seed in seeds if all((arm, seed) in runs for arm in arms)]
    counted = [runs[arm, seed] for arm in arms for seed in whole]
    scores = _scores(runs, arms, whole, specification)
    rows = _rows(kind, scores, specification) if scores.size and len(whole) > 1 else ()
    failed = sum(metric_of(run, specification["evaluation"]["metric"]) is None for run in counted)
    return DesignResult(name, tuple(registrations), rows, len(whole), runs, failed)


def _counting(
    database: Database, name: str, kind: str, specification: Mapping[str, Any]
) -> dict[tuple[str, int], TrialRecord]:
    """Return the ended runs of the registered code, data and settings."""
    series = f"{name}/{kind}"
    if series not in series_names(database, name):
        return {}
    code = specification["code"]["baseline"]
    found: dict[tuple[str, int], TrialRecord] = {}
    for trial in read_series(database, series).trials:
        asked = trial.asked
        if trial.result is not None and (asked.code, asked.data) == (code, specification["data"]):
            found[asked.arm, asked.seed] = trial
    return found


def _scores(
    runs: Mapping[tuple[str, int], TrialRecord],
    arms: Sequence[str],
    seeds: Sequence[int],
    specification: Mapping[str, Any],
) -> FloatArray:
    """Return held-out scores, shape (n_seeds, n_arms); a failed run scores as the worst one."""
    metric, direction = (specification["evaluation"][key] for key in ("metric", "direction"))
    table = [[metric_of(runs[arm, seed], metric) for arm in arms] for seed in seeds]
    scores = np.array([[np.nan if v is None else v for v in row] for row in table], np.float64)
    if not np.isfinite(scores).any():
        return np.empty((0, len(arms)))
    worst = np.nanmin(scores) if direction == "maximize" else np.nanmax(scores)
    return np.where(np.isfinite(scores), scores, worst)


def _rows(kind: str, scores: FloatArray, specification: Mapping[str, Any]) -> tuple[DesignRow, ...]:
    names, alpha = specification["techniques"], specification["alpha"]
    direction, delta = specification["evaluation"]["direction"], specification["smallest_gain"]
    if kind == "screen":
        design = screening_design(len(names))
        return tuple(
            DesignRow(
                one.name, one.effect, one.p_adjusted, "candidate" if one.candidate else "screened"
            )
            for one in screen(design, scores, names, direction, alpha=alpha)
        )
    if kind == "ladder":
        return tuple(
            DesignRow(
                rung.name, rung.gain, rung.p_adjusted, "holds" if rung.holds else "open", rung.total
            )
            for rung in climb(scores, names, direction, alpha=alpha)
        )
    return tuple(
        DesignRow(
            one.name, one.contribution, one.p_adjusted,
            "safe to remove" if one.safe_to_remove else "keep",
        )
        for one in judge_removals(scores[:, 0], scores[:, 1:], names, delta, direction, alpha=alpha)
    )  # fmt: skip
