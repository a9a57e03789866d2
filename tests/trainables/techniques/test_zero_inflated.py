import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit
from torch import Tensor

from trainables.techniques.zero_inflated import (
    log_normal_nll,
    log_normal_quantiles,
    zinb_focal_loss,
    zinb_nll,
    zinb_quantiles,
)

LEVELS = [k / 10 for k in range(1, 10)]
GRID = np.array(
    list(
        itertools.product(
            [0, 1, 2, 7, 100, 5000],  # count
            [-30.0, -2.0, 0.0, 3.0, 30.0],  # logit of π
            [1e-6, 0.1, 3.0, 1e4],  # μ
            [1e-3, 0.5, 10.0, 1e5],  # θ
        )
    )
)


def columns(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    return [torch.tensor(column, dtype=dtype) for column in GRID.T]


def reference() -> np.ndarray:
    y, logit, mu, theta = GRID.T
    log_pmf = stats.nbinom.logpmf(y, theta, theta / (theta + mu))
    log_one_minus = -np.logaddexp(0, logit)
    return -np.where(
        y == 0,
        np.logaddexp(-np.logaddexp(0, -logit), log_one_minus + log_pmf),
        log_one_minus + log_pmf,
    )


def test_agrees_with_scipy() -> None:
    assert_allclose(zinb_nll(*columns()).numpy(), reference(), rtol=1e-6, atol=1e-6)


def test_single_precision_is_as_good() -> None:
    assert_allclose(zinb_nll(*columns(torch.float32)).numpy(), reference(), rtol=1e-4, atol=1e-5)


def test_is_a_distribution() -> None:
    y = torch.arange(4000.0)
    parameters = [torch.full_like(y, value) for value in (-0.7, 12.0, 0.8)]
    chance = zinb_nll(y, *parameters).double().neg().exp()
    pi, mu, theta = expit(-0.7), 12.0, 0.8
    assert float(chance.sum()) == pytest.approx(1.0, abs=1e-5)
    mean = float((y * chance).sum())
    assert mean == pytest.approx((1 - pi) * mu, rel=1e-4)
    square = float((y**2 * chance).sum())
    assert square == pytest.approx((1 - pi) * (mu + mu**2 / theta + mu**2), rel=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("focal", [False, True])
def test_gradients_are_finite_at_the_extremes(dtype: torch.dtype, focal: bool) -> None:
    y, *parameters = columns(dtype)
    for parameter in parameters:
        parameter.requires_grad_()
    if focal:
        losses = zinb_focal_loss(y, *parameters, gamma=2.0, alpha=0.75)
    else:
        losses = zinb_nll(y, *parameters)
    losses.sum().backward()
    assert torch.isfinite(losses).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in parameters)


def test_gradients_are_right() -> None:
    y = torch.tensor([0.0, 0.0, 1.0, 30.0], dtype=torch.float64)
    rng = torch.Generator().manual_seed(0)
    rest = [torch.rand(4, dtype=torch.float64, generator=rng) + 0.1 for _ in range(3)]
    rest = [each.requires_grad_() for each in rest]
    assert torch.autograd.gradcheck(lambda *p: zinb_nll(y, *p), rest)
    assert torch.autograd.gradcheck(lambda *p: zinb_focal_loss(y, *p, gamma=2.0, alpha=0.75), rest)


def test_focal_without_focus_is_the_likelihood() -> None:
    y, logit, mu, theta = columns()
    tame = (logit.abs() < 10) & (mu > 1e-3)
    tame_columns = [each[tame] for each in (y, logit, mu, theta)]
    focal = zinb_focal_loss(*tame_columns, gamma=0.0, alpha=0.5)
    assert_allclose(focal.numpy(), zinb_nll(*tame_columns).numpy(), rtol=1e-9, atol=1e-9)


def test_focal_weighs_easy_zeros_down() -> None:
    one = torch.ones(1)
    easy = [0 * one, 3 * one, one, one]
    ratio = zinb_focal_loss(*easy, gamma=2.0, alpha=0.5) / zinb_nll(*easy)
    some = (1 - expit(3.0)) * 0.5  # P(y > 0) = (1 - π)(1 - NB(0)), NB(0) = 1/2
    assert float(ratio) == pytest.approx(some**2, rel=1e-5)


def test_quantiles_are_the_least_counts_that_reach_the_levels() -> None:
    rng = np.random.default_rng(0)
    logit, mu, theta = rng.normal(size=30), rng.gamma(1, 20, 30) + 0.01, rng.gamma(1, 2, 30) + 0.01
    found = zinb_quantiles(LEVELS, logit, mu, theta)
    pi = expit(logit)[:, None]
    p = (theta / (theta + mu))[:, None]

    def reached(counts: np.ndarray) -> np.ndarray:
        return np.where(
            counts < 0, 0.0, pi + (1 - pi) * stats.nbinom.cdf(counts, theta[:, None], p)
        )

    assert (reached(found) >= np.array(LEVELS) - 1e-9).all()
    assert (reached(found - 1) < np.array(LEVELS) + 1e-9).all()
    assert (np.diff(found, axis=1) >= 0).all()


def test_quantiles_at_the_extremes_are_finite_and_pass_on_what_is_not() -> None:
    _, logit, mu, theta = GRID.T
    found = zinb_quantiles(LEVELS, logit, mu, theta)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    nan, one = np.array([np.nan]), np.ones(1)
    for parameters in ((nan, one, one), (one, nan, one), (one, one, nan)):
        assert np.isnan(zinb_quantiles(LEVELS, *parameters)).all()


def test_log_normal_nll_is_the_density_up_to_a_constant() -> None:
    counts = torch.tensor([0.0, 3.0, 500.0], dtype=torch.float64)
    mean, deviation = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([0.05, 1.0, 3.0])
    loss = log_normal_nll(counts, mean, deviation, least=0.05)
    exact = -stats.norm.logpdf(np.log1p(counts.numpy()), mean.numpy(), deviation.numpy())
    assert_allclose(loss.numpy() - exact, np.log(1 / (0.05 * np.sqrt(2 * np.pi))), rtol=1e-6)
    assert (loss >= 0).all()


def test_log_normal_quantiles() -> None:
    counts = np.expm1(np.random.default_rng(0).normal(2.0, 0.7, 200_000))
    found = log_normal_quantiles(LEVELS, np.array([2.0, 1e9]), np.array([0.7, 1.0]))
    assert_allclose(found[0], np.quantile(counts, LEVELS).clip(0), rtol=0.02)
    assert np.isfinite(found).all()
