import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from search.statistics.evalues import log_e_value, t_boundary


@pytest.mark.parametrize(("t", "n"), [(0.0, 3), (1.3, 5), (-2.5, 8), (6.0, 12)])
def test_e_value_is_the_mixture_likelihood_ratio(t: float, n: int) -> None:
    """With nu = n - 1: the noncentral t likelihood, effect drawn from N(0, g), over the central."""
    nu, g = n - 1, 1.0

    def weighted(effect: float) -> float:
        likelihood = stats.nct.pdf(t, nu, effect * np.sqrt(n))
        return float(likelihood * stats.norm.pdf(effect, scale=np.sqrt(g)))

    mixture = integrate.quad(weighted, -8, 8, limit=200)[0]
    expected = np.log(mixture / stats.t.pdf(t, nu))
    assert log_e_value(t, n, nu, g) == pytest.approx(expected, abs=1e-5)


def test_e_values_average_at_most_one_under_the_null() -> None:
    rng = np.random.default_rng(0)
    for n in (3, 5, 10):
        t = rng.standard_t(n - 1, 400_000)
        e = np.exp(log_e_value(t, n, n - 1))
        assert e.mean() <= 1.0 + 4 * e.std() / np.sqrt(e.size)


def test_peeking_at_every_seed_keeps_the_level() -> None:
    rng = np.random.default_rng(1)
    d = rng.normal(size=(4000, 40))
    n = np.arange(1, 41)
    mean = d.cumsum(axis=1) / n
    spread = np.sqrt(np.maximum((d**2).cumsum(axis=1) - n * mean**2, 1e-12) / np.maximum(n - 1, 1))
    t = (mean / spread * np.sqrt(n))[:, 2:]
    ever = (log_e_value(t, n[2:], n[2:] - 1) >= np.log(1 / 0.05)).any(axis=1)
    assert ever.mean() <= 0.05


@given(
    st.floats(0.1, 6.0), st.integers(3, 50), st.integers(2, 60), st.sampled_from([0.3, 1.0, 4.0])
)
def test_boundary_inverts_the_e_value(threshold: float, n: int, nu: int, g: float) -> None:
    t = float(t_boundary(threshold, n, nu, g))
    if np.isfinite(t):
        assert float(log_e_value(t, n, nu, g)) == pytest.approx(threshold, abs=1e-6)
    else:
        assert float(log_e_value(1e12, n, nu, g)) < threshold


def test_few_seeds_never_reach_a_high_threshold() -> None:
    assert np.isinf(t_boundary(10.0, 3, 2))
    assert np.isfinite(t_boundary(3.0, 12, 15))
