from itertools import combinations
from typing import Any

import numpy as np
import pytest

from search.statistics import StatisticsError, combinations_of, screen, screening_design


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33])
def test_designs_are_of_resolution_four(n: int) -> None:
    design = screening_design(n)
    signs = np.where(design, 1, -1)
    runs = len(signs)
    assert runs == 2 ** (1 + (n - 1).bit_length())
    assert (signs.sum(axis=0) == 0).all()  # balanced
    assert np.array_equal(signs.T @ signs, runs * np.eye(n))  # no two main effects aliased
    if n <= 9:
        for i, j in combinations(range(n), 2):
            others = [k for k in range(n) if k not in (i, j)]
            assert (signs[:, others].T @ (signs[:, i] * signs[:, j]) == 0).all()


def test_eight_techniques_take_sixteen_runs() -> None:
    assert screening_design(8).shape == (16, 8)


@pytest.mark.parametrize("n", [0, 65])
def test_too_few_or_many_techniques(n: int) -> None:
    with pytest.raises(StatisticsError, match="1 to 64"):
        screening_design(n)


def test_combinations_name_the_techniques() -> None:
    named = combinations_of(screening_design(2), ("a", "b"))
    assert set(named) == {
        frozenset(),
        frozenset({"a"}),
        frozenset({"b"}),
        frozenset({"a", "b"}),
    }


def test_balanced_effects_are_differences_of_means() -> None:
    design = screening_design(8)
    rng = np.random.default_rng(0)
    y = rng.normal(size=(3, 16)) + rng.normal(size=(3, 1)) + design @ np.arange(8.0)
    found = screen(design, y, [f"t{i}" for i in range(8)])
    row: Any
    for i, row in enumerate(found):
        assert row.effect.estimate == pytest.approx(
            y[:, design[:, i]].mean() - y[:, ~design[:, i]].mean()
        )
        assert row.effect.low < row.effect.estimate < row.effect.high
        assert row.p_adjusted >= row.p_value


def test_screening_has_the_documented_precision() -> None:
    """2^(8-4) x 3 seeds, sigma 1, rho .5: standard deviation .20 of each estimate."""
    rng = np.random.default_rng(1)
    design = screening_design(8)
    names = [f"t{i}" for i in range(8)]
    estimates, adopted = [], 0
    truth = np.array([2, 1, 0.5, 0, 0, 0, -0.5, -1])
    for _ in range(150):
        noise = rng.normal(size=(3, 1)) + rng.normal(size=(3, 16))
        found = screen(design, np.sqrt(0.5) * noise + design @ truth, names)
        estimates.append([row.effect.estimate for row in found])
        adopted += found[1].candidate
    assert np.std(estimates, axis=0).mean() == pytest.approx(0.20, abs=0.02)
    assert np.mean(estimates, axis=0) == pytest.approx(truth, abs=0.08)
    assert adopted / 150 > 0.95


def test_direction_is_a_sign() -> None:
    design = screening_design(2)
    y = np.random.default_rng(2).normal(size=(4, 4))
    assert screen(design, y, "ab") == screen(design, -y, "ab", "minimize")


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_a_crash_is_no_number(hole: float) -> None:
    y = np.ones((2, 4))
    y[0, 1] = hole
    with pytest.raises(StatisticsError, match="finite score"):
        screen(screening_design(2), y, "ab")
