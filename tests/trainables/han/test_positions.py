import math

import pytest
import torch
from torch import Tensor

from trainables.han.positions import DayPositions, MonthPositions, sinusoids
from trainables.han.shape import Positions


def where(kind: Positions, weekday: Tensor, season: Tensor) -> Tensor:
    torch.manual_seed(0)
    moved: Tensor = DayPositions(kind, 8, weekday.shape[1])(weekday, season)
    return moved


def test_sinusoids_are_those_of_the_paper() -> None:
    waves = sinusoids(50, 8)
    for place in (0, 7, 49):
        for pair in range(4):
            angle = place / 10_000 ** (2 * pair / 8)
            assert waves[place, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert waves[place, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "by_place", "by_weekday", "by_season"),
    [
        ("none", False, False, False),
        ("sinusoidal", True, False, False),
        ("weekday", True, True, False),
        ("weekday_month", True, True, True),
    ],
)
def test_what_days_know(kind: Positions, by_place: bool, by_weekday: bool, by_season: bool) -> None:
    zeros = torch.zeros(2, 6, dtype=torch.int64)
    base = where(kind, zeros, zeros)
    assert base.shape == (8, 2, 6)
    assert (not torch.equal(base[..., 0], base[..., 1])) == by_place
    assert (not torch.equal(base, where(kind, zeros + 3, zeros))) == by_weekday
    assert (not torch.equal(base, where(kind, zeros, zeros + 5))) == by_season


@pytest.mark.parametrize("kind", ["none", "sinusoidal", "weekday", "weekday_month"])
def test_what_months_know(kind: Positions) -> None:
    positions, zeros = MonthPositions(kind, 8, 6), torch.zeros(2, 6, dtype=torch.int64)
    base = positions(zeros)
    assert base.shape == (8, 2, 6)
    assert torch.equal(base[..., 0], base[..., 1]) == (kind == "none")
    assert torch.equal(base, positions(zeros + 4)) == (kind != "weekday_month")
