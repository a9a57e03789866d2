"""What no two splits may have in common, they do not: by property, over random isolates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import DataError
from tests.trainables.esm2_pair.records import drawn, isolates
from trainables.esm2_pair.leakage import proteins
from trainables.esm2_pair.pairing import NegativesConfig
from trainables.esm2_pair.splitting import make_splits, split_isolates
from trainables.techniques.splitting import Sampling

PLAIN = NegativesConfig(ratio=1)
MODES = ("random", "isolate", "sequence", "cluster", "lineage")
SEEDS = st.integers(0, 100_000)


def split(some, mode, seed=0, **more):
    return make_splits(some, mode, PLAIN, PLAIN, seed=seed, **more)


def parts(splits):
    return splits.train, splits.validation, splits.test


def rows(some, mode, seed):
    tests, own = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    return split_isolates(some, mode, tests, own)


def disjoint(groups):
    sets = [set(group) for group in groups]
    return len(set().union(*sets)) == sum(map(len, sets))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, shared=st.floats(0, 0.5))
def test_sequences_are_disjoint(seed, shared):
    some = drawn(seed, shared=shared, size=200)
    splits = split(some, "sequence", seed)
    assert disjoint(proteins(part).tolist() for part in parts(splits))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, slots=st.integers(2, 3))
def test_clusters_are_disjoint_and_so_are_sequences(seed, slots):
    some = drawn(seed, size=200, slots=slots, shared=0.1)
    splits = split(some, "cluster", seed)
    assert disjoint(np.unique(some.cluster[proteins(part)]).tolist() for part in parts(splits))
    assert disjoint(proteins(part).tolist() for part in parts(splits))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_lineages_are_disjoint(seed):
    some = drawn(seed, size=200)
    found, known = rows(some, "lineage", seed)
    assert disjoint(np.unique(some.lineage[part]).tolist() for part in found.values())
    assert known == {"validation_shared_lineages": 0.0}


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, mode=st.sampled_from(MODES))
def test_no_pair_is_in_two_splits(seed, mode):
    splits = split(drawn(seed, size=200), mode, seed)
    assert disjoint(zip(part.first, part.second, strict=True) for part in parts(splits))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_every_isolate_is_in_one_split(seed):
    some = drawn(seed)
    found, known = rows(some, "isolate", seed)
    everyone = np.concatenate(list(found.values()))
    assert np.array_equal(np.sort(everyone), np.arange(len(some)))
    assert known == {}
    assert len(found["test"]) == pytest.approx(0.2 * len(some), abs=0.03 * len(some))


def test_isolates_that_tie_nearly_everything_are_left_out_and_counted():
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 40, 400))  # first proteins last a time unit, second ones two
    protein = np.column_stack([time.astype(int), 50 + (time / 2 + 0.3).astype(int)])
    some = isolates(protein)
    found, known = rows(some, "sequence", 0)
    used = [np.unique(some.protein[part]).tolist() for part in found.values()]
    assert disjoint(used)
    left = sum(map(len, found.values()))
    assert 0 < known["all_dropped_isolates"] < 0.3
    assert known["all_dropped_isolates"] == pytest.approx(1 - left / 400)
    assert len(found["test"]) >= 0.8 * 0.2 * 400


def test_with_two_lineages_validation_shares_one_and_says_so():
    some = drawn(0, lineages=2)
    found, known = rows(some, "lineage", 0)
    assert len(np.unique(some.lineage[found["test"]])) == 1
    assert known == {"validation_shared_lineages": 1.0}
    assert disjoint([found["test"].tolist(), found["validation"].tolist(), found["train"].tolist()])


def test_random_splits_share_isolates_but_no_pairs():
    splits = split(drawn(0, size=200, slots=3), "random")
    assert splits.leakage["test_shared_sequences"] > 0.5
    assert splits.leakage["test_duplicate_pairs"] == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_fixed_test_split_stays_for_every_seed(mode):
    some = drawn(0, size=200)
    first, second = (split(some, mode, seed, sampling=Sampling("fixed", 7)) for seed in (1, 2))
    again = split(some, mode, 1, sampling=Sampling("resplit", 7))
    for name in ("first", "second", "label"):
        mine = getattr(first.test, name)
        np.testing.assert_array_equal(mine, getattr(second.test, name), err_msg=name)
        assert not np.array_equal(mine, getattr(again.test, name)) or name == "label"
    assert not np.array_equal(first.validation.first, second.validation.first)


def test_isolates_that_are_all_alike_cannot_be_split():
    some = isolates(np.tile([0, 1], (30, 1)))
    with pytest.raises(DataError, match="too much alike"):
        split(some, "sequence")
    with pytest.raises(DataError, match="too much alike"):
        split(isolates(np.arange(60).reshape(30, 2)), "lineage")
