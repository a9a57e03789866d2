"""What a trainable offers to explain its run: what is refused, kept, and when it is asked for."""

# ruff: noqa: ARG002 - arguments are those of an interface

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.engine.diagnostics import MOST_BYTES, diagnostics_json
from search.engine.job import Batch, Job, Task
from search.engine.worker import Worker
from search.errors import TrainableError


def test_arrays_become_plain_numbers_and_gaps() -> None:
    curve = {"kind": "curve", "x": np.arange(3), "y": [0.123456789, math.nan, math.inf]}
    mark = {"name": "best", "x": np.float32(0.5), "y": 1}
    text = diagnostics_json({"pr": {**curve, "marks": [mark], "title": "PR"}})
    assert json.loads(text) == {
        "pr": {
            "kind": "curve",
            "title": "PR",
            "x": [0.0, 1.0, 2.0],
            "y": [0.1234568, None, None],
            "marks": [{"name": "best", "x": 0.5, "y": 1.0}],
            "diagonal": False,
        }
    }
    bars = {"kind": "bars", "names": ["a", 1], "values": (1, 2), "other": object()}
    assert json.loads(diagnostics_json({"b": bars})) == {
        "b": {"kind": "bars", "names": ["a", "1"], "values": [1.0, 2.0]}
    }


def test_pictures_are_kept_as_bytes() -> None:
    pixels = np.array([[0.0, 0.5], [1.0, 0.2]])
    entry = {
        "kind": "images",
        "rows": ["a", "b"],
        "columns": ["c"],
        "images": [[pixels], [1 - pixels]],
    }
    found = json.loads(diagnostics_json({"i": entry}))["i"]
    assert (found["rows"], found["columns"], found["shape"]) == (["a", "b"], ["c"], [2, 2])
    grey = np.frombuffer(base64.b64decode(found["grey"]), np.uint8)
    assert grey.tolist() == [0, 128, 255, 51, 255, 128, 0, 204]


def images(rows: int, pixels: Any) -> dict[str, Any]:
    return {"i": {"kind": "images", "rows": ["a"] * rows, "columns": ["c"], "images": pixels}}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (images(2, np.zeros((1, 1, 4, 4))), "images of shape .2, 1, height, width"),
        (images(1, np.zeros((1, 1, 65, 4))), "up to 64 pixels"),
        (images(1, np.full((1, 1, 4, 4), 1.5)), "from 0 .black. to 1"),
        (images(1, np.full((1, 1, 4, 4), math.nan)), "from 0 .black. to 1"),
        ([1], "mapping of names, got list"),
        ({"a": 3}, "diagnostic 'a' has no kind 'None'"),
        ({"a": {"kind": "curves"}}, "did you mean 'curve'"),
        ({"a": {"kind": "curve", "x": [1]}}, "diagnostic 'a' .curve.: KeyError"),
        ({"a": {"kind": "curve", "x": [1], "y": [1, 2]}}, "columns of 1 and 2"),
        ({"a": {"kind": "bars", "names": ["x"], "values": [[1]]}}, "numbers in a row"),
        ({"a": {"kind": "bars", "names": ["x"], "values": ["one"]}}, "ValueError"),
        ({"a": {"kind": "curve", "x": range(1001), "y": range(1001)}}, "up to 1000 numbers"),
    ],
)
def test_what_the_contract_does_not_know_is_refused(found: Any, words: str) -> None:
    with pytest.raises(TrainableError, match=words):
        diagnostics_json(found)


def test_what_is_too_large_is_refused() -> None:
    curve = {"kind": "curve", "x": np.linspace(0, 1, 1000), "y": np.linspace(0, 1, 1000)}
    with pytest.raises(TrainableError, match=f"at most {MOST_BYTES:,} bytes"):
        diagnostics_json({str(i): curve for i in range(5)})


@dataclass(frozen=True)
class Config:
    lr: float = 0.1


class Model:
    def __init__(self, config: Config, *, seed: int) -> None:
        self.steps = 0

    def step(self) -> Mapping[str, float]:
        self.steps += 1
        return {"val_ap": 0.1 * self.steps}

    def save(self, directory: Path) -> None:
        """Write nothing."""

    def load(self, directory: Path) -> None:
        """Read nothing."""

    def diagnose(self) -> Mapping[str, Any]:
        return {"steps": {"kind": "bars", "names": ["made"], "values": [self.steps]}}


class Broken(Model):
    def diagnose(self) -> Mapping[str, Any]:
        raise ZeroDivisionError("no positives")


def run(trainable: Any, folder: Path, *, diagnose: bool = True) -> list[Batch]:
    task = Task(trainable, Config(), ("val_ap",))
    worker = Worker(task, Job("toy/search", 0, {}, 7, 4, (2,), str(folder), diagnose=diagnose))
    return [worker.advance(), worker.advance()]


def test_a_complete_run_is_asked_once_at_its_end(tmp_path: Path) -> None:
    first, last = run(Model, tmp_path)
    assert first.diagnostics is None
    assert json.loads(last.diagnostics or "")["steps"]["values"] == [4.0]
    assert run(Model, tmp_path / "two", diagnose=False)[-1].diagnostics is None


def test_a_finished_run_is_not_lost_to_its_pictures(tmp_path: Path) -> None:
    last = run(Broken, tmp_path)[-1]
    assert (last.end, last.diagnostics) == ("complete", None)
    assert "ZeroDivisionError: no positives" in (last.log or "")
