import math

import pytest
import torch

from trainables.techniques.uncertainty import (
    Kendall,
    KendallConfig,
    Learnt,
    Liebel,
    SoftplusKendall,
    kendall_problems,
)
from trainables.techniques.weighting import total

FREE = KendallConfig(clamp=0.0, regularisation=0.0)


def settled(weighting: Learnt, loss: float) -> tuple[float, float]:
    """Return weight and total once the scale has descended."""
    optimizer = torch.optim.Adam(weighting.parameters(), lr=0.05)
    for _ in range(1000):
        optimizer.zero_grad()
        value = total(weighting({"a": torch.tensor(loss)}, {}))
        value.backward()
        optimizer.step()
    return weighting.weights["a"], float(value.detach())


@pytest.mark.parametrize("loss", [0.01, 0.5, 3.0, 50.0])
def test_kendalls_best_weight_is_one_over_the_loss_and_its_total_may_be_negative(
    loss: float,
) -> None:
    weight, value = settled(Kendall(["a"], FREE), loss)
    assert 2 * weight == pytest.approx(1 / loss, rel=1e-3)
    assert value == pytest.approx(0.5 * (1 + math.log(loss)), abs=1e-4)
    if loss == 0.01:
        assert value == pytest.approx(-1.80, abs=0.005)


@pytest.mark.parametrize("loss", [0.01, 0.5, 3.0, 50.0])
def test_softplus_weighs_nothing_up_and_never_falls_below_zero(loss: float) -> None:
    weight, value = settled(SoftplusKendall(["a"], FREE), loss)
    assert weight == pytest.approx(min(1.0, 1 / loss), rel=0.02)
    assert value == pytest.approx(loss if loss < 1 else 1 + math.log(loss), abs=0.02)
    assert value > 0


@pytest.mark.parametrize("loss", [0.01, 3.0])
def test_liebels_total_is_never_negative(loss: float) -> None:
    weight, value = settled(Liebel(["a"], FREE), loss)
    variance = (loss + math.sqrt(loss**2 + 8 * loss)) / 4  # of L/(2v) + ln(1+v): 2v² = L(1+v)
    assert weight == pytest.approx(1 / (2 * variance), rel=1e-2)
    assert value == pytest.approx(loss / (2 * variance) + math.log1p(variance), abs=1e-4)
    assert value > 0


def test_the_clamp_bounds_the_weight_and_regularisation_pulls_to_one_half() -> None:
    weight, _ = settled(Kendall(["a"], KendallConfig(clamp=1.0, regularisation=0.0)), 1e-3)
    assert weight == pytest.approx(0.5 * math.e, rel=0.05)
    loose, _ = settled(Kendall(["a"], FREE), 0.2)
    tight, _ = settled(Kendall(["a"], KendallConfig(clamp=0.0, regularisation=1.0)), 0.2)
    assert abs(tight - 0.5) < abs(loose - 0.5)


def test_regularisation_brings_a_scale_back_from_beyond_its_limit() -> None:
    weighting = Kendall(["a"], KendallConfig(clamp=2.0))
    with torch.no_grad():
        weighting.scales.fill_(2.5)
    total(weighting({"a": torch.tensor(1.0)}, {})).backward()
    assert float(weighting.scales.grad) == pytest.approx(2 * 0.01 * 2.5)


def test_regularisation_belongs_to_its_task() -> None:
    weighting = Kendall(["a", "b"], KendallConfig(initial=0.5))
    losses = weighting({"b": torch.tensor(2.0)}, {})
    expected = 0.5 * math.exp(-0.5) * 2.0 + 0.25 + 0.01 * 0.25
    assert float(losses["b"].detach()) == pytest.approx(expected)
    losses["b"].backward()
    assert float(weighting.scales.grad[0]) == 0.0  # the task that was not there


def test_the_rate_of_its_parameters_is_told() -> None:
    assert Kendall(["a"], KendallConfig(lr_multiplier=3.0)).lr_multiplier == 3.0


def test_a_start_without_gradient_is_a_problem() -> None:
    (problem,) = kendall_problems(KendallConfig(initial=3.0, clamp=2.0), prefix="mtl.")
    assert "mtl.initial must lie within mtl.clamp=2.0" in problem
    assert not list(kendall_problems(KendallConfig(initial=3.0, clamp=0.0), prefix=""))
