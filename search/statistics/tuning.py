"""How much of a result is owed to the number of trials behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from search.statistics.arrays import FloatArray
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval, finite_sample, mean_interval

Direction = Literal["maximize", "minimize"]
BORDER = 0.05


def expected_best(scores: npt.ArrayLike, direction: Direction = "maximize") -> FloatArray:
    """Return the expected best validation score of n random trials, for n = 1 .. B.

    The plug-in estimator ``Σ_i v_(i) [(i/B)^n - ((i-1)/B)^n]`` (Dodge et al. 2019,
    arXiv:1909.03004); it is biased low, and of the known ones leads to the fewest wrong
    conclusions (Dodge et al. 2021, arXiv:2110.00613).

    Parameters
    ----------
    scores : array-like of shape (B,)
        One per trial. Trials that diverged or failed (not finite) count as the worst finite one.

    Returns
    -------
    ndarray of shape (B,)

    Raises
    ------
    StatisticsError
        If no score is finite.

    Examples
    --------
    >>> expected_best([1.0, 2.0]).tolist()
    [1.5, 1.75]
    """
    values = np.asarray(scores, dtype=np.float64).ravel()
    values = values if direction == "maximize" else -values
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise StatisticsError("no trial ended with a finite score, so none is the best")
    ordered = np.sort(np.where(np.isfinite(values), values, finite.min()))
    b = ordered.size
    share = (np.arange(b + 1) / b)[None, :] ** np.arange(1, b + 1)[:, None]  # (n, i)
    curve: FloatArray = np.diff(share, axis=1) @ ordered
    return curve if direction == "maximize" else -curve


@dataclass(frozen=True)
class Crossing:
    """Two arms whose order depends on the budget.

    Parameters
    ----------
    first, second
        `first` leads at the full budget.
    from_trials
        Number of trials from which it does; below, at some budget, `second` leads.
    """

    first: str
    second: str
    from_trials: int


def crossings(
    scores: Mapping[str, npt.ArrayLike], direction: Direction = "maximize"
) -> tuple[Crossing, ...]:
    """Pairs of arms whose expected-best curves cross before the budget is spent.

    Parameters
    ----------
    scores
        Arm to its trials' validation scores. Curves are compared up to the shortest.

    Examples
    --------
    >>> crossings({"steady": [0.5, 0.5, 0.5], "wild": [0.0, 0.4, 0.9]})
    (Crossing(first='wild', second='steady', from_trials=2),)
    """
    sign = 1 if direction == "maximize" else -1
    curves = {name: sign * expected_best(values, direction) for name, values in scores.items()}
    found = []
    for one, two in combinations(sorted(curves), 2):
        n = min(curves[one].size, curves[two].size)
        lead = np.sign(curves[one][:n] - curves[two][:n])
        against = np.flatnonzero(lead * lead[-1] < 0)
        if against.size:
            first, second = (one, two) if lead[-1] > 0 else (two, one)
            found.append(Crossing(first, second, int(against[-1]) + 2))
    return tuple(found)


def on_border(
    value: float, low: float, high: float, *, log: bool = False, margin: float = BORDER
) -> bool:
    """Whether a chosen hyperparameter lies at the border of its range.

    Parameters
    ----------
    log
        Measure on the logarithmic scale of the domain.
    margin
        Share of the range, at either end, that counts as the border.

    Examples
    --------
    >>> on_border(1.2e-5, 1e-5, 1e-1, log=True), on_border(1e-3, 1e-5, 1e-1, log=True)
    (True, False)
    """
    if not low < high or (log and low <= 0):
        raise StatisticsError(f"a range needs low < high, positive if log; got {low} .. {high}")
    scale = math.log if log else float
    place = (scale(value) - scale(low)) / (scale(high) - scale(low))
    return not margin < place < 1 - margin


def optimism(
    best_score: float, rerun_scores: npt.ArrayLike, direction: Direction = "maximize"
) -> Interval:
    """How much the selected trial flattered its configuration: best minus mean of the reruns.

    Parameters
    ----------
    best_score
        Validation score of the selected trial.
    rerun_scores : array-like of shape (n_seeds,)
        Validation scores of the same configuration on fresh seeds.

    Returns
    -------
    Interval
        Positive when the selection was optimistic, whatever the direction.
    """
    reruns = finite_sample(rerun_scores, "optimism")
    sign = 1 if direction == "maximize" else -1
    return mean_interval(sign * (best_score - reruns))
