import itertools
from dataclasses import fields

import numpy as np
import pytest

from search.statistics.verdicts import (
    UNDECIDED,
    VERDICTS,
    Findings,
    Verdict,
    WorthIt,
    decide,
    is_free_win,
    worth_it,
)

QUIET = {
    "crashed": False,
    "zero": False,
    "constant": False,
    "testable": True,
    "harmful": False,
    "rejected": False,
    "significant": False,
    "healthy": True,
}


def verdict(*, last: bool = False, **found: bool) -> Verdict | None:
    arrays = {name: np.array([value]) for name, value in {**QUIET, **found}.items()}
    code = decide(Findings(**arrays), last=last)[0]
    return None if code == UNDECIDED else VERDICTS[code]


def test_the_words_are_the_reports() -> None:
    assert [str(word) for word in Verdict] == [
        "adopt",
        "reject",
        "harmful",
        "inconclusive",
        "unstable",
        "not_measured",
        "no_effect",
        "degenerate",
        "not_comparable",
    ]


def test_real_but_too_small_is_rejected() -> None:
    assert verdict(significant=True, rejected=True) is Verdict.REJECT


def test_harmful_says_more_than_reject() -> None:
    assert verdict(harmful=True, rejected=True) is Verdict.HARMFUL


def test_no_effect_comes_before_degenerate_comes_before_the_tests() -> None:
    everything = {"significant": True, "rejected": True, "harmful": True}
    assert verdict(zero=True, constant=True, **everything) is Verdict.NO_EFFECT
    assert verdict(constant=True, **everything) is Verdict.DEGENERATE


def test_unstable_and_inconclusive_wait_for_the_last_look() -> None:
    assert verdict(significant=True, healthy=False) is None
    assert verdict(significant=True, healthy=False, last=True) is Verdict.UNSTABLE
    assert verdict() is None
    assert verdict(last=True) is Verdict.INCONCLUSIVE


def test_too_few_pairs_say_nothing_whatever_they_show() -> None:
    assert verdict(testable=False, significant=True, harmful=True, zero=True) is None
    assert verdict(testable=False, significant=True, last=True) is Verdict.NOT_MEASURED
    assert verdict(crashed=True, testable=False) is Verdict.NOT_MEASURED


def test_the_last_look_settles_everybody() -> None:
    names = [field.name for field in fields(Findings)]
    for values in itertools.product([False, True], repeat=len(names)):
        found = dict(zip(names, values, strict=True))
        assert verdict(last=True, **found) is not None
        if verdict(**found) is Verdict.ADOPT:
            assert found["significant"]
            assert found["healthy"]
            assert not found["rejected"]


@pytest.mark.parametrize(
    ("low", "shrunken", "word"),
    [
        (1.0, 1.5, WorthIt.PROVEN),
        (0.9, 1.0, WorthIt.LIKELY),
        (0.5, 0.9, WorthIt.UNPROVEN),
    ],
)
def test_worth_it(low: float, shrunken: float, word: WorthIt) -> None:
    assert worth_it(low, shrunken, delta=1.0) is word


@pytest.mark.parametrize(
    ("low", "highs", "free"),
    [
        (-0.9, (0.8, None), True),
        (-0.9, (1.2, 0.7), True),
        (-0.9, (1.2, None), False),
        (-1.0, (0.8, 0.8), False),
        (-0.9, (None, None), False),
        (-0.9, (1.0, 1.0), False),
    ],
)
def test_free_win(low: float, highs: tuple[float | None, ...], free: bool) -> None:
    assert is_free_win(low, 1.0, *highs) is free
