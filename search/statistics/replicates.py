"""Finished runs on paired seeds; nothing unfinished can get in here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from search.errors import near_miss
from search.statistics.arrays import BoolArray, FloatArray, sealed_bools, sealed_floats
from search.statistics.errors import StatisticsError

FINISHED = ("complete", "failed", "diverged")


@dataclass(frozen=True)
class Replicate:
    """One finished run: full length, unpruned.

    Parameters
    ----------
    column
        The arm (or the arm's level) that was switched on.
    seed
        The seed that drove it.
    outcome
        "complete", "failed" (an exception) or "diverged" (a non-finite number).
    score
        Evaluation score in the metric's unit; None unless complete.

    Raises
    ------
    StatisticsError
        If the run is not finished, was pruned, or its score does not fit its outcome.
    """

    column: str
    seed: int
    outcome: str
    score: float | None = None

    def __post_init__(self) -> None:
        where = f"run of '{self.column}' with seed {self.seed}"
        if self.outcome not in FINISHED:
            raise StatisticsError(
                f"{where}: only finished, unpruned runs are measured ({', '.join(FINISHED)}), "
                f"got {self.outcome!r}"
            )
        if (self.outcome == "complete") != (self.score is not None and math.isfinite(self.score)):
            raise StatisticsError(
                f"{where}: complete runs, and no others, have a finite score; "
                f"got outcome {self.outcome!r} with score {self.score!r}"
            )


@dataclass(frozen=True, eq=False)
class Replicates:
    """Evaluation scores of finished runs, seeds by columns.

    Parameters
    ----------
    columns
        Names; the first is the baseline.
    scores : ndarray of shape (n_seeds, n_columns)
        In the metric's unit; NaN where there was no run or it failed.
    failed : ndarray of shape (n_seeds, n_columns), bool
        Runs that failed or diverged.
    curves_vary
        Whether the baseline's curves are known to differ between seeds. Then equal final scores
        are a coincidence, not a seed that fails to reach the trainable.

    Raises
    ------
    StatisticsError
        If shapes disagree, a name comes twice, a failed run has a score, or one is infinite.
    """

    columns: tuple[str, ...]
    scores: FloatArray
    failed: BoolArray
    curves_vary: bool = False

    def __post_init__(self) -> None:
        scores, failed = sealed_floats(self.scores), sealed_bools(self.failed)
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "scores", scores)
        object.__setattr__(self, "failed", failed)
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise StatisticsError(f"columns need names of their own, got {self.columns!r}")
        if scores.ndim != 2 or scores.shape != failed.shape:
            raise StatisticsError(
                f"scores {scores.shape} and failed {failed.shape} must be (n_seeds, n_columns)"
            )
        if scores.shape[1] != len(self.columns):
            raise StatisticsError(f"{len(self.columns)} columns but scores {scores.shape}")
        if np.isinf(scores).any() or (failed & np.isfinite(scores)).any():
            raise StatisticsError("an infinite score is a diverged run, and failed runs have none")

    @classmethod
    def collect(
        cls,
        runs: Iterable[Replicate],
        *,
        columns: Sequence[str],
        seeds: Sequence[int],
        curves_vary: bool = False,
    ) -> Replicates:
        """Lay runs out by seed and column; a run told twice counts once.

        Parameters
        ----------
        columns
            The baseline's name, then the arms'.
        seeds
            The registered list; row i belongs to ``seeds[i]``.

        Raises
        ------
        StatisticsError
            If a run belongs to no column or seed, or two tellings of one run disagree.
        """
        rows = {seed: row for row, seed in enumerate(seeds)}
        places = {column: place for place, column in enumerate(columns)}
        told: dict[tuple[int, int], Replicate] = {}
        for run in runs:
            if run.column not in places:
                raise StatisticsError(f"no arm '{run.column}'{near_miss(run.column, places)}")
            if run.seed not in rows:
                raise StatisticsError(
                    f"seed {run.seed} of '{run.column}' is not in the registered list"
                )
            earlier = told.setdefault((rows[run.seed], places[run.column]), run)
            if earlier != run:
                raise StatisticsError(f"one run, two results: {earlier!r} and {run!r}")
        scores = np.full((len(rows), len(places)), np.nan)
        failed = np.zeros(scores.shape, dtype=np.bool_)
        for cell, run in told.items():
            failed[cell] = run.score is None
            scores[cell] = np.nan if run.score is None else run.score
        return cls(tuple(columns), scores, failed, curves_vary)
