"""Which columns the filter leaves, and what components are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.han.reduction import (
    ReductionConfig,
    correlations,
    fit_components,
    kept_columns,
    reduction_problems,
)


def correlated(seed=0, rows=300):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, rows))
    return np.column_stack([a, 2 * a + 0.1 * b, b, -b + 0.5 * a, 1e-3 * b]).astype(np.float32)


def test_of_a_pair_the_column_that_varies_less_is_dropped():
    values = correlated()
    assert kept_columns(values, 0.95).tolist() == [1, 2, 3]  # 0 went for 1, 4 for 2
    assert kept_columns(values, 0.85).tolist() == [1, 3]  # 2 went for 3, which varies more
    assert kept_columns(values, 1.0).tolist() == [0, 1, 2, 3, 4]


def test_the_strongest_pair_goes_first():
    """The middle of a chain goes for its nearer neighbour, which saves the other."""
    rng = np.random.default_rng(1)
    middle = rng.standard_normal(2000)
    near = 3.0 * (middle + 0.4 * rng.standard_normal(2000))
    far = 0.5 * (middle + 0.5 * rng.standard_normal(2000))
    columns = np.column_stack([far, middle, near])
    assert np.abs(np.corrcoef(columns.T))[0] == pytest.approx([1, 0.894, 0.83], abs=0.01)
    assert kept_columns(columns.astype(np.float32), 0.87).tolist() == [0, 2]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.0, 0.7))
def test_correlations_are_those_of_complete_pairs(seed, share):
    rng = np.random.default_rng(seed)
    values = 100 + rng.standard_normal((60, 4)) @ rng.standard_normal((4, 4))
    values[rng.random(values.shape) < share] = np.nan
    found = correlations(values)
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(values[:, i]) & ~np.isnan(values[:, j])
            expected = np.corrcoef(values[both][:, [i, j]].T)[0, 1] if both.sum() >= 12 else 0.0
            assert found[i, j] == pytest.approx(expected, abs=1e-8)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.floats(0.3, 0.95))
def test_no_two_columns_that_stay_are_correlated(seed, threshold):
    rng = np.random.default_rng(seed)
    values = (rng.standard_normal((80, 3)) @ rng.standard_normal((3, 8))).astype(np.float32)
    kept = kept_columns(values, threshold)
    left = np.abs(correlations(values[:, kept].astype(np.float64))) - np.eye(len(kept))
    assert len(kept) >= 1
    assert (left <= threshold + 1e-9).all()


def test_a_dozen_days_have_to_agree():
    values = np.full((40, 2), np.nan, np.float32)
    values[:11] = np.arange(11)[:, None]
    assert kept_columns(values, 0.5).tolist() == [0, 1]
    values[11] = 11
    assert len(kept_columns(values, 0.5)) == 1


def test_constant_and_silent_columns_stay():
    values = correlated()
    values[:, 2], values[:, 3] = 7.0, np.nan
    assert kept_columns(values, 0.9).tolist() == [1, 2, 3, 4]


def test_rows_of_regions_count_as_days():
    values = correlated()
    assert kept_columns(values.reshape(30, 10, 5), 0.85).tolist() == [1, 3]


def test_components_are_those_of_the_singular_value_decomposition():
    values = correlated()[:, :4].reshape(60, 5, 4)
    rows = values.reshape(-1, 4) - values.reshape(-1, 4).mean(axis=0)
    expected = rows @ np.linalg.svd(rows, full_matrices=False)[2][:2].T
    found = fit_components(values, 2).apply(values)
    assert found.shape == (60, 5, 2)
    assert np.abs(found.reshape(-1, 2)) == pytest.approx(np.abs(expected), abs=1e-3)


def test_all_components_keep_distances():
    values = correlated().reshape(60, 5, 5)
    found = fit_components(values, 9).apply(values)
    assert found.shape == values.shape
    between = [np.linalg.norm(part[0, 0] - part[40, 3]) for part in (values, found)]
    assert between[0] == pytest.approx(between[1], rel=1e-4)


def test_a_row_with_a_gap_has_no_component_and_moves_none():
    values = correlated().reshape(60, 5, 5)
    gap = values.copy()
    gap[3, 2, 1], gap[3, 2, 0] = np.nan, 1e9
    found = fit_components(gap, 2)
    assert np.isnan(found.apply(gap)[3, 2]).all()
    assert np.isnan(found.apply(gap)).sum() == 2
    assert found.mean == pytest.approx(fit_components(values, 2).mean, abs=0.05)


def test_without_a_complete_row_there_is_nothing_to_see():
    values = np.full((10, 2, 3), np.nan, np.float32)
    assert np.isnan(fit_components(values, 2).apply(values)).all()


def test_a_wrong_configuration_is_explained():
    assert len(list(reduction_problems(ReductionConfig(1.5, -1)))) == 2
    assert not list(reduction_problems(ReductionConfig()))
