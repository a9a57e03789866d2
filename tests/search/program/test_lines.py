from __future__ import annotations

import math
from typing import Any

import pytest

from search.errors import TrainableError
from search.program.lines import Format, MetricsReader


def read(format: Format, lines: list[str], step: str | None = "step") -> list[Any]:  # noqa: A002 - as there
    reader = MetricsReader(format, step)
    return [reader.read(line) for line in lines]


def test_json_lines_among_others() -> None:
    lines = ["epoch 1", '{"lr": 0.1}', '{"step": 1, "val_ap": 0.5}', "{not json", "[1]", "3"]
    assert read("jsonl", lines) == [None, None, {"val_ap": 0.5}, None, None, None]


def test_csv_among_others() -> None:
    lines = ["a, b", "step,val_ap,test_ap", "1, 0.5,0.4", "saving, to, disk", "1,2", "2,nan,"]
    found = read("csv", lines)
    assert found[:5] == [None, None, {"val_ap": 0.5, "test_ap": 0.4}, None, None]
    assert list(found[5]) == ["val_ap"]  # an empty cell is no metric
    assert math.isnan(found[5]["val_ap"])


def test_a_header_that_comes_again_is_no_row() -> None:
    lines = ["step,x", "1,2", "step,x", "2,3"]
    assert read("csv", lines) == [None, {"x": 2.0}, None, {"x": 3.0}]


@pytest.mark.parametrize(
    ("format", "lines"), [("jsonl", ['{"x": 1}', '{"x": 2}']), ("csv", ["x,y", "1,5", "2,6"])]
)
def test_without_a_name_of_the_step_lines_are_counted(format: Format, lines: list[str]) -> None:  # noqa: A002 - as there
    assert [found["x"] for found in read(format, lines, None) if found] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ['{"step": 0, "x": 1}'],
            "step 0 came where step 1 was due; steps count from 1; ",
        ),
        (['{"step": 1, "x": 1}', '{"step": 3, "x": 1}'], "step 3 came where step 2 was due: '{"),
        (['{"step": 1.5, "x": 1}'], "step 1.5 came where step 1 was due"),
        (['{"step": "one", "x": 1}'], "the step is no number"),
        (['{"step": 1, "x": null}'], "metric 'x' of step 1 is no number"),
        (['{"step": 1, "x": [1]}'], "metric 'x' of step 1 is no number"),
        (['{"step": 1, "x": "good"}'], "metric 'x' of step 1 is no number"),
    ],
)
def test_lines_of_metrics_that_are_wrong(lines: list[str], words: str) -> None:
    with pytest.raises(TrainableError) as caught:
        read("jsonl", lines)
    assert words in str(caught.value)


def test_what_comes_closest_is_named() -> None:
    reader = MetricsReader("jsonl", "step")
    assert "did you mean 'steps'?" in reader.near(["hello", '{"steps": 1}'])
    assert "no line of metrics such as" in reader.near(["hello"])
