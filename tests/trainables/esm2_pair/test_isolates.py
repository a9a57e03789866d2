"""Isolates that do not fit together are refused; metadata match only where they are known."""

from dataclasses import replace

import numpy as np
import pytest

from search.errors import DataError
from tests.trainables.esm2_pair.records import isolates


def test_shapes_that_do_not_fit_are_refused():
    good = isolates([[0, 1], [2, 3]])
    for wrong in (
        {"lineage": np.zeros(3, np.int64)},
        {"metadata": np.zeros((2, 4), np.int64)},
        {"cluster": np.zeros(2, np.int64)},
        {"slots": ("a",)},
        {"embeddings": np.zeros((4, 3), np.float32)},
    ):
        with pytest.raises(DataError, match="shapes"):
            replace(good, **wrong)


@pytest.mark.parametrize("row", [4, -2])
def test_rows_that_do_not_exist_are_refused(row):
    with pytest.raises(DataError, match="rows of 4 embeddings, or -1"):
        replace(isolates([[0, 1], [2, 3]]), protein=np.array([[0, 1], [2, row]]))


def test_unknown_metadata_match_nothing():
    metadata = [[1, -1, 3], [1, -1, 4], [2, 5, 3]]
    some = isolates([[0, 1], [2, 3], [4, 5]], metadata=metadata)
    first, second = np.array([0, 0, 1, 0]), np.array([1, 2, 2, 0])
    assert some.matches(first, second).tolist() == [1, 1, 0, 2]
