"""Negatives of a policy are those it names, as many as it says."""

from collections import Counter

import numpy as np
import pytest

from search.errors import DataError, SpaceError
from tests.trainables.gen5_prime.drawn import noise, small
from trainables.gen5_prime.negatives import (
    NegativesConfig,
    as_negatives,
    drawn,
    negatives_problems,
    noise_of,
    with_negatives,
)
from trainables.gen5_prime.radial import outside
from trainables.gen5_prime.stamps import INJECTED


def draw(config, stamps, seed=0):
    return with_negatives(config, stamps, np.random.default_rng(seed))


def test_explicit_negatives_as_they_are_cost_no_copy():
    train = small().train
    assert draw(NegativesConfig(), train) is train


@pytest.mark.parametrize(
    ("source", "ratio", "n"),
    [("other_lrg", 0.5, 10), ("other_lrg", 2.5, 50), ("ctrl", 1.0, 20), ("mix", 2.0, 40)],
)
def test_there_are_as_many_as_the_ratio_says(source, ratio, n):
    train = small().train
    found = draw(NegativesConfig(source, ratio), train)
    assert ((found.label == 1).sum(), (found.label == 0).sum()) == (20, n)
    keys = Counter(found.stamp[found.label == 0][:, 0, 0, 0].tolist())
    others = set(train.stamp[train.label == 0][:, 0, 0, 0].tolist())
    controls = set(train.ctrl[train.label == 1][:, 0, 0, 0].tolist())
    wanted = {"other_lrg": others, "ctrl": controls, "mix": others | controls}[source]
    assert set(keys) <= wanted
    assert max(keys.values()) - min(keys.values()) <= 1  # evenly
    assert max(keys.values()) == -(-n // len(wanted))
    arcs = found.stamp[found.label == 1]
    np.testing.assert_array_equal(np.sort(arcs, 0), np.sort(train.stamp[train.label == 1], 0))


def test_none_leaves_positives_alone():
    assert draw(NegativesConfig("none"), small().train).label.all()


def test_controls_as_negatives_have_nothing_injected():
    arcs = small().train.take(small().train.label == 1)
    rng = np.random.default_rng(0)
    copies = as_negatives(arcs, "copy", rng)
    np.testing.assert_array_equal(copies.stamp, arcs.ctrl)
    np.testing.assert_array_equal(copies.stamp, copies.ctrl)
    assert not copies.label.any()
    assert not any(copies.metadata[name].any() for name in INJECTED)
    assert copies.brickname is arcs.brickname
    assert arcs.label.all()


def test_noise_is_added_as_there_is():
    stamps = noise(8)
    np.testing.assert_allclose(noise_of(stamps.ctrl), 1, atol=0.1)
    found = as_negatives(stamps, "noise", np.random.default_rng(0))
    difference = (found.ctrl - found.stamp)[..., outside(0)]
    np.testing.assert_allclose(difference.std(axis=-1), 1, atol=0.1)


def test_another_galaxys_control_is_of_the_same_brick():
    stamps = noise(11, bricks=("a", "b", "c"))
    found = as_negatives(stamps, "other", np.random.default_rng(0))
    for row in range(11):
        source = np.flatnonzero((stamps.ctrl == found.ctrl[row]).all(axis=(1, 2, 3)))[0]
        assert source != row
        assert stamps.brick[source] == stamps.brick[row]
    alone = as_negatives(noise(1), "other", np.random.default_rng(0))
    np.testing.assert_array_equal(alone.stamp, alone.ctrl)


def test_rows_are_drawn_evenly():
    found = drawn(np.array([3, 5, 8]), 7, np.random.default_rng(0))
    assert sorted(Counter(found.tolist()).values()) == [2, 2, 3]
    assert drawn(np.array([3]), 0, np.random.default_rng(0)).size == 0


def test_what_is_not_there_cannot_be_drawn():
    train = small().train
    with pytest.raises(DataError, match=r"no pair without an arc.*got 'mix'"):
        draw(NegativesConfig("mix"), train.take(train.label == 1))
    with pytest.raises(DataError, match="no pair with an arc"):
        draw(NegativesConfig(), train.take(train.label == 0))


def test_problems_are_told():
    told = list(negatives_problems(NegativesConfig("control", 0, "copied")))
    assert told == [
        "data.negatives.source has no 'control'; did you mean 'ctrl'?",
        "data.negatives.partner has no 'copied'; did you mean 'copy'?",
        "data.negatives.ratio must be positive, got 0",
    ]
    assert SpaceError(told).problems == tuple(told)
