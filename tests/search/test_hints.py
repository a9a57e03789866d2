from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from search.hints import fits, name_of, restore
from tests.search.configurations import Pooling


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("attention", Pooling, Pooling.ATTENTION),
        ("attention", Pooling | None, Pooling.ATTENTION),
        (None, Pooling | None, None),
        ("other", Pooling, "other"),  # for the check to name
        (["mean", "max"], tuple[Pooling, ...], (Pooling.MEAN, Pooling.MAX)),
        ([[1], [2, 3]], tuple[tuple[int, ...], ...], ((1,), (2, 3))),
        ([1, "a"], tuple[int, str], (1, "a")),
        ([1, 2], tuple, (1, 2)),
        (["b", "a"], frozenset[str], frozenset({"a", "b"})),
        ("inf", float, float("inf")),
        ("inf", float | None, float("inf")),
        ("inf", str, "inf"),
        ("inf", str | None, "inf"),
        ("a/b", PurePosixPath, PurePosixPath("a/b")),
        ([1, 2], tuple[int, ...] | None, (1, 2)),
        ("x", Any, "x"),
        (3, float, 3),
    ],
)
def test_values_come_back_from_json(value: Any, hint: Any, expected: Any) -> None:
    found = restore(value, hint)
    assert found == expected
    assert type(found) is type(expected)
    assert restore(found, hint) == expected  # what has come back already stays


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ((1, 2), tuple[int, ...], True),
        ((), tuple[int, ...], True),
        ((1, "a"), tuple[int, ...], False),
        ((True,), tuple[int, ...], False),
        (3, "not resolved", True),
        (3, dict[str, int], False),
        (None, None, True),
        (0, None, False),
    ],
)
def test_a_value_fits_or_not(value: Any, hint: Any, expected: bool) -> None:
    assert fits(value, hint) is expected


def test_hints_are_named_as_a_person_writes_them() -> None:
    assert name_of(int) == "int"
    assert name_of(Pooling) == "Pooling"
    assert name_of(str | None) == "str | None"
    assert name_of(tuple[int, ...]) == "tuple[int, ...]"
