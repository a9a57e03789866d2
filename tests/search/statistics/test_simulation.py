"""What the default protocol promises, by simulating whole studies.

Numbers in comments are those that 4,000 repetitions gave; bounds leave four Monte-Carlo standard
errors. Effects are in units of the seed's standard deviation, on shared seeds (rho = .5
unless said), with delta = 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

from search.statistics.arrays import BoolArray, FloatArray
from search.statistics.outcome import Race
from search.statistics.pairs import Pairs
from search.statistics.planning import runs_by_look, simulate_differences
from search.statistics.race import race
from search.statistics.ranks import rank_distribution, shrink
from search.statistics.sequential import Rules, half_width
from search.statistics.verdicts import CODES, Verdict

MIXED = np.array([2.0, 1.0, 0.5, 0.0, 0.0, 0.0, -0.5, -1.0])
NULL = np.zeros(8)
STANDARD = Rules((3, 5, 8, 12, 20))
FAST, THOROUGH = 500, 4000


@dataclass(frozen=True, eq=False)
class Simulated:
    """Many studies of one truth."""

    truth: FloatArray
    outcome: Race
    rules: Rules

    @property
    def adopted(self) -> BoolArray:
        return np.equal(self.outcome.verdict, CODES[Verdict.ADOPT])

    @property
    def rejected(self) -> BoolArray:
        return np.isin(self.outcome.verdict, [CODES[Verdict.REJECT], CODES[Verdict.HARMFUL]])

    @property
    def false_adopt(self) -> float:
        """Rate of studies that adopt something null or harmful."""
        return float(np.any(self.adopted[:, self.truth <= 0], axis=1).mean())

    @property
    def runs(self) -> FloatArray:
        return runs_by_look(self.outcome, self.rules.looks)[:, -1]

    @property
    def covered(self) -> BoolArray:
        columns = self.outcome.columns
        sizes = self.rules.sizes(len(self.truth))
        half = half_width(columns.se, columns.df, columns.n, self.rules, sizes)
        return np.less_equal(np.abs(columns.mean - self.truth), half)

    def adopts(self, effect: float) -> float:
        return float(self.adopted[:, self.truth == effect].mean())


def simulate(
    truth: FloatArray,
    repetitions: int,
    *,
    seed: int = 1,
    delta: float = 1.0,
    rules: Rules = STANDARD,
    **noise: Any,
) -> Simulated:
    d = simulate_differences(
        truth,
        n_seeds=rules.looks[-1],
        rng=np.random.default_rng(seed),
        repetitions=repetitions,
        **noise,
    )
    outcome = race(Pairs.without_failures(d), np.full(len(truth), delta), rules)
    return Simulated(truth, outcome, rules)


def error(p: float, repetitions: int) -> float:
    """Four Monte-Carlo standard errors of a rate."""
    return 4 * float(np.sqrt(p * (1 - p) / repetitions))


def binomial_bound(level: float, repetitions: int) -> float:
    """Rate that a test holding its level exceeds once in ten thousand times."""
    return float(stats.binom.isf(1e-4, repetitions, level)) / repetitions


@pytest.mark.parametrize(
    "repetitions", [FAST, pytest.param(THOROUGH, marks=pytest.mark.slow)], ids=["fast", "thorough"]
)
class TestDefaultProtocol:
    def test_false_adopt_rate_under_eight_nulls(self, repetitions: int) -> None:
        rate = simulate(NULL, repetitions).false_adopt  # .019
        assert rate <= binomial_bound(0.05, repetitions)
        assert rate == pytest.approx(0.022, abs=error(0.022, repetitions))

    def test_mixed_truth(self, repetitions: int) -> None:
        mixed = simulate(MIXED, repetitions)
        assert mixed.false_adopt <= binomial_bound(0.05, repetitions)  # .011
        assert mixed.adopts(2.0) >= 0.999  # 1.000
        assert mixed.adopts(1.0) >= 0.85  # .906
        assert mixed.adopts(0.5) == pytest.approx(0.26, abs=error(0.26, repetitions))  # .251
        assert mixed.runs.mean() == pytest.approx(96, rel=0.10)  # 95.7
        assert np.quantile(mixed.runs, 0.9) == pytest.approx(121, rel=0.05)  # 121

    def test_wrong_rejections(self, repetitions: int) -> None:
        mixed = simulate(MIXED, repetitions)
        wrong = mixed.rejected[:, 1].mean()  # .037
        assert wrong <= binomial_bound(0.05, repetitions)
        assert mixed.rejected[:, 3:6].mean() >= 0.96  # .985

    def test_interval_coverage_at_the_stopping_look(self, repetitions: int) -> None:
        mixed = simulate(MIXED, repetitions)
        assert mixed.covered.mean() >= 0.98  # .988, promised .95
        assert mixed.covered[mixed.adopted].mean() >= 0.97  # .982
        assert simulate(NULL, repetitions).covered.mean() >= 0.98

    def test_shrunken_effects_are_nearer_the_truth(self, repetitions: int) -> None:
        columns = simulate(MIXED, repetitions).outcome.columns
        shrunken = shrink(columns.mean, columns.se, np.ones(8)).effect
        raw, better = (np.sqrt(((x - MIXED) ** 2).mean()) for x in (columns.mean, shrunken))
        assert raw == pytest.approx(0.43, abs=0.02)  # .427
        assert better == pytest.approx(0.37, abs=0.02)  # .371


def test_top_three_probabilities_are_conservative() -> None:
    """Among rows whose P(top 3) is told as .6 to .8, more than that truly are."""
    mixed = simulate(MIXED, 250)
    columns = mixed.outcome.columns
    shrunken = shrink(columns.mean, columns.se, np.ones(8))
    told = np.array(
        [
            rank_distribution("abcdefgh", b, sd, df, rng=np.random.default_rng(i), draws=400).p_top3
            for i, (b, sd, df) in enumerate(
                zip(shrunken.effect, shrunken.sd, columns.df, strict=True)
            )
        ]
    )
    truly = np.broadcast_to(MIXED >= 0.5, told.shape)
    near = (told > 0.6) & (told < 0.8)
    assert near.sum() > 50
    assert truly[near].mean() > told[near].mean()


def test_resplits_need_the_correction() -> None:
    """Overlapping splits of one data set: a null technique tests at far more than 5 %."""
    rng = np.random.default_rng(0)
    repetitions, rows, held_out, seeds = 800, 100, 20, 20
    pool = rng.normal(size=(repetitions, rows))
    order = rng.random((repetitions, seeds, rows)).argsort(axis=2)[..., :held_out]
    d = np.take_along_axis(pool[:, None, :], order, axis=2).mean(axis=2)[..., None]
    pairs = Pairs.without_failures(d)
    ratio = held_out / (rows - held_out)

    def rate(rules: Rules) -> float:
        return float((race(pairs, np.zeros(1), rules).q <= 0.05).mean())

    assert rate(Rules((seeds,))) > 0.15
    assert rate(Rules((seeds,), test_train_ratio=ratio)) <= binomial_bound(0.05, repetitions)


def test_open_ended_holds_its_level_at_every_seed() -> None:
    rules = Rules(tuple(range(3, 21)), open_ended=True)
    null = simulate(NULL, 300, rules=rules)
    assert null.false_adopt <= binomial_bound(0.05, 300)  # .004
    assert simulate(MIXED, 300, rules=rules).adopts(1.0) > 0.5  # .68


@pytest.mark.slow
class TestRobustness:
    """The documented default under worse noise: false adopt null / mixed, adopt +1, runs."""

    @pytest.mark.parametrize(
        ("noise", "delta", "adopt", "runs"),
        [
            ({"rho": 0.0}, 1.0, 0.58, 124),  # .023/.016, .59, 124
            ({"rho": 0.8}, 0.5, 1.00, 97),  # .023/.017, 1.00, 96
            ({"noise": (1, 1, 1, 1, 3, 1, 1, 1)}, 1.0, 0.89, 109),  # .028/.025, .89, 109
            ({"heavy_tails": True}, 1.0, 0.92, 84),  # .007/.005, .92, 84
            ({}, 0.5, 0.91, 127),  # .024/.017, .92, 127
        ],
        ids=["independent seeds", "strong pairing", "one noisy null", "t3", "small delta"],
    )
    def test_noise(self, noise: dict[str, Any], delta: float, adopt: float, runs: float) -> None:
        null = simulate(NULL, THOROUGH, delta=delta, **noise)
        mixed = simulate(MIXED, THOROUGH, delta=delta, **noise)
        assert null.false_adopt <= 0.05
        assert mixed.false_adopt <= 0.05
        assert mixed.adopts(1.0) == pytest.approx(adopt, abs=0.035)
        assert mixed.runs.mean() == pytest.approx(runs, rel=0.05)

    @pytest.mark.parametrize(
        ("truth", "adopt", "runs"),
        [
            ([1.0, 0.0, -0.5], 0.94, None),  # .029/.015, .94
            ([*MIXED, *np.zeros(8)], 0.85, 178),  # .018/.015, .86, 181
        ],
        ids=["K=3", "K=16"],
    )
    def test_number_of_techniques(
        self, truth: list[float], adopt: float, runs: float | None
    ) -> None:
        null = simulate(np.zeros(len(truth)), THOROUGH)
        mixed = simulate(np.array(truth), THOROUGH)
        assert null.false_adopt <= 0.05
        assert mixed.false_adopt <= 0.05
        assert mixed.adopts(1.0) == pytest.approx(adopt, abs=0.035)
        if runs is not None:
            assert mixed.runs.mean() == pytest.approx(runs, rel=0.05)

    @pytest.mark.parametrize(
        ("rules", "adopt", "runs"),
        [
            (Rules((3, 6, 12)), 0.65, 75),  # .67, 74
            (Rules((4, 8, 16)), 0.82, 89),  # .83, 89
            (Rules((3, 5, 8, 12, 20), alpha=0.10), 0.92, None),  # .92, false adopt .030
            (Rules(tuple(range(3, 21))), 0.79, 95),  # .77, 96
        ],
        ids=["quick", "three looks", "alpha .10", "every seed"],
    )
    def test_designs(self, rules: Rules, adopt: float, runs: float | None) -> None:
        assert simulate(NULL, THOROUGH, rules=rules).false_adopt <= rules.alpha
        mixed = simulate(MIXED, THOROUGH, rules=rules)
        assert mixed.adopts(1.0) == pytest.approx(adopt, abs=0.035)
        if runs is not None:
            assert mixed.runs.mean() == pytest.approx(runs, rel=0.05)

    @pytest.mark.parametrize(
        ("n", "power"), [(3, 0.53), (5, 0.85), (10, 1.0)], ids=["n=3", "n=5", "n=10"]
    )
    def test_one_look(self, n: int, power: float) -> None:
        """Fixed n: one-sided Holm with half-pooled variances, effect +2."""
        mixed = simulate(MIXED, THOROUGH, rules=Rules((n,)))
        assert mixed.adopts(2.0) == pytest.approx(power, abs=0.035)  # .56, .87, 1.00
        assert mixed.covered.mean() == pytest.approx(0.952, abs=0.006)

    def test_two_post_hoc_rows_do_not_deflate_the_pool(self) -> None:
        d = simulate_differences(
            NULL, n_seeds=20, rng=np.random.default_rng(2), repetitions=THOROUGH
        )
        d[..., 6:] = 0.0
        outcome = race(Pairs.without_failures(d), np.ones(8), STANDARD)
        adopted = np.any(outcome.verdict == CODES[Verdict.ADOPT], axis=1)
        assert adopted.mean() <= 0.03  # .020 documented; .049 were they pooled
