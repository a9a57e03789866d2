"""Every knob of the data is checked."""

from dataclasses import replace

import pytest

from trainables.gen5_prime.augmentation import AugmentationConfig
from trainables.gen5_prime.data_config import DataConfig, data_problems
from trainables.gen5_prime.normalisation import NormConfig
from trainables.gen5_prime.shortcuts import ShortcutConfig


def test_the_defaults_are_in_order():
    assert list(data_problems(DataConfig())) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mode": "paired"}, "data.mode has no 'paired'; did you mean 'paired6'?"),
        (
            {"norm": NormConfig("joint")},
            "data.norm.kind has no 'joint'; did you mean 'joint_pair'?",
        ),
        ({"norm": NormConfig(outer_r=32)}, "data.norm.outer_r must lie in [1, 31], got 32"),
        (
            {"norm": NormConfig(clip_lo=5, clip_hi=5)},
            "data.norm.clip_lo must be below clip_hi, got 5 and 5",
        ),
        (
            {"augmentation": AugmentationConfig(noise=-1)},
            "data.augmentation.noise must be 0 or more, got -1",
        ),
        (
            {"augmentation": AugmentationConfig(paired=False)},
            "data.augmentation.paired=False needs rot90, flip or transpose: nothing else is paired",
        ),
        (
            {"shortcut": ShortcutConfig(core_dropout=2)},
            "data.shortcut.core_dropout must lie in [0, 1], got 2",
        ),
        ({"shortcut": ShortcutConfig(fill="one")}, "data.shortcut.fill has no 'one'"),
    ],
)
def test_what_is_wrong_is_told(changes, told):
    found = list(data_problems(replace(DataConfig(), **changes)))
    assert len(found) == 1
    assert found[0].startswith(told)
