import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.techniques.limits import at_least, below_one, between, one_of, positive, within


@dataclass(frozen=True)
class Section:
    """A part of a configuration."""

    x: float = 0.0
    y: float = 0.0
    word: str | None = "mean"


Rule = Callable[[Section], Iterator[str]]
RULES: dict[str, tuple[Rule, Callable[[float], bool], str]] = {
    # name: (the rule, whether a number keeps it, the words of the problem)
    "at least": (lambda s: at_least(s, 1.5, "x"), lambda x: x >= 1.5, "must be 1.5 or more"),
    "positive": (lambda s: positive(s, "x"), lambda x: x > 0, "must be positive"),
    "within": (lambda s: within(s, -1, 2, "x"), lambda x: -1 <= x <= 2, "must lie in [-1, 2]"),
    "between": (lambda s: between(s, -1, 2, "x"), lambda x: -1 < x < 2, "must lie in (-1, 2)"),
    "below one": (lambda s: below_one(s, "x"), lambda x: 0 <= x < 1, "must lie in [0, 1)"),
}
EDGES = [-1.0, 0.0, 1.0, 1.5, 2.0, math.inf, -math.inf, math.nan]
EDGES += [math.nextafter(edge, away) for edge in EDGES[:5] for away in (-math.inf, math.inf)]


@pytest.mark.parametrize("rule", RULES)
@given(x=st.sampled_from(EDGES) | st.floats())
def test_a_problem_is_told_exactly_where_a_number_breaks_the_rule(rule: str, x: float) -> None:
    """Not a number breaks every rule."""
    problems, kept, words = RULES[rule]
    assert list(problems(Section(x))) == ([] if kept(x) else [f"x {words}, got {x!r}"])


def test_every_field_is_judged_in_the_order_given() -> None:
    section = Section(-2.0, -1.0)
    assert list(positive(section, "y", "x")) == [
        "y must be positive, got -1.0",
        "x must be positive, got -2.0",
    ]
    assert list(at_least(section, -1, "y", "x")) == ["x must be -1 or more, got -2.0"]
    assert not list(positive(section))


@pytest.mark.parametrize(
    ("problems", "words"),
    [
        (at_least(Section(), 1, "x", prefix="optim."), "optim.x must be 1 or more, got 0.0"),
        (positive(Section(), "x", prefix="optim."), "optim.x must be positive, got 0.0"),
        (within(Section(), 1, 2, "x", prefix="a.b."), "a.b.x must lie in [1, 2], got 0.0"),
        (between(Section(), 0, 2, "x", prefix="a.b."), "a.b.x must lie in (0, 2), got 0.0"),
        (below_one(Section(1.0), "x", prefix="optim."), "optim.x must lie in [0, 1), got 1.0"),
        (
            one_of(Section(), "word", ("max",), prefix="head."),
            "head.word has no 'mean'; known: max",
        ),
    ],
)
def test_a_field_is_called_by_its_path(problems: Iterator[str], words: str) -> None:
    assert list(problems) == [words]


@pytest.mark.parametrize("known", [("mean", "max"), {"mean": 1, "max": 2}, frozenset({"mean"})])
def test_a_known_word_is_no_problem(known: Any) -> None:
    assert not list(one_of(Section(), "word", known))


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("attenton", "word has no 'attenton'; did you mean 'attention'?"),
        ("Mean", "word has no 'Mean'; did you mean 'mean'?"),
        ("lstm", "word has no 'lstm'; known: mean, max, attention"),
        (None, "word has no 'None'; known: mean, max, attention"),
    ],
)
def test_an_unknown_word_is_named_with_the_nearest(word: str | None, problem: str) -> None:
    found = one_of(Section(word=word), "word", ("mean", "max", "attention"))
    assert list(found) == [problem]
