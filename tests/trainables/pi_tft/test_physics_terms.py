import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainables.pi_tft import physics
from trainables.pi_tft.physics_terms import (
    NEGLIGIBLE,
    bound,
    consistency,
    log10_probability,
    log10_risk,
    martingale,
    miss_ratio,
    monotone,
)

RISKS = st.floats(-12, 0)
DISTANCES = st.floats(0.05, 8)


def scalar(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


def slope(value: Tensor, at: Tensor) -> float:
    (gradient,) = torch.autograd.grad(value.sum(), at)
    return float(gradient)


@given(st.floats(-8, -2), DISTANCES)
def test_the_closed_form_is_that_of_the_data(max_risk: float, mahalanobis: float) -> None:
    expected = physics.risk_from_maximum(max_risk, mahalanobis)
    got = log10_probability(scalar(max_risk), scalar(mahalanobis))
    assert float(got) == pytest.approx(float(expected), abs=1e-9)


@given(st.floats(0.5, 50), st.floats(20, 900), st.floats(20, 900), DISTANCES, st.floats(0.2, 4))
def test_a_stretched_miss_has_the_probability_of_its_mahalanobis_distance(
    radius: float, sigma_x: float, sigma_y: float, mahalanobis: float, stretch: float
) -> None:
    top = physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis)
    truth = physics.collision_probability(radius, sigma_x, sigma_y, stretch * mahalanobis)
    got = log10_probability(scalar(float(np.log10(top))), scalar(mahalanobis), stretch)
    assert float(got) == pytest.approx(float(np.log10(truth)), abs=1e-8)


@given(st.floats(-8, -2), DISTANCES)
def test_every_term_is_zero_where_the_forecast_agrees(max_risk: float, mahalanobis: float) -> None:
    implied = log10_probability(scalar(max_risk), scalar(mahalanobis))
    assert float(consistency(implied, implied)) == 0.0
    assert float(bound(implied, scalar(max_risk))) <= 1e-12  # Pc never exceeds its maximum
    assert float(monotone(implied, implied, 0.25)) == 0.0


def test_the_maximum_is_reached_at_the_dilution_turning_point() -> None:
    """Growing the covariance by k² takes M² to M²/k² and K to K - log10 k²."""

    def diluted(square: float, growth: Tensor) -> Tensor:
        mahalanobis = scalar(math.sqrt(square))
        ceiling = -4.0 - torch.log10(scalar(square) / 2) - 1 / math.log(10)  # K fixed at -4
        shrunk = mahalanobis / growth.sqrt()
        return log10_probability(ceiling, mahalanobis, shrunk / mahalanobis) - growth.log10()

    for square, sign in ((1.0, -1), (1.99, -1), (2.01, 1), (6.0, 1)):
        growth = scalar(1.0).requires_grad_()
        assert math.copysign(1, slope(diluted(square, growth), growth)) == sign
    growth = scalar(1.0).requires_grad_()
    assert slope(diluted(2.0, growth), growth) == pytest.approx(0.0, abs=1e-12)
    assert float(log10_probability(scalar(-4.0), scalar(math.sqrt(2)))) == pytest.approx(-4.0)


def test_gradients_push_towards_the_law() -> None:
    above = scalar(-3.0).requires_grad_()
    assert slope(bound(above, scalar(-5.0)), above) > 0  # descent lowers a forecast over the bound
    below = scalar(-6.0).requires_grad_()
    assert slope(bound(below, scalar(-5.0)), below) == 0
    low = scalar(-7.0).requires_grad_()
    assert slope(consistency(low, scalar(-5.0)), low) < 0
    near, far = scalar(-5.0).requires_grad_(), scalar(-4.0).requires_grad_()
    assert monotone(near, far, 0.5).tolist() == pytest.approx([2.0])
    assert slope(monotone(near, far, 0.5), far) > 0
    assert slope(monotone(near, far, 0.5), near) < 0


@given(st.floats(-30, NEGLIGIBLE), st.floats(-30, NEGLIGIBLE))
def test_negligible_risks_need_not_agree(first: float, second: float) -> None:
    assert float(consistency(scalar(first), scalar(second))) == 0.0


def test_the_forecast_is_exactly_minus_six_plus_the_scaled_logit() -> None:
    logits = torch.tensor([-3.0, 0.0, 2.0])
    assert log10_risk(logits, 0.5).tolist() == [-7.5, -6.0, -5.0]


def test_the_miss_ratio_is_in_metres() -> None:
    forecast, latest = scalar(math.log1p(300.0)), scalar(math.log1p(100.0))
    assert float(miss_ratio(forecast, latest)) == pytest.approx(3.0)
    assert math.isfinite(float(miss_ratio(scalar(500.0), scalar(0.0))))
    assert float(miss_ratio(scalar(-2.0), latest)) > 0


def test_a_miss_forecast_that_grows_lowers_the_implied_risk() -> None:
    forecast = scalar(5.0).requires_grad_()
    implied = log10_probability(scalar(-4.0), scalar(1.0), miss_ratio(forecast, scalar(5.0)))
    assert slope(implied, forecast) < 0


def test_martingale_is_the_divergence_of_neighbours() -> None:
    logits = torch.tensor([[9.0, 0.0, 1.0, 1.0]])
    mask = torch.tensor([[False, True, True, True]])
    p, q = torch.tensor(1.0).sigmoid(), 0.5
    divergence = p * torch.log(p / q) + (1 - p) * torch.log((1 - p) / (1 - q))
    assert float(martingale(logits, mask)) == pytest.approx(float(divergence) / 2, rel=1e-5)


def test_martingale_is_zero_for_steady_forecasts_and_single_messages() -> None:
    steady = torch.full((1, 4), 0.7)
    assert float(martingale(steady, torch.ones(1, 4, dtype=torch.bool))) == pytest.approx(
        0, abs=1e-7
    )
    alone = torch.tensor([[False, False, True]])
    assert float(martingale(torch.randn(1, 3), alone)) == 0.0


def test_martingale_pulls_the_earlier_forecast_to_the_mean_of_the_later_ones() -> None:
    """Two equally likely futures, p = 0.9 and 0.2: the only fixed point is their mean."""
    earlier = torch.zeros(1, requires_grad=True)
    later = torch.tensor([0.9, 0.2]).logit()
    mask = torch.ones(2, 2, dtype=torch.bool)
    for _ in range(400):
        loss = martingale(torch.stack([earlier.expand(2), later], dim=1), mask).mean()
        (gradient,) = torch.autograd.grad(loss, earlier)
        earlier = (earlier - 2.0 * gradient).detach().requires_grad_()
    assert float(earlier.detach().sigmoid()) == pytest.approx(0.55, abs=1e-3)


def test_martingale_never_moves_the_later_forecast() -> None:
    logits = torch.tensor([[0.0, 1.0]], requires_grad=True)
    martingale(logits, torch.ones(1, 2, dtype=torch.bool)).sum().backward()
    assert logits.grad[0, 1] == 0
    assert float(logits.grad[0, 0]) == pytest.approx(0.5 - float(torch.tensor(1.0).sigmoid()))
