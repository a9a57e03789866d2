"""Similarity is the share of common k-mers, and clusters are what greedy ones are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.esm2_pair.clusters import K, cluster, signatures, similarity
from trainables.esm2_pair.sequences import RESIDUES

LETTERS = np.array(list(RESIDUES))


def sequence(rng, size=300):
    return "".join(rng.choice(LETTERS, size))


def mutated(text, count, rng):
    residues = np.array(list(text))
    residues[rng.choice(len(residues), count, replace=False)] = rng.choice(LETTERS, count)
    return "".join(residues)


def kmers(text):
    return {text[start : start + K] for start in range(len(text) - K + 1)}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), changes=st.integers(0, 60))
def test_similarity_estimates_the_share_of_common_kmers(seed, changes):
    rng = np.random.default_rng(seed)
    one = sequence(rng)
    other = mutated(one, changes, rng)
    exact = len(kmers(one) & kmers(other)) / len(kmers(one) | kmers(other))
    first, second = signatures([one, other])
    assert similarity(first, second[None])[0] == pytest.approx(exact, abs=0.2)  # 4.5 deviations


def test_the_estimate_is_right_on_average():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(60):
        one = sequence(rng)
        other = mutated(one, 20, rng)
        exact = len(kmers(one) & kmers(other)) / len(kmers(one) | kmers(other))
        first, second = signatures([one, other])
        errors.append(similarity(first, second[None])[0] - exact)
    assert np.mean(errors) == pytest.approx(0, abs=0.025)  # 4 deviations of the mean
    assert np.std(errors) < 0.07


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), least=st.floats(0.2, 0.95))
def test_members_are_like_their_representative_and_representatives_are_not_alike(seed, least):
    rng = np.random.default_rng(seed)
    roots = [sequence(rng, int(size)) for size in rng.integers(80, 120, 4)]
    texts = [mutated(roots[place % 4], int(rng.integers(0, 12)), rng) for place in range(30)]
    found = cluster(texts, least)
    signed = signatures(texts)
    first = {}
    for row in sorted(range(30), key=lambda row: -len(texts[row])):
        first.setdefault(found[row], row)
    for row in range(30):
        alike = similarity(signed[row], signed[[first[found[row]]]])[0]
        assert alike >= least or row == first[found[row]]
    heads = list(first.values())
    for place, row in enumerate(heads):
        others = np.delete(heads, place)
        assert (similarity(signed[row], signed[others]) < least).all()
    assert set(found) == set(range(len(heads)))


def test_families_are_found_whatever_their_order():
    rng = np.random.default_rng(1)
    roots = [sequence(rng) for _ in range(5)]
    family = rng.permutation(np.repeat(np.arange(5), 8))
    found = cluster([mutated(roots[root], 3, rng) for root in family], 0.5)
    assert len(set(found)) == 5
    assert len(set(zip(family, found, strict=True))) == 5


def test_short_and_equal_sequences():
    assert cluster(["MK", "MK", "MKT", "A"], 0.9).tolist() == [1, 1, 0, 2]
    assert cluster(["MKTAYI", "MKTAYI"], 1.0).tolist() == [0, 0]
    assert cluster(["MKTAYI", "MKTAYI"], 2.0).tolist() == [0, 1]
