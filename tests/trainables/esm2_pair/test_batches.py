"""Rows are read where they lie, and come out in the order of the pairs."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainables.esm2_pair.pair_splits import make_pairs
from trainables.esm2_pair.batches import Embeddings, PairRows, shuffled

CPU = torch.device("cpu")


def stored(n_tokens: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, n_tokens, 4)).astype(np.float16)


def test_a_memory_map_is_read_row_by_row(tmp_path: Path):
    np.save(tmp_path / "e.npy", stored())
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    pairs = make_pairs(12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns of memory that cannot be written
        batch = PairRows(Embeddings(mapped, pool=False), pairs, CPU).batch(np.array([5, 2]))
    assert batch.tokens.dtype == torch.float32
    for place, row in enumerate((5, 2)):
        assert np.array_equal(batch.tokens[place, 0].numpy(), stored()[pairs.first[row]])
        assert np.array_equal(batch.tokens[place, 1].numpy(), stored()[pairs.second[row]])
    assert batch.label.tolist() == [1.0, 0.0]
    assert batch.proteins.tolist() == [[pairs.first[r], pairs.second[r]] for r in (5, 2)]


def test_what_is_read_is_a_copy():
    memory = stored().astype(np.float32)
    before = memory.copy()
    batch = PairRows(Embeddings(memory, pool=False), make_pairs(8), CPU).batch(np.arange(8))
    batch.tokens.zero_()
    assert np.array_equal(memory, before)


def test_pooling_reads_the_mean_over_tokens_in_single_precision():
    embeddings = Embeddings(stored(), pool=True)
    read = embeddings.read(np.array([[1, 4]]))
    assert read.shape == (1, 2, 1, 4)
    assert (embeddings.n_tokens, embeddings.n_dims) == (1, 4)
    wanted = stored()[[1, 4]].astype(np.float64).mean(axis=1)
    assert read[0, :, 0] == pytest.approx(wanted, rel=1e-6, abs=1e-7)


def test_all_pairs_come_once_and_in_order():
    pairs = make_pairs(23)
    rows = PairRows(Embeddings(stored(), pool=True), pairs, CPU)
    batches = list(rows.in_order(10))
    assert [len(batch) for batch in batches] == [10, 10, 3]
    assert torch.cat([b.proteins for b in batches])[:, 0].tolist() == pairs.first.tolist()


@pytest.mark.parametrize(("n", "size"), [(1, 4), (8, 4), (9, 4), (10, 4), (5, 1), (3, 9)])
def test_shuffled_rows_come_once_and_never_alone(n: int, size: int):
    batches = shuffled(n, size, torch.Generator().manual_seed(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    assert all(len(batch) <= size + 1 for batch in batches)
    if size > 1 and n > 1:
        assert min(len(batch) for batch in batches) > 1


def test_the_generator_decides_the_order():
    one = shuffled(50, 8, torch.Generator().manual_seed(3))
    same = shuffled(50, 8, torch.Generator().manual_seed(3))
    other = shuffled(50, 8, torch.Generator().manual_seed(4))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
