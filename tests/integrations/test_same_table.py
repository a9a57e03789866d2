"""The same study through a generator, a class, a reporting function and a script: one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integrations.conftest import Loops, assert_same


def test_the_table_says_something(expected: Any) -> None:
    effects = dict(zip(expected.table["technique"], expected.table["effect"], strict=True))
    assert effects["Longer steps"] > 0.01
    assert effects["Weight decay"] != 0


@pytest.mark.parametrize(
    "name", ["class", "report", "script", pytest.param("csv", marks=pytest.mark.slow)]
)
def test_any_loop_gives_the_same_table(loops: Loops, expected: Any, name: str) -> None:
    assert_same(loops.run(name), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lightning", "transformers"])
def test_trainers_give_the_same_table(loops: Loops, expected: Any, name: str) -> None:
    pytest.importorskip(name, reason=f"pip install winnow[{name}]")
    assert_same(loops.run(name), expected)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("name", ["report", "script"])
def test_workers_of_ray_give_the_same_table(tmp_path: Path, expected: Any, name: str) -> None:
    assert_same(Loops(tmp_path).run(name, engine="ray"), expected)
