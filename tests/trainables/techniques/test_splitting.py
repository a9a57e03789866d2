import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from search.errors import DataError, TrainableError
from trainables.techniques.splitting import (
    Replication,
    Rows,
    Sampling,
    require_both,
    stratified,
    streams,
)

Units = tuple[NDArray[np.bool_], Rows]


@st.composite
def units(draw: st.DrawFn) -> Units:
    """Draw the classes of all units, and some of them in any order."""
    positive = np.array(draw(st.lists(st.booleans(), min_size=1, max_size=60)))
    order = draw(st.permutations(range(len(positive))))
    return positive, np.array(order[: draw(st.integers(0, len(order)))], np.int64)


@given(units(), st.floats(0, 1), st.integers(0, 2**32))
def test_each_class_gives_its_share_and_at_least_one(given: Units, share: float, seed: int) -> None:
    positive, rows = given
    drawn = stratified(positive, rows, share, np.random.default_rng(seed))
    assert set(drawn) <= set(rows)
    assert np.all(np.diff(drawn) > 0)  # ascending, nothing twice
    assert drawn.dtype == np.int64
    for value in (False, True):
        there = int(np.sum(positive[rows] == value))
        taken = int(np.sum(positive[drawn] == value))
        assert taken == (max(1, round(share * there)) if there else 0)


@pytest.mark.parametrize(
    ("share", "taken"),
    [(0.0, 1), (0.04, 1), (0.19, 2), (0.25, 2), (0.26, 3), (0.95, 10), (2.0, 10)],
)
def test_shares_of_ten(share: float, taken: int) -> None:
    """Rounded, half to even."""
    drawn = stratified(np.ones(10, bool), np.arange(10), share, np.random.default_rng(0))
    assert len(drawn) == taken


@given(units(), st.integers(0, 100))
def test_the_whole_share_is_everything(given: Units, seed: int) -> None:
    positive, rows = given
    drawn = stratified(positive, rows, 1.0, np.random.default_rng(seed))
    assert drawn.tolist() == sorted(rows.tolist())


def test_the_same_generator_draws_the_same_units_and_another_others() -> None:
    positive, rows = np.arange(100) % 4 == 0, np.arange(100)
    one, again, other = (
        stratified(positive, rows, 0.2, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2)
    )
    assert one == again != other
    assert (len(one), int(positive[one].sum())) == (20, 5)


def test_every_unit_of_a_class_is_drawn_equally_often() -> None:
    """2000 draws of 2 among 8 and of 1 among 3: shares within 5 standard errors."""
    positive, rows = np.arange(14) < 3, np.array([*range(3), *range(5, 13)])
    rng, counts = np.random.default_rng(0), np.zeros(14)
    for _ in range(2000):
        counts[stratified(positive, rows, 0.25, rng)] += 1
    expected = np.array([1 / 3] * 3 + [0] * 2 + [1 / 4] * 8 + [0])
    assert np.all(np.abs(counts / 2000 - expected) <= 5 * np.sqrt(expected * (1 - expected) / 2000))


def test_given_units_are_left_as_they_are() -> None:
    rows = np.array([5, 3, 1])
    stratified(np.array([True, False] * 3), rows, 0.5, np.random.default_rng(0))
    assert rows.tolist() == [5, 3, 1]


def of_seeds(split_seed: int, replication: Replication) -> list[int]:
    """Return what the generators of seeds 0 to 19 draw first."""
    rngs = [Sampling(replication, split_seed).held_out_rng(seed) for seed in range(20)]
    return [int(rng.integers(2**62)) for rng in rngs]


def test_held_out_units_are_the_same_for_every_seed_only_if_fixed() -> None:
    assert len(set(of_seeds(7, "fixed"))) == 1
    assert of_seeds(7, "fresh") == of_seeds(7, "fixed")  # what was recorded stays what it is
    assert len(set(of_seeds(7, "resplit"))) == 20


@pytest.mark.parametrize("replication", ["fixed", "resplit"])
def test_the_split_seed_moves_the_held_out_units(replication: Replication) -> None:
    found = [of_seeds(split_seed, replication) for split_seed in (7, 7, 8)]
    assert found[0] == found[1]
    assert not set(found[0]) & set(found[2])


SIZES = {"train": 5, "validation": 0, "test": 3, "unlabelled": 4}


def drawn(seed: int, sizes: dict[str, int], test_seed: int | None = None) -> dict[str, float]:
    return {role: rng.random() for role, _, _, rng in streams(seed, sizes, test_seed=test_seed)}


def test_splits_have_streams_and_numbers_of_their_own() -> None:
    found = [(role, size, first) for role, size, first, _ in streams(1, SIZES)]
    assert found == [("train", 5, 0), ("test", 3, 5), ("unlabelled", 4, 8)]
    assert len(set(drawn(1, SIZES).values())) == 3
    assert drawn(1, SIZES)["test"] == drawn(1, SIZES | {"train": 9, "unlabelled": 0})["test"]


def test_a_fixed_test_split_is_the_same_for_every_seed() -> None:
    first, second = (drawn(seed, SIZES, Sampling("fixed", 7).test_seed) for seed in (1, 2))
    assert first["test"] == second["test"] == drawn(7, SIZES)["test"]
    assert first["train"] == drawn(1, SIZES)["train"] != second["train"]
    assert drawn(1, SIZES, Sampling("fresh", 7).test_seed) == drawn(1, SIZES)
    with pytest.raises(TrainableError, match="no splits to draw again"):
        assert Sampling("resplit").test_seed


def test_a_split_of_one_class_is_refused() -> None:
    require_both("train", np.array([True, False]), "large ones")
    for value in (True, False):
        with pytest.raises(
            DataError, match=f"the test split .* got {2 * value} large ones among 2"
        ):
            require_both("test", np.array([value, value]), "large ones")
