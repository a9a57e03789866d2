"""Dipeptides and properties are counted as by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.esm2_pair.dipeptides import DIMS, PROPERTIES, Dipeptides
from trainables.esm2_pair.embedder import chunk_edges
from trainables.esm2_pair.sequences import AMBIGUOUS, RESIDUES

SEQUENCES = st.text(RESIDUES + AMBIGUOUS, min_size=1, max_size=60)


def column(dipeptide):
    return RESIDUES.index(dipeptide[0]) * 20 + RESIDUES.index(dipeptide[1])


def by_hand(sequence, start, end):
    """Count dipeptides that begin in a chunk, one by one."""
    found = np.zeros(400)
    for place, (a, b) in enumerate(pairwise(sequence)):
        if start <= place < end and a in RESIDUES and b in RESIDUES:
            found[column(a + b)] += 1
    return found * 400 / max(1, found.sum())


@settings(deadline=None)
@given(sequence=SEQUENCES, tokens=st.integers(1, 5))
def test_dipeptides_are_those_counted_one_by_one(sequence, tokens):
    found = Dipeptides(tokens).embed([sequence])[0]
    edges = chunk_edges(len(sequence), tokens)
    for token, (start, end) in enumerate(pairwise(edges)):
        expected = by_hand(sequence, start, end)
        np.testing.assert_allclose(found[token, :400], expected, rtol=1e-5)
    assert np.isfinite(found).all()


def test_properties_are_means_and_deviations():
    found = Dipeptides().embed(["KXD"])[0, 0, 400:]
    k, d = (PROPERTIES[RESIDUES.index(residue)] for residue in "KD")
    np.testing.assert_allclose(found, [*(k + d) / 2, *abs(k - d) / 2], rtol=1e-5)


def test_residues_are_like_what_they_are():
    hydropathy, charge, volume, aromatic = PROPERTIES.T
    assert RESIDUES[hydropathy.argmax()] + RESIDUES[hydropathy.argmin()] == "IR"
    assert {RESIDUES[row] for row in np.flatnonzero(charge > 1)} == {"K", "R"}
    assert RESIDUES[volume.argmax()] + RESIDUES[volume.argmin()] == "WG"
    assert {RESIDUES[row] for row in np.flatnonzero(aromatic > 0)} == {"F", "W", "Y"}
    np.testing.assert_allclose(PROPERTIES.mean(axis=0), 0, atol=1e-12)


def test_sequences_do_not_depend_on_their_company():
    embedder = Dipeptides(3)
    together = embedder.embed(["MKTAYI", "ACD", "X"])
    assert together.shape == (3, 3, DIMS)
    np.testing.assert_array_equal(together[1], embedder.embed(["ACD"])[0])
    assert not together[2].any()
    assert (embedder.name, embedder.dims) == ("dipeptides-3", 408)


def test_one_substitution_changes_two_dipeptides():
    a, b = Dipeptides().embed(["MKTAYIAK", "MKTGYIAK"])[:, 0, :400]
    assert np.count_nonzero(a - b) == 4  # two go, two come
    assert np.abs(a - b).max() == pytest.approx(400 / 7)
