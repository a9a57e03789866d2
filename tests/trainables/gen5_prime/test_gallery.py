"""The gallery shows the surest errors, and nothing else."""

import numpy as np
import pytest

from search.trainable import Predictions
from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.gallery import confident_errors, figure

SCORES = np.array([3.0, -2.0, 1.0, -5.0, 0.5, 4.0, -1.0, -3.0])
LABEL = np.array([0, 1, 0, 1, 1, 1, 0, 1])


def test_errors_are_those_of_decisions_the_surest_first():
    found = confident_errors(Predictions(SCORES, LABEL))
    assert found.false_alarms.tolist() == [0, 2]
    assert found.missed.tolist() == [3, 7, 1]
    assert confident_errors(Predictions(SCORES, LABEL), 1).rows.tolist() == [0, 3]


@pytest.mark.parametrize("with_maps", [False, True])
def test_every_error_has_a_row_of_pictures(with_maps):
    stamps = small().validation
    scores = np.linspace(-2, 2, len(stamps))
    rows = np.array([4, 1])
    maps = np.ones((2, 64, 64), np.float32) if with_maps else None
    drawn = figure(stamps, Predictions(scores, stamps.label), rows, maps)
    assert len(drawn.data) == 2 * (4 if with_maps else 3)
    np.testing.assert_array_equal(drawn.data[0].z, stamps.stamp[4, 1])
    np.testing.assert_array_equal(drawn.data[3].z, stamps.ctrl[1, 1])
    kind = "arc" if stamps.label[4] else "no arc"
    assert drawn.layout.annotations[0].text.startswith(kind)


def test_a_run_without_errors_has_an_empty_gallery():
    stamps = small().validation
    perfect = Predictions(stamps.label - 0.5, stamps.label)
    rows = confident_errors(perfect).rows
    assert len(rows) == 0
    assert not figure(stamps, perfect, rows).data
