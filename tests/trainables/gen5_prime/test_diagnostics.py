"""Pictures of a run are plain data that reports can draw."""

import numpy as np
import pytest

from search.engine.diagnostics import diagnostics_json
from search.trainable import Predictions
from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.diagnostics import figures
from trainables.gen5_prime.strata import by_radius


@pytest.fixture(scope="module")
def found():
    stamps = small().validation
    rng = np.random.default_rng(0)
    scores = rng.normal(size=len(stamps)) + stamps.label
    history = {"train_loss": [0.7, 0.5, 0.3], "val_on_arc": [1.0, np.nan, 2.0]}
    return stamps, scores, figures(Predictions(scores, stamps.label), stamps, history)


def test_reports_can_draw_all_of_it(found):
    assert len(diagnostics_json(found[2])) < 20_000


def test_decisions_add_up_to_the_pairs(found):
    stamps, _, pictures = found
    counts = dict(zip(pictures["confusion"]["names"], pictures["confusion"]["values"], strict=True))
    assert sum(counts.values()) == len(stamps)
    assert counts["arcs found"] + counts["arcs missed"] == stamps.label.sum()


def test_bars_are_the_areas_of_the_radii_there_are(found):
    stamps, scores, pictures = found
    areas = [v for name, v in by_radius(scores, stamps).items() if name.startswith("auroc")]
    assert pictures["radius"]["values"] == areas
    assert all(name.endswith("arcsec") for name in pictures["radius"]["names"])


def test_what_was_not_measured_in_an_epoch_is_left_out(found):
    attention = found[2]["attention"]
    assert attention["x"].tolist() == [1, 3]
    assert attention["y"].tolist() == [1.0, 2.0]
    assert found[2]["rate"]["x"].tolist() == []
