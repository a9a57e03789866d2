"""Splits are a function of configuration and seed, and have what their causes say."""

from dataclasses import replace

import numpy as np
import pytest

from search.errors import TrainableError
from tests.trainables.gen5_prime.drawn import SMALL, small
from trainables.gen5_prime.bricks import KNOWN_BAD
from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.stamps import INJECTED, METADATA, ROLES
from trainables.techniques.splitting import Sampling


def equal(one, other):
    return np.array_equal(one.stamp, other.stamp) and np.array_equal(one.ctrl, other.ctrl)


def test_the_same_seed_draws_the_same_whatever_the_global_state():
    np.random.seed(1)  # noqa: NPY002 - the global state must not matter
    again = generate(SMALL, seed=0)
    for role in ROLES:
        one, other = small().parts[role], again.parts[role]
        assert equal(one, other)
        for name in METADATA:
            np.testing.assert_array_equal(one.metadata[name], other.metadata[name])
    assert not equal(small().train, small(1).train)


def test_no_size_moves_another_split():
    more = generate(replace(SMALL, n_train=4, n_validation=30), seed=0)
    assert equal(more.test, small().test)
    assert equal(more.shift, small().shift)


def test_a_fixed_test_split_is_that_of_its_own_seed():
    fixed = [generate(SMALL, seed=seed, sampling=Sampling("fixed", 5)) for seed in (0, 1)]
    for role in ("test", "shift"):
        assert equal(fixed[0].parts[role], fixed[1].parts[role])
        assert not equal(fixed[0].parts[role], small().parts[role])
    assert equal(fixed[0].train, small().train)
    with pytest.raises(TrainableError, match="no splits to draw again"):
        generate(SMALL, seed=0, sampling=Sampling("resplit"))


def test_half_of_each_split_has_an_arc_and_its_metadata():
    for part in small().parts.values():
        assert set(part.metadata) == set(METADATA)
        assert part.label.sum() == len(part) // 2
        for name in INJECTED:
            assert not part.metadata[name][part.label == 0].any()
        assert (part.theta_e[part.label == 1] >= 0.5).all()
        assert (part.metadata["arc_snr_sum"][part.label == 1] > 0).all()


def test_no_brick_is_in_two_splits_and_all_are_about_as_large():
    names = [set(part.brickname.tolist()) for part in small().parts.values()]
    assert sum(map(len, names)) == len(set.union(*names)) == 5 + 3 * 3
    assert np.ptp(np.bincount(small().train.brick)) <= 1


def test_bad_bricks_say_that_there_is_no_signal_though_there_is():
    train = small().train
    bad = np.isin(train.brickname, KNOWN_BAD)
    positive = train.label == 1
    assert (train.arc_snr[bad] == 0).all()
    assert (train.arc_snr[~bad & positive] > 0).all()
    assert (train.metadata["arc_snr_sum"][bad & positive] > 0).all()
    light = (train.stamp - train.ctrl)[bad & positive].sum(axis=(1, 2, 3))
    assert np.mean(light > 0) > 0.8
    for role in ("validation", "test", "shift"):
        part = small().parts[role]
        assert len(set(part.brickname[(part.arc_snr == 0) & (part.label == 1)])) in (1, 2)
        assert not set(part.brickname.tolist()) & set(KNOWN_BAD)


def test_what_a_stamp_shows_is_in_its_task():
    kinds = {
        role: {task.split("-")[-1] for task in part.metadata["task_id"].tolist()}
        for role, part in small().parts.items()
    }
    assert kinds["train"] == {"arc", "plain"}
    assert kinds["shift"] > {"arc", "plain"}
    ends = [task.split("-")[-1] for task in small().shift.metadata["task_id"].tolist()]
    assert ends.count("arc") == 10
    assert ends.count("plain") == 5


def test_shift_has_other_noise_even_where_the_others_have_the_same():
    splits = small(same_noise=True)
    for role in ("train", "validation", "test", "shift"):
        part = splits.parts[role]
        same = (part.stamp == part.ctrl).all(axis=(1, 2, 3))[part.label == 0]
        assert same.all() if role != "shift" else not same.any()


def test_shift_may_have_the_controls_of_other_galaxies():
    usual, other = small(), small(no_control=True)
    assert equal(usual.test, other.test)
    np.testing.assert_array_equal(usual.shift.stamp, other.shift.stamp)
    for row in range(len(other.shift)):
        same = (usual.shift.ctrl == other.shift.ctrl[row]).all(axis=(1, 2, 3))
        source = np.flatnonzero(same)
        assert len(source) == 1
        assert source[0] != row
        assert usual.shift.brick[source[0]] == usual.shift.brick[row]


def test_arcs_can_be_left_out():
    part = small(arc_gain=0.0, core_leak=0.0, same_noise=True).train
    np.testing.assert_array_equal(part.stamp, part.ctrl)
    assert part.label.any()
    assert not part.arc_snr.any()


def test_a_name_tells_where_a_brick_is():
    train = small().train
    row = np.flatnonzero(train.brickname == "0460m800")[0]
    assert 46.0 <= train.metadata["ra"][row] <= 46.25
    assert -80.0 <= train.metadata["dec"][row] <= -79.75
