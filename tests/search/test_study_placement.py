"""What a study says about where its trials run, and how it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from search import Resources, StudyError
from search.trainable import ProcessGroup
from tests.search.studies import Config, Predicting, make, problems_of


class Together(Predicting):
    """Takes a group."""

    def __init__(
        self, config: Config, *, seed: int, data: Any = None, group: ProcessGroup | None = None
    ) -> None:
        super().__init__(config, seed=seed, data=data)
        self.group = group


def load(path: Path | None) -> Mapping[str, int]:  # noqa: ARG001 - a loader's
    return {"rows": 3}


@pytest.mark.parametrize("limit", [0, -1.0, float("nan"), "9", True])
def test_a_limit_of_a_step_is_a_positive_number(limit: Any) -> None:
    (problem,) = problems_of(step_limit_s=limit)
    assert problem == f"Study.step_limit_s must be a positive number, got {limit!r}"
    assert make(step_limit_s=0.5).step_limit_s == 0.5


def test_data_can_only_be_shared_where_there_are_any() -> None:
    (problem,) = problems_of(share_data=True)
    assert problem.startswith("Study.share_data is given, but there is no Study(data=…)")
    assert make(share_data=True, data=load, trainable=Predicting).share_data


def test_only_what_has_checkpoints_can_keep_them() -> None:
    assert make(keep_checkpoints=True, trainable=Predicting).keep_checkpoints
    (problem,) = problems_of(keep_checkpoints=True)
    assert problem.startswith("Study.keep_checkpoints=True needs a class as trainable")
    (problem,) = problems_of(keep_checkpoints="best", trainable=Predicting)
    assert problem == "Study.keep_checkpoints is True or False, got 'best'"


def test_several_processes_need_a_class_that_takes_a_group() -> None:
    two = Resources(processes=2)
    assert make(resources=two, trainable=Together).resources.processes == 2
    for trainable in (Predicting, make().trainable):
        (problem,) = problems_of(resources=two, trainable=trainable)
        assert problem.startswith("Resources.processes=2 needs a class as trainable")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"processes": 0}, "Resources.processes must be a whole number from 1, got 0"),
        ({"processes": 1.5}, "Resources.processes must be a whole number from 1, got 1.5"),
        ({"processes": 2, "gpus": "auto"}, "Resources.gpus must be whole for 2 processes"),
        ({"processes": 2, "gpus": 0.5}, "Resources.gpus must be whole for 2 processes"),
    ],
)
def test_processes_are_counted_and_share_no_gpu(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=re.escape(said)):
        Resources(**changes)
