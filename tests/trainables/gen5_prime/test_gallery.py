"""The gallery shows what is surest, and nothing else."""

import json

import numpy as np
import pytest

from search.engine.diagnostics import diagnostics_json
from search.trainable import Predictions
from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.gallery import DRAWN, gallery, surest

SCORES = np.array([3.0, -2.0, 1.0, -5.0, 0.5, 4.0, -1.0, -3.0])
LABEL = np.array([0, 1, 0, 1, 1, 1, 0, 1])


def test_errors_and_finds_are_those_of_decisions_the_surest_first():
    found = surest(Predictions(SCORES, LABEL))
    assert found.false_alarms.tolist() == [0, 2]
    assert found.missed.tolist() == [3, 7, 1]
    assert found.found.tolist() == [5, 4]
    assert surest(Predictions(SCORES, LABEL), 1).rows.tolist() == [0, 3, 5]


@pytest.fixture(scope="module")
def drawn():
    stamps = small().validation
    predictions = Predictions(np.linspace(-2, 2, len(stamps)), stamps.label)
    maps = np.zeros((2, 64, 64), np.float32)
    maps[0, 32, 40] = 1.0  # right of the middle
    return stamps, gallery(stamps, predictions, np.array([4, 1]), maps)


def test_every_pair_has_a_row_of_pictures_of_its_middle(drawn):
    stamps, entry = drawn
    pictures = entry["images"]
    assert pictures.shape == (2, 3, DRAWN, DRAWN)
    assert pictures.min() == 0.0
    assert pictures.max() == 1.0
    middle = stamps.stamp[4, 1, 16:48, 16:48]
    assert np.unravel_index(pictures[0, 0].argmax(), middle.shape) in [
        tuple(place) for place in np.argwhere(middle >= np.percentile(middle, 99))
    ]
    kind = "arc" if stamps.label[4] else "no arc"
    assert entry["rows"][0].startswith(kind)


def test_a_map_is_where_it_was_and_an_empty_one_is_black(drawn):
    pictures = drawn[1]["images"]
    assert not pictures[1, 2].any()
    flat = gallery(
        drawn[0],
        Predictions(np.zeros(len(drawn[0])), drawn[0].label),
        np.array([0]),
        np.tile(np.arange(64, dtype=np.float32), (1, 64, 1)),
    )["images"][0, 2]
    assert (np.diff(flat, axis=1) >= 0).all()
    assert flat[0, -1] == 1.0


def test_reports_can_draw_it_and_eight_others_beside_it(drawn):
    assert len(diagnostics_json({"gallery": drawn[1]})) < 10_000


def test_a_run_without_decisions_has_an_empty_gallery():
    stamps = small().validation
    nothing = np.zeros(0, np.int64)
    entry = gallery(
        stamps, Predictions(np.zeros(len(stamps)), stamps.label), nothing, np.zeros((0, 64, 64))
    )
    assert json.loads(diagnostics_json({"gallery": entry}))["gallery"]["rows"] == []
