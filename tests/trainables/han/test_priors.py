"""A network that has learned nothing says what the training period was like on average."""

import numpy as np
import pytest
import torch

from search.trainable import Predictions
from tests.trainables.han.parts import FULLY_KNOWN, HARD_TO_KNOW, drawn, parts
from trainables.han.batch import flat_targets
from trainables.han.columns import LEVELS
from trainables.han.metrics import evaluate
from trainables.han.priors import ONE_MORE

UNITS = ("raw", "standardised", "log1p")


def untrained(unit, generator=FULLY_KNOWN, **changes):
    one = parts(drawn(generator), **{"loss.forecast.unit": unit}, **changes)
    one.network.eval()
    batch = one.train
    with torch.no_grad():
        said = one.network(batch)
    return one, batch, one.balance.criterion.to_scores(said)


@pytest.mark.parametrize("head", ["features", "latent"])
@pytest.mark.parametrize("unit", UNITS)
def test_forecasts_are_the_averages_of_the_training_period(unit, head):
    one, batch, scores = untrained(unit, HARD_TO_KNOW, **{"model.forecast_head": head})
    features = one.series.shape.forecast
    month, week = scores[:, 15 : 15 + features], scores[:, 15 + features :]
    truth = batch.targets["forecast"].double().numpy()
    daily = batch.targets["daily_forecast"].double().numpy()
    scale = np.nanstd(truth, axis=0)
    assert (np.abs(month - np.nanmean(truth, axis=0)) < 1e-4 * scale).all()
    days = week.reshape(len(week), 7, features)
    assert (np.abs(days - np.nanmean(daily, axis=(0, 1))) < 1e-4 * scale).all()


@pytest.mark.parametrize("unit", UNITS)
def test_the_forecasts_skill_on_the_training_period_is_zero(unit):
    _, batch, scores = untrained(unit)
    found = evaluate(Predictions(scores, flat_targets(batch.targets)))
    assert found["skill_forecast"] == pytest.approx(0.0, abs=1e-5)
    assert found["skill_daily_forecast"] == pytest.approx(0.0, abs=0.02)  # one mean for 7 days
    assert found["skill_daily_forecast"] < 1e-5


@pytest.mark.parametrize("kind", ["zinb", "log1p"])
def test_heads_that_read_nothing_say_frequencies_and_means(kind):
    one, batch, _ = untrained("raw", **{"loss.casualty.kind": kind})
    heads, nothing = one.network.heads, torch.zeros(1, 16)
    counts = torch.bincount(batch.targets["regime"].long(), minlength=4) + ONE_MORE
    classes = torch.softmax(heads["regime"](nothing), dim=-1)
    assert torch.allclose(classes, counts / counts.sum())
    rate = float(batch.targets["transition"].mean())
    assert float(torch.sigmoid(heads["transition"](nothing)).detach()) == pytest.approx(rate)
    anomaly = heads["anomaly"](nothing, torch.ones(1))
    assert anomaly.tolist() == [[0.0, 1.0]]  # standardised
    zero, second, _ = heads["casualty"](nothing).detach()[0].tolist()
    mean = float(batch.targets["casualty"].mean())
    if kind == "zinb":  # a share of zeros of one half, and a multiple of the mean
        assert (zero, np.log1p(np.exp(second))) == (0.0, pytest.approx(1.0))
    else:
        assert np.expm1(second) == pytest.approx(mean, rel=1e-5)


def test_a_period_without_any_count_or_change_has_priors_too():
    nothing = {"casualty_known": 0.0, "anomaly_known": 0.0, "change": 0.0}
    generator = type(FULLY_KNOWN)(n_train=20, n_validation=10, n_test=10, **nothing)
    one, batch, scores = untrained("standardised", generator)
    assert np.isfinite(scores).all()
    assert batch.targets["transition"].nansum() == 0
    rare = torch.sigmoid(one.network.heads["transition"](torch.zeros(1, 16)))
    assert float(rare.detach()) == pytest.approx(1e-3)  # impossible it is not


def test_quantiles_of_an_untrained_network_are_about_the_truth():
    _, batch, scores = untrained("raw", **{"loss.casualty.kind": "log1p"})
    median = scores[:, 4 + LEVELS.index(0.5)]
    mean = float(batch.targets["casualty"].mean())
    assert mean / 5 < np.median(median) < 5 * mean
