"""A cluster of two nodes with GPUs, which are none: fractions, room, and a node that goes."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections import Counter

import pytest

from search import Resources
from tests.contracts.conftest import Place, with_study

pytestmark = [pytest.mark.ray, pytest.mark.slow]
PER_NODE = 4  # CPUs, and GPUs
HALF = Resources(cpus=0.5, gpus=0.5)
ROOM = 2 * PER_NODE * 2  # halves on two nodes
BESIDE = PER_NODE * 2 + 1  # more halves than one node has room for


@pytest.fixture(scope="module")
def cluster():
    """A head and a second node, both on this machine."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    node = {"num_cpus": PER_NODE, "num_gpus": PER_NODE}
    started = cluster_utils.Cluster(
        initialize_head=True, head_node_args={**node, "include_dashboard": False}
    )
    started.add_node(**node)
    yield started
    started.shutdown()


def search(place, monkeypatch, *, trials, company, resources, steps=1, listener=None):
    """Run a study whose trials wait for company."""
    monkeypatch.setenv("WINNOW_TEST_COMPANY", str(company))
    monkeypatch.setenv("WINNOW_TEST_STEPS", str(steps))
    loaded = place.load("nodes")
    study = dataclasses.replace(loaded.study, resources=resources)
    outcome = place.search(with_study(loaded, study), trials=trials, listener=listener)
    return place.found("nodes/search", outcome)


def visits(found):
    """(start, end, node, GPU) of every trial that has ended."""
    starts = {event["lr"]: event["at"] for event in found.told("started")}
    return [(starts[e["lr"]], e["at"], e["node"], e["gpus"]) for e in found.told("ended")]


def at_once(found):
    """The largest number of trials under way at a moment."""
    changes = [(start, 1) for start, *_ in visits(found)]
    changes += [(end, -1) for _, end, *_ in visits(found)]
    return max(itertools.accumulate(change for _, change in sorted(changes)))


def sharing(found):
    """Pairs of trials that held the same GPU of the same node at the same time."""
    return [
        (one, two)
        for one, two in itertools.combinations(visits(found), 2)
        if one[2:] == two[2:] and max(one[0], two[0]) < min(one[1], two[1])
    ]


def assert_gpu_time(found, share):
    """Assert that every trial is charged its share of a GPU for as long as it took."""
    for trial in found.series.trials:
        (attempt,) = trial.attempts
        took = attempt.ended - attempt.started
        charged = found.optuna[trial.number].user_attrs["gpu_s"]
        assert charged == pytest.approx(share * took, abs=0.01)
    by_witness = sum(end - start for start, end, *_ in visits(found))
    assert sum(trial.user_attrs["gpu_s"] for trial in found.optuna) > 0.99 * share * by_witness


def test_halves_of_gpus_are_used_on_both_nodes(cluster, tmp_path, monkeypatch):
    place = Place(tmp_path / "place", "ray", cluster.address)
    found = search(place, monkeypatch, trials=12, company=BESIDE, resources=HALF)
    assert found.outcome.outcomes == {"complete": 12}
    assert len({node for _, _, node, _ in visits(found)}) == 2
    assert all(gpus in map(str, range(PER_NODE)) for *_, gpus in visits(found))  # one each
    assert sharing(found)
    holders = Counter(place for one, two in sharing(found) for place in (one, two))
    assert max(holders.values()) == 1  # two halves, never a third
    assert BESIDE <= at_once(found) <= ROOM
    assert_gpu_time(found, 0.5)


def test_a_trial_holds_a_whole_gpu_where_nothing_else_is_said(cluster, tmp_path, monkeypatch):
    place = Place(tmp_path / "place", "ray", cluster.address)
    whole = Resources(cpus=0.5)
    found = search(place, monkeypatch, trials=3, company=2, resources=whole)
    assert found.outcome.outcomes == {"complete": 3}
    assert all(gpus in map(str, range(PER_NODE)) for *_, gpus in visits(found))
    assert at_once(found) >= 2
    assert not sharing(found)
    assert_gpu_time(found, 1.0)


def test_trials_of_a_node_that_goes_finish_elsewhere(cluster, tmp_path, monkeypatch):
    """The last test: it takes the second node away."""
    place = Place(tmp_path / "place", "ray", cluster.address)

    def started():
        """The second at which each node's first trial was started."""
        events = place.found("nodes/search").told("started")
        return {event["node"]: event["at"] for event in reversed(events)}

    def take_away(_stream):
        ages = [time.time() - at for at in started().values()]
        if cluster.worker_nodes and len(ages) == 2 and min(ages) > 2:  # steps are stored by then
            (node,) = cluster.worker_nodes
            cluster.remove_node(node, allow_graceful=False)

    found = search(
        place, monkeypatch, trials=10, company=2, resources=HALF, steps=25, listener=take_away
    )
    assert not cluster.worker_nodes
    assert found.outcome.outcomes == {"complete": 10}
    lost = [t for t in found.series.trials if any(a.end == "lost" for a in t.attempts)]
    assert lost
    assert all([step.step for step in t.steps] == list(range(1, 26)) for t in lost)
    assert len(started()) == 2
