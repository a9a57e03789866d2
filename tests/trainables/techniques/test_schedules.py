import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.swa_utils import SWALR

from trainables.techniques.schedules import (
    CYCLE_FLOOR,
    AveragingSchedule,
    OneCycleSchedule,
    RestartSchedule,
    WarmupSchedule,
)


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from(["cosine", "constant"]))
def test_factors_lie_in_the_unit_interval_rise_then_never_rise_again(
    total: int, warmup: float, shape: str
) -> None:
    schedule = WarmupSchedule(total, warmup, shape)
    factors = [schedule.factor(step) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    warm = round(warmup * total)
    assert factors[:warm] == sorted(factors[:warm])
    assert factors[warm:] == sorted(factors[warm:], reverse=True)


def test_warmup_is_linear_and_the_cosine_ends_at_zero() -> None:
    schedule = WarmupSchedule(total=100, warmup=0.1, shape="cosine")
    assert [schedule.factor(step) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert schedule.factor(55) == pytest.approx(0.5)
    assert schedule.factor(100) == pytest.approx(0.0)


def test_a_warm_up_may_rise_from_more_than_nothing_and_a_cosine_fall_to_more() -> None:
    schedule = WarmupSchedule(total=100, warmup=0.1, shape="cosine", start=0.5, floor=0.2)
    factors = [schedule.factor(step) for step in (0, 4, 9, 55, 100)]
    assert factors == pytest.approx([0.55, 0.75, 1.0, 0.6, 0.2])


def test_a_constant_stays() -> None:
    schedule = WarmupSchedule(total=10, warmup=0.0, shape="constant")
    assert {schedule.factor(step) for step in range(10)} == {1.0}


def test_the_constant_averaging_rate_is_torchs() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = SWALR(optimizer, swa_lr=0.05, anneal_epochs=6, anneal_strategy="cos")
    ours = AveragingSchedule(rate=0.05, anneal=6, shape="constant", cycle=1)
    for step in range(10):
        optimizer.step()
        theirs.step()
        assert ours.value(step, before=0.5) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_without_annealing_the_averaging_rate_holds_at_once() -> None:
    schedule = AveragingSchedule(rate=0.05, anneal=0, shape="constant", cycle=1)
    assert schedule.value(0, before=0.5) == pytest.approx(0.05)


def test_a_cycle_falls_to_its_floor_and_starts_again() -> None:
    schedule = AveragingSchedule(rate=1.0, anneal=0, shape="cyclic", cycle=4)
    values = [schedule.value(step, before=9.0) for step in range(8)]
    assert values[:4] == sorted(values[:4], reverse=True)
    assert values[3] == pytest.approx(CYCLE_FLOOR)
    assert values[4:] == values[:4]


def torchs_rates(make, steps: int) -> list[float]:
    """Rates of one of torch's schedulers, whose highest is 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("period", "multiplier", "floor"), [(4, 1, 0.0), (3, 2, 0.1), (10, 2, 1e-3), (1, 3, 0.0)]
)
def test_restarts_are_torchs(period: int, multiplier: int, floor: float) -> None:
    expected = torchs_rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, period, T_mult=multiplier, eta_min=floor
        ),
        75,
    )
    schedule = RestartSchedule(period, multiplier, floor)
    assert [schedule.factor(step) for step in range(75)] == pytest.approx(expected)


@pytest.mark.parametrize("total", [10, 40, 123])
@pytest.mark.parametrize("rise", [0.3, 0.5])
def test_one_cycle_is_torchs(total: int, rise: float) -> None:
    expected = torchs_rates(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=1.0, total_steps=total + 1, pct_start=rise * total / (total + 1)
        ),
        total,
    )
    schedule = OneCycleSchedule(total + 1, rise * total / (total + 1))
    assert [schedule.factor(step) for step in range(total)] == pytest.approx(expected)


@given(st.integers(1, 300), st.floats(0, 1))
def test_one_cycle_rises_once_and_falls_once(total: int, rise: float) -> None:
    schedule = OneCycleSchedule(total, rise)
    factors = [schedule.factor(step) for step in range(total)]
    top = factors.index(max(factors))
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
