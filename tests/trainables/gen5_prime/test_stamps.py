"""Stamps know their labels and bricks, and refuse what are no stamps."""

import numpy as np
import pytest

from search.errors import DataError
from tests.trainables.gen5_prime.drawn import noise, small
from trainables.gen5_prime.stamps import Splits, Stamps, joined


def test_labels_and_bricks_follow_from_metadata():
    stamps = noise(6, bricks=("b", "a"))
    assert stamps.label.tolist() == [1, 1, 0, 0, 1, 1]
    assert stamps.brick.tolist() == [1, 0, 1, 0, 1, 0]
    some = stamps.take(np.array([5, 2]))
    assert (len(some), some.brickname.tolist()) == (2, ["a", "b"])
    assert some.label.tolist() == [1, 0]
    np.testing.assert_array_equal(some.ctrl, stamps.ctrl[[5, 2]])


def test_joining_undoes_taking():
    stamps = noise(5)
    again = joined([stamps.take(np.arange(2)), stamps.take(np.arange(2, 5))])
    np.testing.assert_array_equal(again.stamp, stamps.stamp)
    np.testing.assert_array_equal(again.label, stamps.label)
    with pytest.raises(ValueError, match="no stamps"):
        joined([])


def test_other_shapes_and_missing_columns_are_refused():
    stamps = noise(2)
    with pytest.raises(DataError, match=r"have shape \(n, 3, 64, 64\), got \(2, 2, 64, 64\)"):
        Stamps(stamps.stamp[:, :2], stamps.ctrl, stamps.metadata)
    with pytest.raises(DataError, match="metadata lack ra, dec"):
        Stamps(stamps.stamp, stamps.ctrl, {k: v for k, v in stamps.metadata.items() if len(k) > 3})
    with pytest.raises(DataError, match=r"2 stamps have columns of length \[1, 2\]"):
        Stamps(stamps.stamp, stamps.ctrl, {**stamps.metadata, "ra": np.zeros(1)})


def test_splits_are_made_of_their_parts():
    splits = small()
    again = Splits.of(splits.parts, {"x": 1})
    assert again.shift is splits.shift
    assert again.train is splits.train
    assert again.dropped == {"x": 1}
