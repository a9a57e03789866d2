"""Chunks cover every residue once, and their means are the residues'."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.esm2_pair.embedder import chunk_edges, chunk_means


@given(length=st.integers(0, 300), tokens=st.integers(1, 40))
def test_chunks_cover_everything_and_are_equally_long(length, tokens):
    edges = chunk_edges(length, tokens)
    sizes = np.diff(edges)
    assert (edges[0], edges[-1], len(edges)) == (0, length, tokens + 1)
    assert sizes.min() >= 0
    assert sizes.max() - sizes.min() <= 1


def test_means_are_known():
    residues = np.array([[1.0], [2], [3], [4], [5]], np.float32)
    assert chunk_means(residues, 1).tolist() == [[3]]
    assert chunk_means(residues, 2).tolist() == [[1.5], [4]]
    assert chunk_means(residues, 5).tolist() == residues.tolist()


def test_an_empty_chunk_has_the_mean_of_all():
    found = chunk_means(np.array([[1.0], [3.0]], np.float32), 4)
    assert found.ravel().tolist() == pytest.approx([2, 1, 2, 3])
