from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn import functional

from search.trainable import Predictions
from tests.trainables.han.outputs import F, N, draw_outputs, draw_targets, statistics
from trainables.han.batch import AHEAD
from trainables.han.columns import LEVELS, score_columns
from trainables.han.loss_config import CasualtyLoss, ForecastLoss, LossConfig
from trainables.han.metrics import evaluate
from trainables.han.units import CountParameters, ForecastUnit, Units
from trainables.techniques.zero_inflated import log_normal_quantiles, zinb_quantiles

UNITS = ("raw", "standardised", "log1p")


@pytest.mark.parametrize("unit", UNITS)
def test_units_go_there_and_back(unit) -> None:
    known = statistics()
    raw = torch.tensor([[0.0, -3.0, 1e6], [1.5, 100.0, -1e4]], dtype=torch.float64)
    scale = ForecastUnit(unit, known.forecast_mean.double(), known.forecast_deviation.double())
    assert torch.allclose(scale.back(scale.of(raw)), raw, rtol=1e-9)


def test_log_forecasts_cannot_overflow() -> None:
    scale = ForecastUnit("log1p", torch.zeros(1), torch.ones(1))
    assert bool(torch.isfinite(scale.back(torch.tensor([-1e9, 1e9]))).all())


def test_means_are_multiples_of_the_training_mean() -> None:
    outputs = torch.tensor([[0.3, 0.0, -1.0]])
    logit, mean, shape = CountParameters("zinb", 12.0, 0.01).of(outputs)
    softplus = functional.softplus(outputs.double())
    assert float(logit) == pytest.approx(0.3)
    assert float(mean) == pytest.approx(12 * float(softplus[0, 1]), rel=1e-5)
    assert float(shape) == pytest.approx(float(softplus[0, 2]) + 0.01)
    assert float(CountParameters("zinb", 0.0, 0.01).of(outputs)[1]) > 0  # nothing was counted


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", ["zinb", "focal", "log1p"])
def test_scores_stand_in_their_columns(unit, kind) -> None:
    config = LossConfig(casualty=CasualtyLoss(kind), forecast=ForecastLoss(unit))
    outputs, units = draw_outputs(), Units(config, statistics())
    scores, columns = units.scores(outputs), score_columns(F)
    assert scores.shape == (N, 15 + 8 * F)
    assert_allclose(scores[:, columns["regime"]], outputs.regime.detach())
    parameters = [each.detach().numpy() for each in units.casualty.of(outputs.casualty)]
    quantiles = (
        log_normal_quantiles(LEVELS, *parameters[1:])
        if kind == "log1p"
        else zinb_quantiles(LEVELS, *parameters)
    )
    assert_allclose(scores[:, columns["casualty"]], quantiles)
    assert_allclose(scores[:, 13], outputs.anomaly[:, 0].detach() * 4 + 2)
    assert_allclose(scores[:, 14], outputs.transition.detach())
    month = units.forecast.back(outputs.forecast.detach().double())
    assert_allclose(scores[:, columns["forecast"]], month)
    days = units.daily.back(outputs.daily_forecast.detach().double())
    assert_allclose(scores[:, columns["daily_forecast"]].reshape(N, AHEAD, F), days)


@pytest.mark.parametrize("unit", UNITS)
def test_what_fits_the_targets_scores_a_skill_of_one(unit) -> None:
    """The way of a target into the loss, and of an output into the metrics, is one."""
    targets = draw_targets()
    units = Units(LossConfig(forecast=ForecastLoss(unit)), statistics())
    logits = 50 * functional.one_hot(targets["regime"].long(), 4).float()
    outputs = draw_outputs(
        regime=logits,
        anomaly=torch.stack([units.anomaly(targets["anomaly"]), torch.ones(N)], dim=1),
        transition=20 * targets["transition"] - 10,
        forecast=units.forecast.of(targets["forecast"]),
        daily_forecast=units.daily.of(targets["daily_forecast"]),
    )
    truth = np.hstack([targets[task].reshape(N, -1).numpy() for task in targets])
    found = evaluate(Predictions(units.scores(outputs), truth.astype(np.float64)))
    for task in ("regime", "anomaly", "transition", "forecast", "daily_forecast"):
        assert found[f"skill_{task}"] == pytest.approx(1.0, abs=1e-6)


def test_a_network_that_exploded_is_seen() -> None:
    outputs = draw_outputs()
    with torch.no_grad():
        outputs.casualty[0, 1] = torch.nan
        outputs.forecast[0, 0] = torch.inf
    scores = Units(replace(LossConfig()), statistics()).scores(outputs)
    assert np.isnan(scores[0, 4:13]).all()
    assert np.isfinite(scores[1:]).all()
    assert not np.isfinite(scores[0, 15])
