from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from search.errors import StudyError
from search.resources import Resources


@pytest.mark.parametrize("gpus", [None, "auto", 0, 0.25, 1, 4, 2.0])
def test_fractions_and_whole_gpus_are_fine(gpus: Any) -> None:
    resources = Resources(cpus=0.5, gpus=gpus)
    assert pickle.loads(pickle.dumps(resources)) == resources


@pytest.mark.parametrize(
    ("cpus", "gpus", "problems"),
    [
        (0, None, ["Resources.cpus must be a positive number, got 0"]),
        (
            math.nan,
            -1,
            ["Resources.cpus must be", "Resources.gpus must be a number from 0, or 'auto', got -1"],
        ),
        ("2", 1.5, ["Resources.cpus must be", "Resources.gpus above 1 must be whole, got 1.5"]),
        (1, math.inf, ["Resources.gpus must be a number from 0, or 'auto', got inf"]),
        (1, "1", ["Resources.gpus must be a number from 0, or 'auto', got '1'"]),
    ],
)
def test_impossible_ones_are_refused(cpus: Any, gpus: Any, problems: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        Resources(cpus, gpus)
    assert len(caught.value.problems) == len(problems)
    for found, expected in zip(caught.value.problems, problems, strict=True):
        assert found.startswith(expected)
