"""The pictures of a run say what was measured, in the form that reports draw."""

import json
import math

import numpy as np
import pytest

from search.configuration import override
from search.engine.diagnostics import diagnostics_json
from search.trainable import Predictions
from tests.contracts.han import PICTURES, SMALL, data
from trainables.han.batch import TASKS
from trainables.han.columns import LEVELS
from trainables.han.config import HanConfig
from trainables.han.diagnostics import INTERVALS, Evidence, figures
from trainables.han.trainable import Han

ROWS = 400


def predictions(seed=0, deviation=2.0):
    """Return normal anomalies around what is said, and uniform counts with their quantiles."""
    rng = np.random.default_rng(seed)
    truth = np.full((ROWS, 4), np.nan)
    scores = np.zeros((ROWS, 15))
    truth[:, 1] = rng.integers(0, 100, ROWS)
    scores[:, 4:13] = 100 * np.asarray(LEVELS)
    scores[:, 13] = rng.normal(size=ROWS)
    truth[:, 2] = scores[:, 13] + deviation * rng.normal(size=ROWS)
    truth[::3, 2] = np.nan
    return Predictions(scores, truth)


def evidence(**changes):
    plain = {
        "history": {
            "train_loss_regime": [1.0, 0.5],
            "val_loss_regime": [1.2, 1.5],
            "train_loss_casualty": [3.0, 2.0],
            "gradient_share_regime": [0.2, 0.4],
            "gradient_share_forecast": [0.8, 0.6],
            "weight_regime": [1.0, 1.0],
            "weight_forecast": [1.0, 0.3],
        },
        "parameters": {"encoder": 300, "heads": 100},
        "windows": 40,
        "fusion": None,
        "sources": ["losses", "areas"],
        "aggregation": None,
        "predictions": predictions(),
        "deviations": None,
        "dropped": {},
    }
    return Evidence(**{**plain, **changes})


def bars(figure):
    return dict(zip(figure["names"], figure["values"], strict=True))


def test_losses_ratios_shares_and_weights():
    found = figures(evidence())
    losses = {"regime training": 0.5, "regime validation": 1.5, "casualty training": 2.0}
    logarithms = {name: math.log10(loss) for name, loss in losses.items()}
    assert bars(found["losses"]) == pytest.approx(logarithms)
    assert bars(found["loss_ratio"]) == {"regime": 3.0}
    assert "less than 5" in found["loss_ratio"]["note"]
    shares = bars(found["gradient_share"])
    assert shares == pytest.approx({"regime": 0.3, "forecast": 0.7})
    assert "weight_regime" not in found  # it never moved
    weight = found["weight_forecast"]
    assert (list(weight["x"]), list(weight["y"])) == ([1, 2], [1.0, 0.3])


def test_parameters_in_all_and_for_each_window():
    found = figures(evidence())["parameters"]
    assert bars(found) == {"encoder": 300, "heads": 100}
    assert "400 in all, 10 per training window" in found["note"]


def test_what_is_not_there_is_not_drawn():
    found = figures(evidence())
    assert not {"anomaly_coverage", "source_gate", "month_attention", "dropped"} & set(found)


def test_attention_gates_and_dropped_columns():
    found = figures(
        evidence(
            fusion=np.array([0.75, 0.25]),
            aggregation=np.array([0.1, 0.2, 0.7]),
            dropped={"areas": ("6", "7")},
        )
    )
    assert bars(found["source_gate"]) == {"losses": 0.75, "areas": 0.25}
    attention = found["month_attention"]
    assert dict(zip(attention["x"].tolist(), attention["y"], strict=True)) == {
        2: 0.1,
        1: 0.2,
        0: 0.7,
    }
    assert bars(found["dropped"]) == {"areas": 2}
    assert "areas: 6, 7" in found["dropped"]["note"]


def test_coverage_of_quantiles_and_of_intervals():
    found = figures(evidence(deviations=np.full(ROWS, 2.0)))
    casualties, anomalies = found["casualty_coverage"], found["anomaly_coverage"]
    assert np.abs(np.asarray(casualties["y"]) - LEVELS).max() < 0.08
    assert tuple(anomalies["x"]) == INTERVALS
    assert np.abs(np.asarray(anomalies["y"]) - INTERVALS).max() < 0.08
    assert casualties["diagonal"]
    assert anomalies["diagonal"]
    proud = figures(evidence(deviations=np.full(ROWS, 0.5)))["anomaly_coverage"]
    assert (np.asarray(proud["y"]) < np.asarray(INTERVALS) - 0.2).all()


def test_what_was_never_known_is_a_gap():
    unknown = Predictions(np.zeros((5, 15)), np.full((5, 4), np.nan))
    found = figures(evidence(predictions=unknown, deviations=np.ones(5), history={}))
    told = json.loads(diagnostics_json(found))
    assert told["casualty_coverage"]["y"] == [None] * len(LEVELS)
    assert told["anomaly_coverage"]["y"] == []
    assert told["losses"]["values"] == []


def test_a_share_that_was_never_finite_is_a_gap():
    lost = {"gradient_share_regime": [math.nan, math.nan]}
    told = json.loads(diagnostics_json(figures(evidence(history=lost))))
    assert told["gradient_share"]["values"] == [None]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "model.uncertainty": "density",
            "mtl.weighting.kind": "a3dro",
            "data.reduction.correlation": 0.7,
        },
        {"model.fusion": "concat", "model.aggregation": "mean", "mtl.aggregator": "gradnorm"},
        {"optim.lr": 1e30},
    ],
    ids=["plain", "everything", "without attention", "diverged"],
)
def test_a_runs_pictures_fit_a_report(changes):
    config = override(HanConfig(), SMALL | changes)
    run = Han(config, seed=0, max_steps=2, data=data())
    while not run.done:
        run.step()
    told = json.loads(diagnostics_json(run.diagnose()))
    assert set(PICTURES) <= set(told)
    assert sum(told["parameters"]["values"]) > 1000
    if not changes:
        assert len(told["losses"]["names"]) == 2 * len(TASKS)
        assert set(told["loss_ratio"]["names"]) == set(TASKS)
        assert sum(told["gradient_share"]["values"]) == pytest.approx(1.0, abs=1e-5)
        assert sum(told["source_gate"]["values"]) == pytest.approx(1.0, abs=1e-5)
        assert len(told["source_gate"]["names"]) == 5
        assert sum(told["month_attention"]["y"]) == pytest.approx(1.0, abs=1e-4)
        assert told["month_attention"]["x"] == [*range(9, -1, -1)]
    if "model.uncertainty" in changes:
        assert {"anomaly_coverage", "dropped", "weight_regime"} <= set(told)
    if "model.fusion" in changes:
        assert not {"source_gate", "month_attention"} & set(told)
        assert "weight_regime" in told  # GradNorm's
