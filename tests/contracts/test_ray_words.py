"""What Ray's refusals and losses become: words that say what to do; and secrets stay secret."""

from __future__ import annotations

import dataclasses
import logging
import mmap
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from search import Resources
from search.engine.stream import Limits
from tests.contracts.conftest import Place, with_study
from tests.contracts.test_faults import SECRETS

pytestmark = pytest.mark.ray

HEAD = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(
    initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
CLIENT = """
import sys
from search.engine.cluster import ray_session
from search.errors import EngineError
try:
    with ray_session(address=sys.argv[1]):
        print("connected")
except EngineError as error:
    print(f"refused: {error}")
"""


def with_token(folder, token):
    """Return the environment of a process that has this token."""
    path = folder / f"token-{token}"
    path.write_text(token * 64)
    return {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path)}


@pytest.fixture
def guarded(tmp_path):
    """The address of a cluster whose token is of the letter a."""
    command = [sys.executable, "-c", HEAD]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=with_token(tmp_path, "a"),
    ) as head:
        try:
            yield head.stdout.readline().strip()
        finally:
            head.stdin.close()
            head.wait(timeout=60)


def test_a_client_with_another_token_is_told_which_token_it_needs(guarded, tmp_path):
    said = {}
    for token in "ba":
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, guarded],
            env=with_token(tmp_path, token),
            capture_output=True,
            text=True,
            check=True,
            timeout=200,
        )
        said[token] = done.stdout.strip()
    assert said["a"] == "connected"
    assert said["b"].startswith(f"refused: the Ray cluster at {guarded} refuses this client")
    assert "RAY_AUTH_MODE=token" in said["b"]
    assert "RAY_AUTH_TOKEN_PATH=" in said["b"]


def test_a_trial_that_no_node_has_room_for_is_said_to_wait(ray_cluster, tmp_path, caplog):
    place = Place(tmp_path / "place", "ray", ray_cluster)
    loaded = place.load("race")
    study = dataclasses.replace(loaded.study, resources=Resources(cpus=99))
    with caplog.at_level(logging.WARNING):
        outcome = place.search(
            with_study(loaded, study), trials=2, limits=Limits(hours=2 / 3600), data=False
        )
    assert (
        "no node of the cluster has what a trial needs (99 CPU; the cluster has 2 CPU in all)"
        in caplog.text
    )
    assert outcome.ended_by == "the time limit of 0.000555556 h"
    assert outcome.best is None


def test_ray_still_calls_a_lack_of_memory_what_the_engine_listens_for():
    ray = pytest.importorskip("ray")
    from search.engine.tune import NO_MEMORY

    programs = [p for p in (Path(ray.__file__).parent / "core").rglob("raylet") if p.is_file()]
    assert programs
    for program in programs:
        with program.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as code:
            assert code.find(NO_MEMORY.encode()) >= 0


def test_a_trial_that_the_node_has_no_memory_for_is_tried_only_once_more(tmp_path):
    """A node that kills its workers as soon as any of its memory is used."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    strict = {"memory_usage_threshold": 0.001, "memory_monitor_refresh_ms": 100}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": strict}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    place = Place(tmp_path / "place", "ray", cluster.address)
    try:
        outcome = place.search(place.load("slow"), trials=1, workers=1, data=False)
    finally:
        cluster.shutdown()
    assert outcome.outcomes == {"failed": 1}
    (trial,) = place.found("slow/search").series.trials
    assert trial.result.reason == "lost 2 workers: the node ran out of memory"


@pytest.mark.postgres
def test_tune_never_gets_to_see_the_databases_password(
    ray_cluster, postgres_url, tmp_path, monkeypatch, capfd
):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))  # where Tune is given its folder
    place = Place(tmp_path / "place", "ray", ray_cluster)
    place.url = postgres_url
    seen = {}

    def look(_stream):
        for path in folder.rglob("*"):
            if path.is_file():
                seen[path.name] = path.read_bytes()

    outcome = place.search(place.load("race"), trials=2, workers=1, data=False, listener=look)
    assert sum(outcome.outcomes.values()) == 2
    assert any("searcher" in name or "experiment_state" in name for name in seen)
    told = capfd.readouterr()
    for secret in SECRETS:
        assert secret not in told.out + told.err
        assert not [name for name, data in seen.items() if secret.encode() in data]
