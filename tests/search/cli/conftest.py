"""Study files on disk, and the command line as a person calls it, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from search.cli.app import app, run

STUDY = '''
"""Does the toy train?"""
from dataclasses import dataclass
import math
from search import Effort, Float, Impact, Objective, Space, Study, Technique, main

@dataclass(frozen=True)
class Config:
    lr: float = 1e-3
    focal: bool = False
    gamma: float = 2.0

def train(config, *, seed):
    limit = 1 - abs(math.log10(config.lr) + 2) / 4 + 0.001 * (seed % 7)
    limit += config.focal * (0.1 + 0.002 * (seed % 5))
    for epoch in range(9):
        value = limit * (1 - 0.7 ** (epoch + 1))
        yield {"val_ap": value, "test_ap": value - 0.02}

STUDY = Study(
    name="toy",
    trainable=train,
    space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}),
    techniques=[Technique("Focal loss", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)},
                          expected_impact=Impact.HIGH, effort=Effort.LOW)],
    objective=Objective("val_ap", "maximize"),
    smallest_gain=0.01,
    max_steps=9,
)

if __name__ == "__main__":
    main(STUDY)
'''


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str


@pytest.fixture
def study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study file; the current folder is another one."""
    folder = tmp_path / "studies"
    folder.mkdir()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = folder / "toy.py"
    path.write_text(STUDY)
    return path


@pytest.fixture
def winnow(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Call the command line."""

    def call(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as leaving:
            run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(int(leaving.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def commands() -> list[str]:
    """Names of every command."""
    return [str(command.name) for command in app.registered_commands]
