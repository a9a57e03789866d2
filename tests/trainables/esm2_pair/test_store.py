"""Embeddings on disk survive a kill, are mapped and not copied, and damage is told."""

import multiprocessing
import os
from dataclasses import dataclass, field

import h5py
import numpy as np
import pytest

from search.errors import DataError
from trainables.esm2_pair.dipeptides import Dipeptides
from trainables.esm2_pair.sequences import sequence_hash
from trainables.esm2_pair.store import BATCH, damaged_rows, fill, open_store

SEQUENCES = [f"MKT{a}{b}{c}" for a in "ACDEF" for b in "GHIKL" for c in "MNPQRST"]  # 175
PLAIN = Dipeptides(2)


@dataclass
class Counting:
    """Dipeptides that stop after a number of batches, as a killed process does."""

    stop_after: int = 10**9
    seen: list[str] = field(default_factory=list)
    name: str = PLAIN.name
    tokens: int = PLAIN.tokens
    dims: int = PLAIN.dims

    def embed(self, sequences):
        if self.stop_after == 0:
            raise KeyboardInterrupt
        self.stop_after -= 1
        self.seen.extend(sequences)
        return PLAIN.embed(sequences)


def hashes(sequences):
    return [sequence_hash(sequence) for sequence in sequences]


def right(store, sequences):
    expected = PLAIN.embed(sequences).astype(np.float16)
    np.testing.assert_array_equal(store.embeddings[store.rows(hashes(sequences))], expected)


def test_what_is_filled_is_read(tmp_path):
    told = []
    path = tmp_path / "new" / "a.h5"
    store = fill(path, PLAIN, [*SEQUENCES, SEQUENCES[3]], progress=lambda *now: told.append(now))
    assert store.embeddings.shape == (175, 2, 408)
    assert store.embeddings.dtype == np.float16
    right(store, SEQUENCES)
    assert told == [(64, 175), (128, 175), (175, 175)]
    assert (store.model, BATCH) == ("dipeptides-2", 64)
    assert damaged_rows(path).tolist() == []


def test_the_array_is_the_file_itself(tmp_path):
    store = fill(tmp_path / "a.h5", PLAIN, SEQUENCES)
    assert isinstance(store.embeddings, np.memmap)
    assert not store.embeddings.flags.writeable
    with h5py.File(tmp_path / "a.h5") as file:  # any reader of HDF5 finds the same
        np.testing.assert_array_equal(file["embeddings"][:], store.embeddings)


def test_it_is_opened_once_until_it_changes(tmp_path):
    path = tmp_path / "a.h5"
    first = fill(path, PLAIN, SEQUENCES[:5])
    assert open_store(path) is first
    second = fill(path, PLAIN, SEQUENCES[5:9])
    assert second is not first
    right(second, SEQUENCES[:9])
    right(first, SEQUENCES[:5])  # who has the old file open keeps it


def test_a_stop_in_the_middle_costs_a_batch_at_most(tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(KeyboardInterrupt):
        fill(path, Counting(stop_after=2), SEQUENCES)
    with pytest.raises(DataError, match="has 128 of 175 sequences: fill it again"):
        open_store(path)
    rest = Counting()
    right(fill(path, rest, SEQUENCES), SEQUENCES)
    assert rest.seen == SEQUENCES[128:]
    again = Counting()
    fill(path, again, SEQUENCES)
    assert again.seen == []


def _fill_and_die(path):
    class Dying(Counting):
        def embed(self, sequences):
            if self.stop_after == 0:
                os._exit(9)
            return super().embed(sequences)

    fill(path, Dying(stop_after=1), SEQUENCES)


def test_a_killed_process_leaves_the_file_whole_and_free(tmp_path):
    path = tmp_path / "a.h5"
    process = multiprocessing.get_context("fork").Process(target=_fill_and_die, args=(path,))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    rest = Counting()
    right(fill(path, rest, SEQUENCES), SEQUENCES)
    assert rest.seen == SEQUENCES[64:]


def test_a_longer_file_keeps_what_was_there(tmp_path):
    path = tmp_path / "a.h5"
    fill(path, PLAIN, SEQUENCES[:70])
    more = Counting()
    right(fill(path, more, SEQUENCES[60:80]), SEQUENCES[:80])
    assert more.seen == SEQUENCES[70:80]


def test_a_second_writer_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    refused = []

    class Nested(Counting):
        def embed(self, sequences):
            with pytest.raises(DataError, match="is being filled by another process"):
                fill(path, PLAIN, SEQUENCES)
            refused.append(len(sequences))
            return super().embed(sequences)

    fill(path, Nested(), SEQUENCES[:3])
    assert refused == [3]
    fill(path, PLAIN, SEQUENCES, wait=True)


def test_models_are_not_mixed(tmp_path):
    path = tmp_path / "a.h5"
    fill(path, PLAIN, SEQUENCES)
    with pytest.raises(DataError, match=r"dipeptides-2', 2, 408.*not of .*dipeptides-3"):
        fill(path, Dipeptides(3), SEQUENCES)


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="is not there"):
        open_store(tmp_path / "a.h5")
    store = fill(tmp_path / "a.h5", PLAIN, SEQUENCES[:2])
    with pytest.raises(DataError, match="lacks 1 of 2 sequences"):
        store.rows(hashes([SEQUENCES[0], "W"]))
    with pytest.raises(DataError, match="no sequences"):
        fill(tmp_path / "b.h5", PLAIN, [])


@pytest.mark.parametrize("kept", [0, 100, 3000, -1000])
def test_a_truncated_file_is_told(tmp_path, kept):
    path = tmp_path / "a.h5"
    fill(path, PLAIN, SEQUENCES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match="truncated"):
        open_store(path)


def test_another_file_is_told(tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("hello")
    with pytest.raises(DataError, match="no file of embeddings"):
        open_store(path)
    path.unlink()
    with h5py.File(path, "w") as file:
        file["embeddings"] = np.zeros((2, 2))
    with pytest.raises(DataError, match="no file of embeddings"):
        open_store(path)


def test_changed_numbers_are_found(tmp_path):
    path = tmp_path / "a.h5"
    fill(path, PLAIN, SEQUENCES)
    with h5py.File(path, "r+") as file:
        file["embeddings"][7, 0, 0] += 1
    assert damaged_rows(path).tolist() == [7]


def test_numbers_beyond_half_precision_are_refused(tmp_path):
    class Huge(Counting):
        def embed(self, sequences):
            return super().embed(sequences) + np.float32(1e6)

    with pytest.raises(DataError, match="no finite float16"):
        fill(tmp_path / "a.h5", Huge(), SEQUENCES)
