import json

import numpy as np
import pytest

from search.configuration import override
from search.engine.diagnostics import diagnostics_json
from search.reports.diagnostic_figures import diagnostic_figures
from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.sequences import Splits
from trainables.pi_tft.trainable import PiTft
from trainables.techniques.calibration import fit_temperature
from trainables.techniques.ranking import best_threshold, f_score_at


@pytest.fixture(scope="module")
def trained(splits: Splits) -> PiTft:
    changes = {"model.width": 8, "model.pooling": "attention", "optim.batch_size": 32}
    one = PiTft(override(PiTftConfig(), changes), seed=0, max_steps=3, data=splits)
    while not one.done:
        one.step()
    return one


def test_everything_is_a_plain_array(trained: PiTft) -> None:
    for name, value in trained.diagnostics().items():
        assert isinstance(value, np.ndarray), name
        assert value.dtype != object


def test_diagnostics_change_nothing(trained: PiTft) -> None:
    before = trained.predict("test").scores
    first, second = trained.diagnostics(), trained.diagnostics()
    assert all(
        np.array_equal(first[k], second[k], equal_nan=first[k].dtype.kind == "f") for k in first
    )
    assert np.array_equal(trained.predict("test").scores, before)


def test_the_reliability_diagram_counts_the_validation_events(trained: PiTft) -> None:
    seen = trained.diagnostics()
    validation = trained.predict("validation")
    assert seen["reliability_count"].sum() == len(validation.targets)
    filled = seen["reliability_count"] > 0
    positives = seen["reliability_frequency"][filled] @ seen["reliability_count"][filled]
    assert positives == pytest.approx(validation.targets.sum())
    assert float(seen["temperature"]) == pytest.approx(1 / fit_temperature(validation).slope)


def test_the_curve_and_its_thresholds(trained: PiTft) -> None:
    seen = trained.diagnostics()
    validation = trained.predict("validation")
    threshold = float(seen["threshold_f1"])
    assert threshold == best_threshold(validation.scores, validation.targets, beta=1.0)
    best = f_score_at(validation.scores, validation.targets, threshold, beta=1.0)
    precision, recall = seen["pr_precision"], seen["pr_recall"]
    assert best == pytest.approx(np.max(2 * precision * recall / (precision + recall + 1e-12)))
    assert recall[-1] == 1.0


def test_a_study_can_keep_and_draw_what_explains_a_run(trained: PiTft) -> None:
    found = json.loads(diagnostics_json(trained.diagnose()))
    assert list(trained.diagnose()) == [
        "reliability",
        "precision_recall",
        "attention",
        "pooling",
        "selection",
        "gradient_cosines",
    ]
    assert found["gradient_cosines"]["names"] == ["risk · miss", "risk · physics", "miss · physics"]
    seen = trained.diagnostics()
    best = found["precision_recall"]["marks"][0]
    precision, recall = best["y"], best["x"]
    threshold = float(seen["threshold_f1"])
    validation = trained.predict("validation")
    f1 = f_score_at(validation.scores, validation.targets, threshold, beta=1.0)
    assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, rel=1e-4)
    assert found["attention"]["x"][-1] == 0  # the last message
    assert len(found["reliability"]["x"]) == (seen["reliability_count"] > 0).sum()
    drawings = list(diagnostic_figures({"baseline": found}))
    assert len(drawings) == 6


def test_attention_runs_over_the_messages_there_are(trained: PiTft, splits: Splits) -> None:
    seen = trained.diagnostics()
    real = splits.validation.mask.sum(axis=0)
    for name in ("attention", "pooling"):
        assert seen[name].shape == (splits.validation.mask.shape[1],)
        assert seen[name] @ real == pytest.approx(len(splits.validation.label), rel=1e-4)
    assert seen["selection"].sum() == pytest.approx(1.0, abs=1e-5)
    assert seen["selection_names"].tolist() == list(splits.validation.temporal_names)


def test_gradient_cosines_are_those_of_the_tasks(trained: PiTft) -> None:
    seen = trained.diagnostics()
    cosines = seen["gradient_cosines"]
    assert seen["tasks"].tolist() == ["risk", "miss", "physics"]
    assert np.allclose(np.diag(cosines), 1.0)
    assert np.allclose(cosines, cosines.T)
    assert (np.abs(cosines) <= 1 + 1e-9).all()
    assert (seen["gradient_norms"] > 0).all()
