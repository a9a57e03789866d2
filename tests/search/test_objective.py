from __future__ import annotations

import pickle
from typing import Any

import pytest

from search.errors import StudyError
from search.objective import Objective


def test_the_sign_makes_greater_better() -> None:
    assert Objective("val_ap", "maximize").sign == 1
    assert Objective("val_loss", "minimize").sign == -1


def test_it_equals_pickles_and_hashes() -> None:
    goal = Objective("val_ap", "maximize")
    assert pickle.loads(pickle.dumps(goal)) == goal
    assert len({goal, Objective("val_ap", "maximize")}) == 1


@pytest.mark.parametrize(
    ("metric", "direction", "problems"),
    [
        (
            "val_ap",
            "maximise",
            [
                "Objective('val_ap').direction is 'maximize' or 'minimize', got 'maximise'; "
                "did you mean 'maximize'?"
            ],
        ),
        ("", "minimize", ["Objective.metric must be the name of a metric, got ''"]),
        (
            3,
            "up",
            [
                "Objective.metric must be the name of a metric, got 3",
                "Objective('3').direction is 'maximize' or 'minimize', got 'up'",
            ],
        ),
    ],
)
def test_wrong_ones_are_refused(metric: Any, direction: Any, problems: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        Objective(metric, direction)
    assert list(caught.value.problems) == problems
