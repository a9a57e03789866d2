"""What counts as other code: whatever moves a number, and nothing else."""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from search.loading import load_study
from search.protocol.code import code_digest, code_digests
from tests.search.protocol.toys import train, train_changed

STUDY = '''
from dataclasses import dataclass
from search import Objective, Space, Study, Technique
{imports}

SCALE = 2.0
UNUSED = 1.0

@dataclass(frozen=True)
class Config:
    a: float = 0.0

def scaled(value):
    """Scale."""
    return SCALE * value

def train(config, *, seed):
    yield {{"val_score": scaled(config.a), "test_score": 1.0}}

STUDY = Study(name="toy", trainable=train, space=Space(baseline=Config(), domains={{}}),
              max_steps=1, objective=Objective("val_score", "maximize"),
              techniques=[Technique("A", on={{"a": 1.0}})])
'''


@pytest.fixture
def digest_of(tmp_path: Path) -> Any:
    """Return the digest of the study file with a replacement made in it."""

    def digest(old: str = "", new: str = "", imports: str = "") -> str:
        path = tmp_path / "toy.py"
        text = STUDY.format(imports=imports)
        assert old in text
        path.write_text(text.replace(old, new) if old else text)
        return code_digest(load_study(path).study.trainable)

    return digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE * value", "SCALE + value"),
        ("SCALE = 2.0", "SCALE = 3.0"),
        ('"test_score": 1.0', '"test_score": 1.5'),
    ],
)
def test_what_moves_a_number_is_other_code(digest_of, old, new):
    before = digest_of()
    assert digest_of(old, new) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Scale."""', '"""Scale a value."""'),
        ("    return SCALE", "    # twice\n    return SCALE"),
        ("UNUSED = 1.0", "UNUSED = 7.0"),
        ('Technique("A", on={"a": 1.0})', 'Technique("A", on={"a": 2.0})'),
        ("SCALE * value", "(SCALE  *  value)"),
    ],
)
def test_words_layout_and_the_study_are_not(digest_of, old, new):
    before = digest_of()
    assert digest_of(old, new) == before


def test_a_neighbour_that_is_used_counts(digest_of, tmp_path):
    neighbour = tmp_path / "neighbour_of_toy.py"
    used = {"old": "SCALE * value", "new": "neighbour_of_toy.FACTOR * value"}
    try:
        found = []
        for text in ("FACTOR = 1.0\n", "FACTOR = 1.0  # one\n", "FACTOR = 2.0\n"):
            neighbour.write_text(text)
            found.append(digest_of(**used, imports="import neighbour_of_toy"))
    finally:
        sys.modules.pop("neighbour_of_toy", None)
        sys.path.remove(str(tmp_path))
    assert found[0] == found[1] != found[2]


def test_installed_packages_and_the_platform_are_left_out():
    assert set(code_digests(train)) == {"tests.search.protocol.toys"}
    assert code_digest(train) != code_digest(train_changed)


def test_what_a_partial_fixes_counts():
    one, two = (functools.partial(train, width=width) for width in (1, 2))
    assert code_digest(one) != code_digest(two)


def test_a_lambda_has_no_name_so_its_whole_module_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    digests = set()
    for name, text in (("one", "x: x"), ("two", "x: 2 * x"), ("three", "x: x  # as one")):
        (tmp_path / f"lambda_{name}.py").write_text(f"FIT = lambda {text}\n")
        digests.add(code_digest(importlib.import_module(f"lambda_{name}").FIT))
    assert len(digests) == 2
