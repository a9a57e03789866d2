from __future__ import annotations

from typing import Any

import pytest

from search.errors import TrainableError
from search.program.template import Template


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        ("train.py --lr {lr}", {"lr": 1e-5}, ["train.py", "--lr", "1e-05"]),
        ("a --x={model.width}px", {"model.width": 8}, ["a", "--x=8px"]),
        ("a {name}", {"name": "b; rm -rf $HOME 'c'"}, ["a", "b; rm -rf $HOME 'c'"]),
        ("a {name}", {"name": ""}, ["a", ""]),
        ("a {name}", {"name": "{seed}"}, ["a", "{seed}"]),  # a value is no template
        ("a {x} {y} {z}", {"x": True, "y": None, "z": (1, 2)}, ["a", "true", "null", "[1, 2]"]),
        ("a {on:d} {lr:.2e}", {"on": True, "lr": 0.00123}, ["a", "1", "1.23e-03"]),
        ("a '{x} {y}' {{x}}", {"x": 1, "y": 2}, ["a", "1 2", "{x}"]),
    ],
)
def test_fields_become_arguments_that_no_shell_reads(
    text: str, values: dict[str, Any], words: list[str]
) -> None:
    assert Template(text).fill(values) == words


def test_names_are_those_in_braces_once() -> None:
    assert Template("a {lr} --b={optim.lr:g} {lr} {{no}}").names == ["lr", "optim.lr"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the command is empty"),
        ("train 'a", "cannot be read: No closing quotation"),
        ("train {lr", "cannot be read: expected '}' before end of string"),
        ("train {}", "must name fields, such as {lr}"),
        ("train {0}", "must name fields"),
        ("train {lr!r}", "must name fields"),
        (["train"], "a command is a text"),
    ],
)
def test_what_is_no_command(text: Any, words: str) -> None:
    with pytest.raises(TrainableError) as caught:
        Template(text)
    assert words in str(caught.value)
