from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from enum import Enum, IntEnum
from pathlib import PurePosixPath

import numpy as np

from search.plain import digest, plain


class Pooling(Enum):
    MEAN = "mean"
    PAIR = (1, 2)


class Size(IntEnum):
    SMALL = 1


def test_values_become_what_json_holds() -> None:
    value = {
        "enum": [Pooling.MEAN, Pooling.PAIR, Size.SMALL],
        "numbers": (1, 2.5, np.float64(0.5), True, None),
        "path": PurePosixPath("a/b"),
        Pooling.MEAN: "key",
    }
    assert plain(value) == {
        "enum": ["mean", [1, 2], 1],
        "numbers": [1, 2.5, 0.5, True, None],
        "path": "a/b",
        "mean": "key",
    }
    assert type(plain(np.float64(0.5))) is float
    assert type(plain(Size.SMALL)) is int


def test_non_finite_numbers_become_text() -> None:
    assert plain([math.nan, math.inf, -math.inf]) == ["nan", "inf", "-inf"]
    json.dumps(plain({"x": np.float64("nan")}), allow_nan=False)


def test_sets_have_one_order_in_every_process() -> None:
    code = "from search.plain import digest; print(digest(frozenset({'b', 'a', 'c', 'd', 'e'})))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {digest(["a", "b", "c", "d", "e"]) + "\n"}


def test_other_objects_are_named() -> None:
    assert plain(complex(1, 2)) == "builtins.complex: (1+2j)"


def test_a_digest_depends_on_the_values_and_not_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": 2.0}) == digest({"b": 2.0, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest({"a": (1, 2)}) == digest({"a": [1, 2]})
    assert len(digest(None)) == 16
    assert digest({"lr": 0.1}) == hashlib.sha256(b'{"lr":0.1}').hexdigest()[:16]
