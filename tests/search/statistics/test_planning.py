import numpy as np
import pytest

from search.statistics import Rules, expected_runs
from search.statistics.planning import simulate_differences

LOOKS = (3, 5, 8, 12, 20)


def test_noise_has_the_stated_moments() -> None:
    d = simulate_differences(
        [1.0, 0.0],
        n_seeds=50,
        rng=np.random.default_rng(0),
        repetitions=4000,
        rho=0.5,
        noise=(1.0, 3.0),
    )
    assert d.mean(axis=(0, 1)) == pytest.approx([1.0, 0.0], abs=0.02)
    # own noise has variance (1 - rho): arm plus baseline, 9 times as much for the noisy arm
    assert d.var(axis=(0, 1)) == pytest.approx([1.0, 5.0], rel=0.02)
    correlation = np.corrcoef(d[..., 0].ravel(), d[..., 1].ravel())[0, 1]
    assert correlation == pytest.approx(0.5 / np.sqrt(5.0), abs=0.01)


def test_heavy_tails_have_variance_one_in_theory() -> None:
    d = simulate_differences(
        [0.0], n_seeds=9, rng=np.random.default_rng(0), repetitions=2000, heavy_tails=True
    )
    assert np.abs(d).max() > 8
    assert d.var() == pytest.approx(1.0, rel=0.5)


def test_worst_case_is_everybody_to_the_end() -> None:
    plan = expected_runs([0.0] * 4, rng=np.random.default_rng(0), rules=Rules(LOOKS))
    assert plan.worst_by_look == (15, 25, 40, 60, 100)
    assert plan.worst == 100
    assert plan.mean_by_look[0] == 15  # nobody leaves before the first look
    assert list(plan.mean_by_look) == sorted(plan.mean_by_look)
    assert plan.mean_by_look[-1] == plan.mean < plan.p90 <= plan.worst


def test_hopeless_arms_cost_little() -> None:
    rules = Rules(LOOKS)
    bad = expected_runs([-3.0] * 8, rng=np.random.default_rng(0), rules=rules)
    null = expected_runs([0.0] * 8, rng=np.random.default_rng(0), rules=rules)
    assert bad.mean < 35 < null.mean


def test_a_small_delta_costs_seeds() -> None:
    rules = Rules(LOOKS)
    coarse = expected_runs([0.0] * 8, rng=np.random.default_rng(0), rules=rules, delta=1.0)
    fine = expected_runs([0.0] * 8, rng=np.random.default_rng(0), rules=rules, delta=0.5)
    assert fine.mean > coarse.mean + 15


def test_same_seed_same_plan() -> None:
    plans = [
        expected_runs([0.5, 0.0], rng=np.random.default_rng(4), rules=Rules(LOOKS))
        for _ in range(2)
    ]
    assert plans[0] == plans[1]
