from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import StudyError
from search.pruner import ASHA, MedianStopping, NoPruning


@pytest.mark.parametrize(
    ("pruner", "max_steps", "bracket", "steps"),
    [
        (ASHA(), 27, 0, (1, 3, 9)),
        (ASHA(), 81, 0, (3, 9, 27)),
        (ASHA(), 16, 0, (1, 3, 9)),
        (ASHA(), 1, 0, ()),
        (ASHA(rungs=2), 27, 0, (3, 9)),
        (ASHA(grace_steps=1), 100, 0, (1, 3, 9, 27, 81)),
        (ASHA(grace_steps=1, rungs=2), 100, 0, (1, 3)),
        (ASHA(reduction_factor=4, grace_steps=2), 16, 0, (2, 8)),
        (ASHA(grace_steps=9), 9, 0, ()),
        (ASHA(brackets=3), 27, 1, (3, 9)),
        (ASHA(brackets=3), 27, 2, (9,)),
    ],
)
def test_rungs(pruner: ASHA, max_steps: int, bracket: int, steps: tuple[int, ...]) -> None:
    assert pruner.steps(max_steps, bracket=bracket) == steps


@given(
    st.integers(2, 5),
    st.none() | st.integers(1, 20),
    st.none() | st.integers(1, 5),
    st.integers(1, 300),
    st.integers(0, 3),
)
def test_rungs_are_whole_rising_steps_below_the_full_length(
    eta: int, grace: int | None, rungs: int | None, max_steps: int, bracket: int
) -> None:
    pruner = ASHA(eta, grace, rungs, brackets=4)
    steps = pruner.steps(max_steps, bracket=bracket)
    assert all(isinstance(step, int) for step in steps)
    assert all(1 <= step < max_steps for step in steps)
    assert all(later == eta * earlier for earlier, later in pairwise(steps))
    assert rungs is None or len(steps) <= rungs


@pytest.mark.parametrize(
    ("kind", "changes", "problem"),
    [
        (
            ASHA,
            {"reduction_factor": 1},
            "ASHA.reduction_factor must be a whole number from 2, got 1",
        ),
        (ASHA, {"reduction_factor": 2.5}, "ASHA.reduction_factor must be a whole number from 2"),
        (ASHA, {"grace_steps": 0}, "ASHA.grace_steps must be a whole number from 1, got 0"),
        (ASHA, {"grace_steps": 1.5}, "ASHA.grace_steps must be a whole number from 1, got 1.5"),
        (ASHA, {"rungs": -1}, "ASHA.rungs must be a whole number from 1, got -1"),
        (ASHA, {"brackets": None}, "ASHA.brackets must be a whole number from 1, got None"),
        (ASHA, {"brackets": True}, "ASHA.brackets must be a whole number from 1, got True"),
        (
            MedianStopping,
            {"grace_steps": 0},
            "MedianStopping.grace_steps must be a whole number from 1, got 0",
        ),
        (
            MedianStopping,
            {"min_trials": "3"},
            "MedianStopping.min_trials must be a whole number from 1, got '3'",
        ),
    ],
)
def test_impossible_ones_are_refused(kind: Any, changes: Any, problem: str) -> None:
    with pytest.raises(StudyError) as caught:
        kind(**changes)
    assert caught.value.problems[0].startswith(problem)


def test_all_problems_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        ASHA(1, 0, 0, 0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("pruner", [ASHA(brackets=2), MedianStopping(), NoPruning()])
def test_they_pickle_and_hash(pruner: Any) -> None:
    assert pickle.loads(pickle.dumps(pruner)) == pruner
    hash(pruner)
