from collections.abc import Sequence

import numpy as np
import pytest

from search.statistics import ResponseCurve, StatisticsError, response_curve
from search.statistics.arrays import FloatArray

LEVELS = ("0.1", "0.3", "0.5")


def curve(
    effects: Sequence[float], n: int = 12, seed: int = 0, noise: float = 0.5
) -> tuple[ResponseCurve, FloatArray]:
    d = np.random.default_rng(seed).normal(effects, noise, (n, len(effects)))
    return response_curve(d, LEVELS[: len(effects)], np.full(len(effects), 0.4)), d


def test_effects_carry_the_given_half_widths() -> None:
    found, d = curve([0.0, 1.0, 0.5])
    assert [x.estimate for x in found.effects] == pytest.approx(d.mean(axis=0))
    assert [(x.high or 0.0) - x.estimate for x in found.effects] == pytest.approx([0.4] * 3)
    assert found.effects[0].level == 0.95


def test_a_clear_best_level_is_named() -> None:
    found, _ = curve([0.0, 3.0, 0.5])
    assert found.best == "0.3"
    assert found.tied == ("0.3",)
    assert not found.flat


def test_levels_not_separated_from_the_best_are_tied() -> None:
    found, _ = curve([-3.0, 1.0, 1.1])
    assert found.best in ("0.3", "0.5")
    assert found.tied == ("0.3", "0.5")


def test_a_flat_curve_names_nobody() -> None:
    found, _ = curve([1.0, 1.0, 1.0])
    assert (found.flat, found.best) == (True, None)
    assert found.tied == LEVELS


def test_equal_columns_are_flat() -> None:
    d = np.tile(np.random.default_rng(0).normal(size=(5, 1)), (1, 3))
    assert response_curve(d, LEVELS, np.zeros(3)).flat


def test_flat_curves_are_seldom_called_otherwise() -> None:
    wrong = [not curve([0.5, 0.5, 0.5], n=6, seed=s)[0].flat for s in range(1000)]
    assert np.mean(wrong) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize("shape", [(1, 3), (5, 1), (5, 2)])
def test_two_seeds_and_two_levels(shape: tuple[int, int]) -> None:
    with pytest.raises(StatisticsError, match="response curve"):
        response_curve(np.zeros(shape), LEVELS, np.zeros(3))
