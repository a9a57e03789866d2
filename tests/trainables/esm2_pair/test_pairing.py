"""Positives are of one isolate, negatives of two, and no pair has two labels."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import DataError, SpaceError
from tests.trainables.esm2_pair.records import drawn, isolates
from trainables.esm2_pair.pairing import NegativesConfig, draw_pairs, positives

CONFIGS = st.builds(
    NegativesConfig,
    policy=st.sampled_from(["random", "within_lineage", "similar_metadata"]),
    hard_share=st.floats(0, 1),
    ratio=st.floats(0.5, 2),
)


def rng(seed=0):
    return np.random.default_rng(seed)


def made(some, how, seed=0, **more):
    return draw_pairs(some, positives(some, np.arange(len(some))), how, rng(seed), **more)


def sequences(pairs):
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def together(some):
    """By brute force: every two sequences of one isolate."""
    return {
        (row[i], row[j])
        for row in some.protein.tolist()
        for i, j in combinations(range(len(row)), 2)
        if row[i] >= 0 and row[j] >= 0
    }


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), slots=st.integers(2, 3), how=CONFIGS)
def test_no_pair_comes_twice_and_no_negative_occurs_together(seed, slots, how):
    some = drawn(seed, slots=slots, absent=0.1)
    pairs = made(some, how, seed)
    found = sequences(pairs)
    known = together(some)
    assert len(set(found)) == len(found)
    labelled = zip(found, pairs.label.tolist(), strict=True)
    assert all((pair in known) == (label == 1) for pair, label in labelled)
    assert {pair for pair, label in zip(found, pairs.label, strict=True) if label} == known
    assert (pairs.label == 0).sum() == round(how.ratio * len(known))
    assert (pairs.slots[:, 0] < pairs.slots[:, 1]).all()


def test_positives_say_everything_about_their_isolate():
    some = isolates([[0, 1], [2, 3], [4, -1]], [5, 6, 6], [[1, 2], [3, -1], [0, 0]])
    pairs = made(some, NegativesConfig(ratio=1))
    right = pairs.label == 1
    assert sorted(sequences(pairs)) == [(0, 1), (0, 3), (2, 1), (2, 3)]
    assert pairs.same_lineage[right].all()
    assert not pairs.same_lineage[~right].any()
    assert dict(zip(pairs.first[right].tolist(), pairs.matches[right].tolist(), strict=True)) == {
        0: 2,
        2: 1,
    }
    assert pairs.matches[~right].tolist() == [0, 0]


def test_the_same_two_sequences_are_one_positive():
    some = isolates([[0, 1], [0, 1], [2, 3], [0, 3]])
    assert len(positives(some, np.arange(4))) == 3
    assert positives(some, np.arange(4)).isolates.tolist() == [[0, 0], [2, 2], [3, 3]]


def test_policies_draw_what_they_say():
    some = drawn(0, size=400)

    def share(policy, hard_share, what):
        pairs = made(some, NegativesConfig(policy, hard_share, 2.0))
        return getattr(pairs, what)[pairs.label == 0].mean()

    assert share("within_lineage", 1.0, "same_lineage") == 1
    chance = share("random", 1.0, "same_lineage")
    assert chance == pytest.approx(1 / 6, abs=0.04)
    half = share("within_lineage", 0.5, "same_lineage")
    assert half == pytest.approx(0.5 + chance / 2, abs=0.04)
    assert share("similar_metadata", 1.0, "matches") > share("random", 1.0, "matches") + 0.5


def test_negatives_have_the_slots_of_positives():
    some = drawn(3, size=500, slots=3)
    pairs = made(some, NegativesConfig(ratio=2.0))
    for slots in ([0, 1], [0, 2], [1, 2]):
        mine = (pairs.slots == slots).all(axis=1)
        assert pairs.label[mine].mean() == pytest.approx(1 / 3, abs=0.03)


def test_order_says_nothing_about_the_label():
    label = made(drawn(0, size=400), NegativesConfig()).label
    assert np.corrcoef(label, np.arange(len(label)))[0, 1] == pytest.approx(0, abs=0.1)


def test_a_seed_decides_and_the_global_state_does_not():
    some = drawn(1)
    np.random.seed(1)  # noqa: NPY002  the point is that global state does not matter
    first = made(some, NegativesConfig(), seed=3)
    np.random.seed(2)  # noqa: NPY002  likewise
    assert sequences(made(some, NegativesConfig(), seed=3)) == sequences(first)
    assert sequences(made(some, NegativesConfig(), seed=4)) != sequences(first)


def test_pairs_that_are_taken_are_not_drawn():
    some = isolates([[0, 1], [2, 3], [4, 5]])
    taken = np.array([0 * 6 + 3, 0 * 6 + 5, 2 * 6 + 1])
    pairs = made(some, NegativesConfig(ratio=1), taken=taken)
    assert sorted(sequences(pairs)) == [(0, 1), (2, 3), (2, 5), (4, 1), (4, 3), (4, 5)]


def test_too_few_isolates_are_told():
    with pytest.raises(DataError, match="2 isolates allow 2 of 4 negatives by the policy 'random'"):
        made(isolates([[0, 1], [2, 3]]), NegativesConfig(ratio=2))
    some = isolates([[0, 1], [2, 3], [4, 5]], [0, 1, 2])
    with pytest.raises(DataError, match="allow 0 of 3 negatives by the policy 'within_lineage'"):
        made(some, NegativesConfig("within_lineage", 1, 1))
    with pytest.raises(DataError, match="there are none"):
        made(isolates([[0, -1], [-1, 1]]), NegativesConfig())


def test_wrong_values_are_all_told():
    with pytest.raises(SpaceError) as told:
        NegativesConfig("radnom", 2, 0)
    assert len(told.value.problems) == 3
    assert "did you mean 'random'" in told.value.problems[0]
    assert replace(NegativesConfig(), ratio=1).ratio == 1
