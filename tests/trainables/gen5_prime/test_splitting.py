"""No brick is in two splits; excluded ones are in none; the widest ones are the shift."""

import numpy as np
import pytest

from search.errors import DataError
from tests.trainables.gen5_prime.drawn import noise
from trainables.gen5_prime.splitting import absent, make_splits
from trainables.gen5_prime.stamps import Stamps
from trainables.techniques.splitting import Sampling

BRICKS = tuple(f"{number:04d}p000" for number in range(20))
STAMPS = noise(80, bricks=BRICKS)


def names(splits):
    return {role: set(part.brickname.tolist()) for role, part in splits.parts.items()}


@pytest.mark.parametrize("seed", range(5))
def test_no_brick_is_in_two_splits_and_none_is_lost(seed):
    found = names(make_splits(STAMPS, seed=seed))
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == len(BRICKS)
    assert [len(found[role]) for role in ("shift", "test", "validation")] == [3, 3, 3]


def test_excluded_bricks_are_in_no_split_and_counted():
    gone = {"0003p000", "0019p000"}
    splits = make_splits(STAMPS, exclude=gone, seed=0)
    assert not gone & set.union(*names(splits).values())
    assert splits.dropped == {"0003p000": 4, "0019p000": 4}


def test_the_shift_has_the_widest_point_spread_functions():
    assert names(make_splits(STAMPS, seed=3))["shift"] == set(BRICKS[-3:])


def test_what_a_new_seed_draws_is_the_replications():
    first, again = (make_splits(STAMPS, seed=seed) for seed in (0, 1))
    assert names(first)["test"] == names(again)["test"]
    assert names(first)["validation"] != names(again)["validation"]
    tests = [
        names(make_splits(STAMPS, seed=seed, sampling=Sampling("resplit")))["test"]
        for seed in range(4)
    ]
    assert len(set(map(frozenset, tests))) > 1
    order = np.random.default_rng(0).permutation(len(STAMPS))
    assert names(make_splits(STAMPS.take(order), seed=0)) == names(first)


def test_splits_without_negatives_take_their_controls():
    arcs = STAMPS.take(np.flatnonzero(STAMPS.label == 1))
    splits = make_splits(arcs, seed=0)
    assert splits.train.label.all()
    for role in ("validation", "test", "shift"):
        part = splits.parts[role]
        assert part.label.mean() == 0.5
        negative = part.take(part.label == 0)
        assert np.isin(negative.stamp[:, 0, 0, 0], arcs.ctrl[:, 0, 0, 0]).all()
        assert set(negative.brickname.tolist()) == set(part.brickname.tolist())


def test_too_little_is_refused():
    with pytest.raises(DataError, match="need 4 bricks or more, got 3"):
        make_splits(noise(30, bricks=BRICKS[:3]), seed=0)
    none = {**STAMPS.metadata, "is_control": np.ones(80)}
    with pytest.raises(DataError, match="arc"):
        make_splits(Stamps(STAMPS.stamp, STAMPS.ctrl, none), seed=0)


def test_bricks_that_are_not_there_are_told():
    assert absent(STAMPS, ("0003p000",)) == []
    assert absent(STAMPS, ("0003m000",))[0].startswith(
        "there is no brick '0003m000' to exclude; did you mean '0003p000'?"
    )
