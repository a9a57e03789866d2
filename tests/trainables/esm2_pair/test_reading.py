"""Mapped or item by item: the same numbers, of which only the price differs."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from search.configuration import override
from tests.trainables.esm2_pair.pair_splits import make_splits
from trainables.esm2_pair import reading
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import DataConfig, data_problems
from trainables.esm2_pair.dipeptides import Dipeptides
from trainables.esm2_pair.reading import ItemReader, MappedReader, make_reader
from trainables.esm2_pair.store import fill
from trainables.esm2_pair.trainable import Esm2Pair

ROWS = np.array([[3, 0], [3, 1]])


def test_an_array_in_memory_is_read_from_a_file_that_nobody_else_sees(tmp_path, monkeypatch):
    monkeypatch.setattr(reading.tempfile, "tempdir", str(tmp_path))
    stored = np.random.default_rng(0).normal(size=(5, 2, 3)).astype(np.float32)
    kept = stored.copy()
    reader = make_reader(stored, "item")
    stored[:] = 0  # what is read is the file
    found = reader(ROWS)
    assert found.dtype == np.float32
    assert np.array_equal(found, kept[ROWS])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", ["whole", "half", "reversed"])
def test_a_mapped_file_is_asked_itself_if_it_is_mapped_whole(part, tmp_path, monkeypatch):
    store = fill(tmp_path / "a.h5", Dipeptides(2), ["MKT", "MKA", "MRV", "MLI"])
    opened: list[tuple[str, str]] = []
    plain = h5py.File

    def watched(path, mode):
        opened.append((Path(path).name, mode))
        return plain(path, mode)

    monkeypatch.setattr(reading.h5py, "File", watched)
    mapped = {
        "whole": store.embeddings,
        "half": store.embeddings[::2],
        "reversed": store.embeddings[::-1],
    }[part]
    found = ItemReader(mapped)(np.array([1, 0, 1]))
    assert np.array_equal(found, mapped[[1, 0, 1]])
    assert opened[-1] == (("a.h5", "r") if part == "whole" else ("embeddings.h5", "w"))


def test_a_map_of_another_kind_of_file_is_written_too(tmp_path):
    np.save(tmp_path / "e.npy", np.arange(12, dtype=np.float32).reshape(3, 2, 2))
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    assert np.array_equal(ItemReader(mapped)(np.array([2, 0])), mapped[[2, 0]])


def test_mapped_rows_are_a_copy():
    stored = np.ones((3, 1, 2), np.float32)
    found = MappedReader(stored)(np.array([[0, 2]]))
    found[:] = 5
    assert found.shape == (1, 2, 1, 2)
    assert (stored == 1).all()


@pytest.mark.parametrize(
    "changes", [{}, {"model.arch": "cross_attention", "model.attention.d_attn": 8}]
)
def test_a_run_is_the_same_by_either_way(changes, monkeypatch):
    asked = []
    plain = ItemReader.__call__

    def counted(reader, proteins):
        asked.append(proteins.size)
        return plain(reader, proteins)

    monkeypatch.setattr(ItemReader, "__call__", counted)
    curves = {}
    for access in ("mapped", "item"):
        config = override(Esm2PairConfig(), {**changes, "data.access": access, "stop.epochs": 2})
        run = Esm2Pair(config, seed=0, max_steps=2, data=make_splits(n_tokens=4))
        curves[access] = [run.step(), run.step()]
        assert bool(asked) == (access == "item")
    assert curves["item"] == curves["mapped"]


def test_an_unknown_way_is_told():
    told = list(data_problems(replace(DataConfig(), access="items")))
    assert told == ["data.access has no 'items'; did you mean 'item'?"]
