"""Splits from the cache are those that were drawn, and an old or damaged one is not taken."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.errors import DataError, TrainableError
from tests.trainables.gen5_prime.drawn import SMALL, small
from trainables.gen5_prime.cache import FOLDER, cached, key, read_splits, write_splits
from trainables.gen5_prime.stamps import METADATA, ROLES
from trainables.techniques.splitting import Sampling


def assert_same(one, other):
    for role in ROLES:
        first, second = one.parts[role], other.parts[role]
        np.testing.assert_array_equal(first.stamp, second.stamp)
        np.testing.assert_array_equal(first.ctrl, second.ctrl)
        for name in METADATA:
            np.testing.assert_array_equal(first.metadata[name], second.metadata[name])


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("WINNOW_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert_same(cached(SMALL, seed=0), small())
    assert not list(tmp_path.iterdir())


def test_splits_are_drawn_once(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path))
    assert_same(cached(SMALL, seed=0), small())
    folder = tmp_path / FOLDER / key(SMALL, seed=0)
    before = (folder / "train.parquet").stat().st_mtime_ns
    assert_same(cached(SMALL, seed=0), small())
    assert (folder / "train.parquet").stat().st_mtime_ns == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_whatever_splits_depend_on_is_in_their_name():
    names = {
        key(SMALL, seed=0),
        key(SMALL, seed=1),
        key(replace(SMALL, core_leak=0.5), seed=0),
        key(SMALL, seed=0, sampling=Sampling("fixed", 0)),
        key(SMALL, seed=0, sampling=Sampling("fixed", 1)),
    }
    assert len(names) == 5
    assert key(SMALL, seed=0) == key(SMALL, seed=0, sampling=Sampling("fresh", 3))
    with pytest.raises(TrainableError, match="no splits to draw again"):
        key(SMALL, seed=0, sampling=Sampling("resplit"))


def test_two_processes_may_draw_the_same(tmp_path):
    code = (
        "from tests.trainables.gen5_prime.drawn import SMALL\n"
        "from trainables.gen5_prime.cache import cached\n"
        "cached(SMALL, seed=0)"
    )
    setting = {**os.environ, "WINNOW_CACHE": str(tmp_path)}
    root = Path(__file__).parents[3]
    both = [subprocess.Popen([sys.executable, "-c", code], env=setting, cwd=root) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    folder = tmp_path / FOLDER / key(SMALL, seed=0)
    assert_same(read_splits(folder), small())
    assert len(list(folder.parent.iterdir())) == 1


def test_the_faster_one_stays(tmp_path):
    folder = tmp_path / "splits"
    write_splits(folder, small())
    write_splits(folder, small(1))
    assert_same(read_splits(folder), small())
    assert [path.name for path in tmp_path.iterdir()] == ["splits"]


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "splits").write_text("a file is in the way")
    with pytest.raises(OSError, match="splits"):
        write_splits(tmp_path / "splits", small())
    assert [path.name for path in tmp_path.iterdir()] == ["splits"]


def test_a_damaged_or_missing_file_is_told(tmp_path):
    write_splits(tmp_path / "splits", small())
    file = tmp_path / "splits" / "shift.parquet"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"shift.parquet is not a Parquet file"):
        read_splits(tmp_path / "splits")
    file.unlink()
    with pytest.raises(DataError, match=r"shift.parquet is not there"):
        read_splits(tmp_path / "splits")
