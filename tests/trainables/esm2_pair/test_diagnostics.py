"""Pictures hold what was measured."""

import numpy as np

from search.trainable import Predictions
from trainables.esm2_pair.diagnostics import figures

SAID = Predictions(
    np.array([1.0, -1.0, 0.5, -0.1, 2.0]),
    np.array([1, 1, 0, 0, 0]),
    np.array([103, 103, 0, 100, 4]),
)
COURSE = {"train_loss": [0.7, 0.5], "val_nll": [0.8, 0.6], "val_f1": [0.1, 0.4]}


def test_false_alarms_by_matches():
    found = figures(SAID, COURSE, {})["false_positives"]
    assert found["names"] == ["0", "3 or more"]
    assert found["values"] == [0.5, 1.0]


def test_what_the_splits_share():
    found = figures(SAID, COURSE, {"shared sequences": 0.25})["leakage"]
    assert (found["names"], found["values"]) == (["shared sequences"], [0.25])
    assert "nothing was measured" in figures(SAID, COURSE, {})["leakage"]["note"]


def test_loss_and_f1_are_pictures_of_their_own():
    found = figures(SAID, COURSE, {})
    for name, metric in (("loss", "train_loss"), ("validation_loss", "val_nll"), ("f1", "val_f1")):
        assert found[name]["y"].tolist() == COURSE[metric]
        assert found[name]["x"].tolist() == [1, 2]
    assert {"reliability", "precision_recall"} < set(found)
