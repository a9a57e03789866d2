"""The virtual cluster: no worker does two things at once; every trial ends once, whatever dies."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import optuna
import pytest

from search.engine.stream import Stream
from search.protocol.searching import Options, open_search
from search.storage.database import Database
from search.storage.reader import read_series
from tests.benchmarks.bound import Pair, bound_table, compare_bounds
from tests.benchmarks.fleeting import Fleeting, fleeting_search, loaded
from tests.benchmarks.halving import Halving
from tests.benchmarks.learning import FAMILIES, curve_study
from tests.benchmarks.scale import Load, both, cluster_table, load_table, random_study, suggesting
from tests.benchmarks.simulated import LOST, Cluster, Simulated, Simulation, analytic

FAMILY = FAMILIES["power laws"]  # some of its runs diverge
STUDY = replace(curve_study(FAMILY, "virtual"), sampler="random")
DEADLY = 40.0  # deaths per busy worker and hour: many trials lose several workers


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def storage(tmp_path):
    return f"sqlite:///{tmp_path / 'virtual.db'}"


def _search(storage, cluster, trials, *, study=STUDY):
    database = Database(storage)
    options = Options(storage, engine="local", seed=cluster.seed)
    search = open_search(database, loaded(study), options, trials=trials)
    found = Simulation(cluster, analytic(FAMILY)).serve(Stream([search]))
    record = read_series(database, "virtual/search")
    database.close()
    return found, record


def test_every_trial_ends_once_whatever_dies(storage):
    found, record = _search(storage, Cluster(8, deaths_per_hour=DEADLY), 30)
    ends = Counter(trial.outcome for trial in record.trials)
    assert sum(ends.values()) == 30
    assert "running" not in ends
    lost = [attempt for t in record.trials for attempt in t.attempts if attempt.end == "lost"]
    assert found.deaths > 10
    assert 0 < len(lost) <= found.deaths
    assert ends["failed"] > 0, "some trial lost more workers than it may"
    for trial in record.trials:
        steps = [step.step for step in trial.steps]
        assert steps == list(range(1, len(steps) + 1)), "no step is counted twice"
        if trial.outcome == "complete":
            assert len(steps) == 27
        if trial.outcome == "failed":
            assert trial.result.reason == f"lost {LOST + 1} workers"


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_no_worker_does_two_things_at_once(storage, workers):
    found, _ = _search(storage, Cluster(workers, deaths_per_hour=DEADLY), 12)
    events = [(start, 1) for start, _ in found.busy] + [(end, -1) for _, end in found.busy]
    at_work = peak = 0
    for _, change in sorted(events):
        at_work += change
        peak = max(peak, at_work)
    assert peak <= workers
    assert 0 < found.utilisation <= 1
    assert max(end for _, end in found.busy) <= found.clock_s


def test_the_seed_decides_and_nothing_else(tmp_path):
    cluster = Cluster(5, deaths_per_hour=DEADLY, seed=4)
    runs = [
        _search(f"sqlite:///{tmp_path / name}.db", each, 8)[0]
        for name, each in (("a", cluster), ("b", cluster), ("c", replace(cluster, seed=5)))
    ]
    virtual = [(run.clock_s, run.busy, run.deaths, run.bests) for run in runs]
    assert virtual[0] == virtual[1] != virtual[2]


def test_one_worker_without_deaths_or_delays_takes_the_steps_time(storage):
    found, record = _search(storage, Cluster(1, step_s=2.0, spread=0.0), 6)
    # a diverged trial's last step is worked at, and reported as not finite
    worked = sum(len(t.steps) for t in record.trials)
    assert found.clock_s == pytest.approx(2.0 * worked)
    assert found.utilisation == pytest.approx(1.0)
    assert found.deaths == 0


def test_a_search_without_a_database_decides_the_same(tmp_path):
    cluster = Cluster(4, seed=2)
    written, _ = _search(f"sqlite:///{tmp_path / 'one.db'}", cluster, 10)
    url = f"sqlite:///{tmp_path / 'two.db'}"
    database = Database(url)
    search = fleeting_search(
        database, STUDY, Options(url, engine="local", seed=cluster.seed), trials=10
    )
    found = Simulation(cluster, analytic(FAMILY)).serve(Stream([search]))
    assert isinstance(search.series, Fleeting)
    assert (found.clock_s, found.busy, found.bests) == (
        written.clock_s,
        written.busy,
        written.bests,
    )
    assert not read_series(database, "virtual/search").trials
    database.close()


def test_synchronous_halving_keeps_the_best_third_at_every_rung():
    cluster = Cluster(27, spread=0.0)
    halving = Halving(cluster, random_study(), analytic(FAMILIES["crossing curves"]))
    found = halving.search(81)
    steps = [round((end - start) / cluster.step_s) for start, end in found.busy]
    assert Counter(steps) == {1: 81, 2: 27, 6: 9, 18: 3}
    assert found.clock_s == 60.0 * (3 * 1 + 2 + 6 + 18)
    assert len(found.bests) >= 1


def test_asha_keeps_workers_busier_than_synchronous_halving():
    asha, halving = both(16, 120, 0)
    assert halving.utilisation < 0.6 < asha.utilisation <= 1
    assert asha.bests
    assert asha.clock_s < halving.clock_s


def test_time_to_target_is_when_the_recommendation_is_good_enough():
    run = Simulated(
        2, 100.0, 50.0, ((0.0, 80.0), (0.0, 20.0)), 0, (), (), ((10.0, 0.5), (30.0, 0.2))
    )
    assert (run.time_to(0.5), run.time_to(0.3), run.time_to(0.1)) == (10.0, 30.0, math.inf)
    assert run.utilisation == pytest.approx(70 / 100)


def test_the_tables_say_what_was_missed():
    run = Simulated(4, 7200.0, 7200.0, ((0.0, 7200.0),) * 3, 0, (), (0.001,), ((3600.0, 0.12),))
    slow = replace(run, busy=((0.0, 7200.0),), bests=((7200.0, 0.12),))
    good = cluster_table({4: [(run, slow)]})
    assert [(row.figure, row.met) for row in good.rows] == [(1.0, True), (2.0, None)]
    assert cluster_table({4: [(slow, run)]}).missed
    work = load_table(Load(250.0, 80.0, (20.0, 30.0), 1.0))
    assert [row.met for row in work.rows] == [True, False, True, True]
    assert len(load_table(Load(150.0, 80.0, (200.0,), 9.0)).missed) == 4


def test_a_pair_of_bounds_is_compared_on_one_seed():
    pair = compare_bounds("techniques with knobs", 0, trials=11)
    assert pair.bounded == pair.full, "nothing is bounded yet"
    table = bound_table({"a": [Pair(0.11, 0.12, 1, 2, 0.9), Pair(0.12, 0.12, 1, 2, 0.9)]})
    assert table.rows[0].figure == pytest.approx(-0.005)
    assert not table.rows[0].met, "two seeds do not show it: their interval is ± 0.06"
    alike = [Pair(0.12 + seed / 1000, 0.12, 1, 2, 0.9) for seed in (-1, 0, 1, -1, 0, 1)]
    assert bound_table({"a": alike}).rows[0].met
    assert bound_table({"a": [Pair(0.2, 0.1, 1, 2, 0.9), Pair(0.2001, 0.1, 1, 2, 0.9)]}).missed


def test_suggestions_after_a_history_are_timed():
    took, kib = suggesting(30)
    assert len(took) == 60
    assert all(ms > 0 for ms in took)
    assert math.isfinite(kib)
