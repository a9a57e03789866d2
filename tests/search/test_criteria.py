from __future__ import annotations

from typing import Any

import pytest

from search.criteria import Criterion
from search.errors import StudyError


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", "maximize", 0.5), "name of a metric"),
        (("test_ap", "maximise", 0.5), "did you mean 'maximize'"),
        (("test_ap", "maximize", float("inf")), "must be a finite number"),
        (("test_ap", "maximize", True), "must be a finite number"),
        (("test_ap", "maximize", "0.5"), "must be a finite number"),
        (("test_ap", "maximize", 0.5, 3), "name is a text"),
    ],
)
def test_a_criterion_refuses_what_makes_no_sense(arguments: Any, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        Criterion(*arguments)


def test_a_criterion_is_its_own_name_unless_it_has_one() -> None:
    assert Criterion("test_ap", "maximize", 0.6).label == "test_ap ≥ 0.6"
    assert Criterion("test_ece", "minimize", 0.05, name="calibrated").as_json() == {
        "name": "calibrated",
        "metric": "test_ece",
        "direction": "minimize",
        "threshold": 0.05,
    }
