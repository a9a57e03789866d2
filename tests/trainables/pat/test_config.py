"""What a configuration refuses, and which settings studies ask for."""

from typing import Any

import pytest

from search import Objective, Space, Study, StudyError, Technique
from search.configuration import override
from search.errors import SpaceError
from spaces import pat_l
from trainables.pat.config import PatConfig
from trainables.pat.trainable import Pat


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model.size": "XL"}, "model.size has no 'XL'"),
        ({"data.norm": "per_minutes"}, "data.norm has no 'per_minutes'; did you mean 'per_minute'"),
        ({"optim.mode": "twostage"}, "optim.mode has no 'twostage'; did you mean 'two_stage'"),
        ({"model.conv_kernel": 4}, "model.conv_kernel must be odd, got 4"),
        ({"init.start": "file"}, "init.start='file' needs init.path"),
        ({"init.path": "weights.h5"}, "init.path is read with init.start='file' only"),
        ({"init.start": "maskd"}, "init.start has no 'maskd'; did you mean 'masked'"),
        ({"init.seed": -1}, "init.seed must be 0 or more, got -1"),
        ({"init.masked.lr": -1.0}, "init.masked.lr must be 0 or more, got -1.0"),
        ({"data.nonwear.minimum": 0}, "data.nonwear.minimum must be 1 or more, got 0"),
        ({"data.generator.days": 8}, "data.generator.days must lie in [1, 7], got 8"),
        ({"optim.lr": 0.0}, "optim.lr must be positive, got 0.0"),
        ({"optim.batch_size": 0}, "optim.batch_size must be 1 or more, got 0"),
        ({"model.dropout": 1.0}, "model.dropout must lie in [0, 1), got 1.0"),
        ({"stop.epochs": -1}, "stop.epochs must be 0 or more, got -1"),
        ({"stop.min_delta": -0.1}, "stop.min_delta must be 0 or more, got -0.1"),
        ({"data.days": 8}, "data.days must lie in [1, 7], got 8"),
        ({"data.clip": -1.0}, "data.clip must be 0 or more, got -1.0"),
        ({"optim.plateau_factor": 0.0}, "optim.plateau_factor must be positive, got 0.0"),
        ({"optim.plateau_factor": 1.0}, "optim.plateau_factor must lie in [0, 1), got 1.0"),
    ],
)
def test_what_cannot_be_is_refused_in_words(changes: dict[str, object], words: str) -> None:
    with pytest.raises(SpaceError) as refused:
        override(PatConfig(), changes)
    assert words in str(refused.value)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(SpaceError) as refused:
        override(PatConfig(), {"model.size": "XL", "optim.lr": -1.0, "stop.epochs": -1})
    assert len(refused.value.problems) == 3


def test_a_study_names_the_path_of_every_value_that_a_part_refuses() -> None:
    wrong: dict[str, dict[str, Any]] = {
        "masked": {"init.start": "masked", "init.masked.mask_ratio": 1.5, "init.masked.epochs": -1},
        "worn": {"data.nonwear.least_worn": 2.0},
        "people": {"data.generator.prevalence": 2.0},
    }
    with pytest.raises(StudyError) as refused:
        Study(
            "wrong",
            Pat,
            Space(PatConfig()),
            Objective("val_auroc", "maximize"),
            techniques=[Technique(name, on=on) for name, on in wrong.items()],
            max_steps=1,
        )
    for words in (
        "init.masked.mask_ratio must lie in (0, 1), got 1.5",
        "init.masked.epochs must be 0 or more, got -1",
        "data.nonwear.least_worn must lie in [0, 1], got 2.0",
        "data.generator.prevalence must lie in [0, 1], got 2.0",
    ):
        assert any(words in problem for problem in refused.value.problems), words


def test_the_source_documents_experiments_are_tried_first() -> None:
    configs = [pat_l.SEARCH_SPACE.configuration(point) for point in pat_l.SEARCH_SPACE.points]
    rates = [(c.optim.encoder_lr, c.optim.head_lr) for c in configs if c.optim.differential]
    assert rates == [(2e-5, 5e-4), (2e-5, 5e-4), (5e-5, 5e-4), (2e-5, 5e-4)]
    simple = configs[3]
    assert (simple.optim.mode, simple.optim.lr, simple.model.head) == ("full", 1e-4, "linear")
