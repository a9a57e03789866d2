"""How many runs a design takes, by simulating the race itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.statistics.arrays import FloatArray
from search.statistics.outcome import Race
from search.statistics.pairs import Pairs
from search.statistics.race import race
from search.statistics.sequential import Rules


@dataclass(frozen=True)
class ExpectedRuns:
    """Runs of a design, the baseline's included.

    Parameters
    ----------
    looks
        Seeds at each look.
    mean_by_look, worst_by_look
        Runs finished by the end of each look: the mean, and when no arm leaves.
    mean, p90, worst
        Runs at the end of the study: mean, 90 % point, and the most possible.
    """

    looks: tuple[int, ...]
    mean_by_look: tuple[float, ...]
    worst_by_look: tuple[int, ...]
    mean: float
    p90: float
    worst: int


def simulate_differences(
    effects: npt.ArrayLike,
    *,
    n_seeds: int,
    rng: np.random.Generator,
    repetitions: int,
    rho: float = 0.5,
    noise: Sequence[float] = (),
    heavy_tails: bool = False,
) -> FloatArray:
    """Paired differences of a one-way layout on shared seeds, in units of the seed's sd.

    ``y_ki = effect_k + √rho s_i + √(1-rho) e_ki``; d_ki = y_ki - y_0i.

    Parameters
    ----------
    effects : array-like of shape (n_arms,)
    rho
        Correlation between arms over shared seeds.
    noise
        Multiple of e_ki per arm; empty means 1 each.
    heavy_tails
        Student's t on 3 degrees of freedom, scaled to variance 1, in place of the normal.

    Returns
    -------
    ndarray of shape (repetitions, n_seeds, n_arms)
    """
    truth = np.asarray(effects, dtype=np.float64)
    scale = np.array([1.0, *(noise or [1.0] * truth.size)])
    shape = (repetitions, n_seeds, truth.size + 1)

    def draw(size: tuple[int, ...]) -> FloatArray:
        if heavy_tails:
            return np.asarray(rng.standard_t(3, size)) / math.sqrt(3.0)
        return rng.standard_normal(size)

    shared = math.sqrt(rho) * draw((repetitions, n_seeds, 1))
    scores: FloatArray = shared + math.sqrt(1 - rho) * draw(shape) * scale
    d: FloatArray = truth + scores[..., 1:] - scores[..., :1]
    return d


def runs_by_look(outcome: Race, looks: Sequence[int]) -> FloatArray:
    """Count the runs finished by the end of each look, the baseline's included.

    Returns
    -------
    ndarray of shape (..., n_looks)
    """
    took_part = outcome.look[..., None, :] >= np.arange(len(looks))[:, None]
    running = took_part.sum(axis=-1)
    fresh = np.diff(np.asarray(looks), prepend=0)
    finished: FloatArray = ((running + (running > 0)) * fresh).cumsum(axis=-1)
    return finished


def expected_runs(
    effects: Sequence[float],
    *,
    rng: np.random.Generator,
    delta: npt.ArrayLike = 1.0,
    rules: Rules,
    rho: float = 0.5,
    repetitions: int = 400,
) -> ExpectedRuns:
    """Simulate a design under assumed effects.

    Parameters
    ----------
    effects
        True effects in units of the seed's sd (sigma_b); all 0 is the most sober assumption.
    delta : array-like, one or of shape (n_arms,)
        In the same unit.
    """
    d = simulate_differences(
        effects, n_seeds=rules.looks[-1], rng=rng, repetitions=repetitions, rho=rho
    )
    outcome = race(Pairs.without_failures(d), np.asarray(delta, dtype=np.float64), rules)
    finished = runs_by_look(outcome, rules.looks)
    worst = tuple(n * (len(effects) + 1) for n in rules.looks)
    return ExpectedRuns(
        looks=rules.looks,
        mean_by_look=tuple(float(x) for x in finished.mean(axis=0)),
        worst_by_look=worst,
        mean=float(finished[:, -1].mean()),
        p90=float(np.quantile(finished[:, -1], 0.9)),
        worst=worst[-1],
    )
