import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from search.statistics import Arm, Registration, Replicates, paired_scores
from search.statistics.arrays import FloatArray
from search.statistics.effects import (
    half_pooled,
    seed_correlation,
    seed_sd,
    share_better,
    summarise,
)
from search.statistics.pairs import Pairs


def brute_force_v(differences: list[FloatArray]) -> FloatArray:
    """The formulas of v_k, df_k and se_k, spelled out arm by arm."""
    s2 = [np.var(d, ddof=1) for d in differences]
    noisy = [(len(d) - 1, v) for d, v in zip(differences, s2, strict=True) if v > 0]
    pool = sum(w * v for w, v in noisy) / sum(w for w, _ in noisy) if noisy else 0.0
    d0 = 0 if len(noisy) <= 2 else min(4, len(noisy) - 1)
    rows = []
    for d, v in zip(differences, s2, strict=True):
        df = d0 + len(d) - 1
        moderated = (d0 * pool + (len(d) - 1) * v) / df
        rows.append((moderated, df, np.sqrt(moderated / len(d))))
    return np.array(rows).T


@pytest.mark.parametrize("n_arms", [1, 2, 3, 4, 5, 8])
def test_half_pooling_follows_its_formula(n_arms: int) -> None:
    rng = np.random.default_rng(n_arms)
    differences = [rng.normal(size=n) for n in rng.integers(2, 9, n_arms)]
    result = half_pooled(
        np.array([np.var(d, ddof=1) for d in differences]),
        np.array([len(d) for d in differences]),
    )
    expected = brute_force_v(differences)
    assert np.allclose([result.variance, result.df, result.se], expected, atol=1e-13)


@pytest.mark.parametrize(
    ("n_arms", "d0"), [(1, 0), (2, 0), (3, 2), (4, 3), (5, 4), (6, 4), (30, 4)]
)
def test_prior_degrees_of_freedom(n_arms: int, d0: int) -> None:
    result = half_pooled(np.ones(n_arms), np.full(n_arms, 3))
    assert result.d0[0] == d0
    assert (result.df == d0 + 2).all()


def test_arms_without_variance_neither_deflate_the_pool_nor_count() -> None:
    noisy = half_pooled(np.array([1.0, 2.0, 3.0]), np.full(3, 5))
    mixed = half_pooled(np.array([1.0, 2.0, 3.0, 0.0, 0.0]), np.full(5, 5))
    assert mixed.pool[0] == noisy.pool[0] == 2.0
    assert mixed.d0[0] == noisy.d0[0] == 2
    assert np.array_equal(mixed.variance[:3], noisy.variance)


def test_arms_weigh_by_their_degrees_of_freedom() -> None:
    assert half_pooled(np.array([1.0, 4.0]), np.array([3, 5])).pool[0] == pytest.approx(3.0)


def test_resplit_variance_is_nadeau_and_bengios() -> None:
    plain = half_pooled(np.array([2.0]), np.array([10]))
    corrected = half_pooled(np.array([2.0]), np.array([10]), test_train_ratio=0.25)
    assert plain.se[0] ** 2 == pytest.approx(2.0 / 10)
    assert corrected.se[0] ** 2 == pytest.approx(2.0 * (1 / 10 + 0.25))


def test_half_pooled_variance_is_unbiased_by_simulation() -> None:
    rng = np.random.default_rng(3)
    d = rng.normal(0, 1.5, size=(20_000, 5, 8))
    moderated = half_pooled(d.var(axis=1, ddof=1), np.full((20_000, 8), 5)).variance
    assert moderated.mean() == pytest.approx(2.25, rel=0.01)
    own = d.var(axis=1, ddof=1)
    assert moderated.var() < 0.5 * own.var()  # what the borrowed degrees of freedom buy


def test_moments_of_a_look() -> None:
    d = np.array([[0.1, 0.0], [0.3, 0.0], [0.8, 0.0], [9.0, 9.0]])
    found = summarise(Pairs.without_failures(d), 3)
    assert found.n.tolist() == [3, 3]
    assert found.mean.tolist() == pytest.approx([0.4, 0.0])
    assert found.variance[0] == pytest.approx(np.var([0.1, 0.3, 0.8], ddof=1))
    assert found.zero.tolist() == [False, True]
    assert found.complete.all()


@given(arrays(np.float64, (6, 3), elements=st.floats(-10, 10)), st.integers(1, 6))
def test_moments_are_numpys(d: FloatArray, n: int) -> None:
    found = summarise(Pairs.without_failures(d), n)
    assert np.allclose(found.mean, d[:n].mean(axis=0))
    if n > 1:
        assert np.allclose(found.variance, d[:n].var(axis=0, ddof=1))


def test_seed_sd_is_the_root_mean_variance_over_all_arms() -> None:
    scores = np.array([[1.0, 5.0, np.nan], [3.0, 5.0, np.nan], [np.nan, 8.0, 1.0]])
    expected = np.sqrt((np.var([1, 3], ddof=1) + np.var([5, 5, 8], ddof=1)) / 2)
    assert seed_sd(scores) == pytest.approx(expected)
    assert seed_sd(np.array([[1.0, 2.0]])) is None


def test_seed_correlation_is_the_mean_over_arms_that_differ_from_the_baseline() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(9, 4))
    scores[:, 3] = scores[:, 0]
    scores[2, 1] = np.nan
    failed = np.isnan(scores)
    registration = Registration((Arm("a"), Arm("b"), Arm("same")), looks=(9,))
    paired = paired_scores(registration, Replicates(("base", "a", "b", "same"), scores, failed))
    rows = ~failed[:, 1]
    expected = [
        np.corrcoef(scores[rows, 0], scores[rows, 1])[0, 1],
        np.corrcoef(scores[:, 0], scores[:, 2])[0, 1],
    ]
    assert seed_correlation(paired) == pytest.approx(np.mean(expected), abs=1e-12)


def test_seed_correlation_needs_three_pairs() -> None:
    registration = Registration((Arm("a"),), looks=(3,))
    two = Replicates(("base", "a"), np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros((2, 2), bool))
    assert seed_correlation(paired_scores(registration, two)) is None


def test_share_better_is_mann_whitney_on_pairs() -> None:
    d = np.array([[1.0, np.nan], [-1.0, np.nan], [0.0, 2.0], [3.0, 0.0]])
    assert share_better(d).tolist() == [0.625, 0.75]
