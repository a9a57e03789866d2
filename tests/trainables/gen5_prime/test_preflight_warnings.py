"""What fails is told, once, before anything trains."""

import logging
from dataclasses import replace

import pytest

from tests.trainables.gen5_prime.drawn import SMALL, small
from trainables.gen5_prime.augmentation import AugmentationConfig
from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.negatives import NegativesConfig
from trainables.gen5_prime.preflight import preflight
from trainables.gen5_prime.preflight_warnings import LOOKED_AT, sentences, tell

PLAIN = DataConfig(SMALL)


def test_it_asks_what_the_whole_preflight_asks():
    quick, whole = preflight(PLAIN, small(), most=LOOKED_AT), preflight(PLAIN, small())
    assert [check.name for check in quick] == [check.name for check in whole]
    assert quick == whole  # these splits are smaller than what either looks at


def test_a_study_says_what_every_check_found():
    said = sentences(0, config=Gen5Config(data=PLAIN), data=small())
    assert len(said) == 6
    assert all("as it should be: " in line for line in said)
    turned = replace(PLAIN, augmentation=AugmentationConfig(rot90=True, paired=False))
    failed = [
        line
        for line in sentences(0, config=Gen5Config(data=turned), data=small())
        if "FAILED" in line
    ]
    assert [line.partition(",")[0] for line in failed] == ["paired augmentation"]


def test_sound_data_are_passed_in_silence(caplog):
    with caplog.at_level(logging.WARNING):
        tell(PLAIN, small())
    assert not caplog.records


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"augmentation": AugmentationConfig(rot90=True, paired=False)},
            "preflight, paired augmentation:",
        ),
        ({"negatives": NegativesConfig("none")}, "a constant is the best answer"),
        (
            {"negatives": NegativesConfig("ctrl", partner="copy")},
            "100% of train negatives equal their control",
        ),
    ],
    ids=["unpaired", "positives alone", "copies"],
)
def test_what_fails_is_told_once_for_all_seeds(changes, words, caplog):
    config = replace(PLAIN, **changes)
    with caplog.at_level(logging.WARNING):
        for seed in (0, 1):
            tell(config, splits_of(config, small(seed), seed=seed))
    assert [words in record.getMessage() for record in caplog.records] == [True]
