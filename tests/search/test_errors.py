from __future__ import annotations

import pickle

import pytest

from search.errors import (
    SpaceError,
    StudyError,
    StudyLocked,
    TechniqueError,
    TrainableError,
    did_you_mean,
    near_miss,
)


@pytest.mark.parametrize("kind", [SpaceError, StudyError, TechniqueError, TrainableError])
def test_every_problem_is_in_the_message_and_by_itself(kind: type[SpaceError]) -> None:
    error = kind(["first", "second"])
    assert str(error) == "first\nsecond"
    assert error.problems == ("first", "second")
    assert kind("alone").problems == ("alone",)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.problems) == (kind, error.problems)


def test_other_errors_pickle_too() -> None:
    again = pickle.loads(pickle.dumps(StudyLocked("held")))
    assert isinstance(again, StudyLocked)
    assert str(again) == "held"


def test_the_nearest_name_is_named_whatever_its_case() -> None:
    assert near_miss("TPE", ["random", "tpe"]) == "; did you mean 'tpe'?"
    assert did_you_mean("MomentuN", ["lr", "Momentum"]) == "; did you mean 'Momentum'?"


def test_without_a_near_name_all_are_named_but_not_too_many() -> None:
    assert near_miss("zzz", ["a", "b", "a"]) == "; known: a, b"
    assert near_miss("zzz", []) == ""
    assert did_you_mean("zzz", ["a", "b"]) == ""
    many = near_miss("zzz", [f"name{i}" for i in range(13)])
    assert many.endswith("name11, …")
