"""Nobody in two splits, both labels in each, and each seed moves its own split only."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import DataError
from trainables.pat.generator import GeneratorConfig
from trainables.pat.nonwear import NonWear
from trainables.pat.splits import Splits, generate_splits, make_splits
from trainables.pat.windows import DAY, Recordings, Windows, recordings
from trainables.techniques.splitting import Sampling

SMALL = GeneratorConfig(n_train=40, n_validation=30, n_test=30, n_unlabelled=20)


def people(labels, days) -> Recordings:
    """People of the given labels, who are recorded for so many whole days each."""
    person = np.repeat(np.arange(len(labels)), np.array(days) * DAY)
    minute = np.concatenate([np.arange(n * DAY) for n in days])
    return recordings(person, minute, 1 + minute % 7, dict(enumerate(labels)))


@pytest.fixture(scope="module")
def raw() -> Recordings:
    labels = [1] * 20 + [0] * 30 + [-1] * 5
    return people(labels, [1 + i % 3 for i in range(55)])


def parts(splits: Splits) -> tuple[Windows, Windows, Windows]:
    return splits.train, splits.validation, splits.test


def assert_same(first: Windows, second: Windows) -> None:
    for item in fields(Windows):
        np.testing.assert_array_equal(getattr(first, item.name), getattr(second, item.name))


@settings(max_examples=30, deadline=None)
@given(
    positives=st.integers(3, 8),
    negatives=st.integers(3, 8),
    unknown=st.integers(0, 3),
    seeds=st.tuples(st.integers(0, 2**31), st.integers(0, 2**31)),
    replication=st.sampled_from(["fresh", "fixed", "resplit"]),
    shares=st.tuples(st.floats(0.1, 0.4), st.floats(0.1, 0.4)),
)
def test_nobody_is_in_two_splits(positives, negatives, unknown, seeds, replication, shares):
    labels = [1] * positives + [0] * negatives + [-1] * unknown
    days = [1 + (seeds[0] + i) % 2 for i in range(len(labels))]
    splits = make_splits(
        people(labels, days),
        seed=seeds[1],
        sampling=Sampling(replication, seeds[0]),
        days=1,
        test_share=shares[0],
        validation_share=shares[1],
    )
    everyone = [*parts(splits), *([splits.unlabelled] if splits.unlabelled else [])]
    groups = [set(part.participant.tolist()) for part in everyone]
    assert sum(len(group) for group in groups) == len(set.union(*groups)) == len(labels)
    assert sum(len(part) for part in everyone) == sum(days)
    for part in parts(splits):
        assert set(part.label.tolist()) == {0, 1}
        assert [labels[i] for i in part.participant] == part.label.tolist()
    assert (splits.unlabelled is None) == (unknown == 0)


def test_people_are_stratified_by_label(raw):
    splits = make_splits(raw, seed=0, days=1, test_share=0.3, validation_share=0.5)
    counts = []
    for part in parts(splits):
        _, first = np.unique(part.participant, return_index=True)
        counts.append(np.bincount(part.label[first]).tolist())
    assert counts == [[11, 7], [10, 7], [9, 6]]  # of 30 and 20; 21 and 14 are left after the test


def held_out(splits: Splits) -> tuple[frozenset[int], frozenset[int]]:
    return frozenset(splits.test.participant.tolist()), frozenset(
        splits.validation.participant.tolist()
    )


def test_each_seed_moves_only_its_own_split(raw):
    base = held_out(make_splits(raw, seed=0, days=1))
    other_seed = held_out(make_splits(raw, seed=1, days=1))
    assert base[0] == other_seed[0]
    assert base[1] != other_seed[1]
    assert base[0] != held_out(make_splits(raw, seed=0, sampling=Sampling(split_seed=1), days=1))[0]
    redrawn = {
        held_out(make_splits(raw, seed=seed, days=1, sampling=Sampling("resplit")))[0]
        for seed in range(4)
    }
    assert len(redrawn) == 4


def test_the_length_of_a_window_moves_nobody(raw):
    one, two = (held_out(make_splits(raw, seed=0, days=days)) for days in (1, 2))
    assert all(longer <= shorter for longer, shorter in zip(two, one, strict=True))
    assert two != one  # people of one day are left out


def test_a_split_needs_both_labels():
    with pytest.raises(
        DataError, match=r"the train split must hold .* got 0 windows of depressed people"
    ):
        make_splits(people([1, 1, 0, 0, 0], [1] * 5), seed=0, days=1)
    with pytest.raises(DataError, match="no window of 3 complete days"):
        make_splits(people([1, 1, 0, 0, 0], [1] * 5), seed=0, days=3)


def test_what_is_left_out_is_counted(raw):
    splits = make_splits(raw, seed=0, days=2)
    assert splits.dropped == {
        "duplicate_minutes": 0,
        "incomplete_days": 0,
        "left_over_days": 19 + 18,  # of one day, and the third day of three
        "participants_without_window": 19,
        "windows_not_worn": 0,
    }


def test_windows_not_worn_are_dropped_from_training_only(raw):
    silent = replace(raw, activity=np.where(np.arange(len(raw.minute)) // DAY % 2, raw.activity, 0))
    silent = replace(silent, activity=silent.activity.astype(np.float32))
    kept = make_splits(silent, seed=0, days=1)
    dropped = make_splits(silent, seed=0, days=1, nonwear=NonWear("drop"))
    assert 0 < len(dropped.train) < len(kept.train)
    assert dropped.train.worn.all()
    assert_same(dropped.test, kept.test)
    assert_same(dropped.validation, kept.validation)
    missing = len(kept.train) - len(dropped.train)
    assert kept.unlabelled is not None
    assert dropped.unlabelled is not None
    missing += len(kept.unlabelled) - len(dropped.unlabelled)
    assert dropped.dropped["windows_not_worn"] == missing


def test_generated_splits_are_drawn_afresh():
    first, again, other = (generate_splits(SMALL, seed=seed) for seed in (1, 1, 2))
    for one, same, different in zip(parts(first), parts(again), parts(other), strict=True):
        assert_same(one, same)
        assert not np.array_equal(one.activity, different.activity)
    assert [len(part) for part in parts(first)] == [40, 30, 30]
    assert first.unlabelled is not None
    assert len(first.unlabelled) == 20
    assert generate_splits(replace(SMALL, n_unlabelled=0), seed=1).unlabelled is None


def test_generated_people_held_out_may_be_the_same_for_every_seed():
    first, second = (generate_splits(SMALL, seed=seed, test_seed=7) for seed in (1, 2))
    assert np.array_equal(first.test.activity, second.test.activity)
    assert np.array_equal(first.test.activity, generate_splits(SMALL, seed=7).test.activity)
    assert not np.array_equal(first.train.activity, second.train.activity)
    alone = generate_splits(SMALL, seed=1)
    assert np.array_equal(first.train.activity, alone.train.activity)
    assert not np.array_equal(first.test.activity, alone.test.activity)


def test_generated_minutes_without_the_device_are_found_and_handled():
    config = replace(SMALL, nonwear_share=1.0, n_unlabelled=0)
    kept = generate_splits(config, seed=0)
    filled = generate_splits(config, seed=0, nonwear=NonWear("impute"))
    assert not kept.train.worn.all(axis=1).any()
    np.testing.assert_array_equal(kept.train.worn, filled.train.worn)
    assert not kept.train.activity[~kept.train.worn].any()
    assert filled.train.activity[~filled.train.worn].min() > 0
