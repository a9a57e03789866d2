"""What a Ray session does to the process that it is in."""

import json
import os
import subprocess
import sys

import pytest

SESSIONS = """
import json, os, sys
from search.engine.cluster import ray_session
import ray
EXPORTER = "RAY_enable_open_telemetry"
found = []
for _ in range(2):
    with ray_session(address=None):
        there = ray.get(ray.remote(lambda: os.environ.get(EXPORTER)).remote())
        found.append([there, os.environ.get(EXPORTER), sys.breakpointhook.__module__])
    found.append([os.environ.get(EXPORTER), sys.breakpointhook.__module__])
print(json.dumps(found))
"""


@pytest.mark.ray
@pytest.mark.parametrize(("mine", "nodes"), [(None, "0"), ("1", "1")])
def test_a_node_of_our_own_exports_no_metrics_unless_asked_to(mine, nodes):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    environment |= {} if mine is None else {"RAY_enable_open_telemetry": mine}
    done = subprocess.run(
        [sys.executable, "-c", SESSIONS],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    during, after = [nodes, mine, "sys"], [mine, "sys"]
    assert json.loads(done.stdout.splitlines()[-1]) == [during, after] * 2


@pytest.mark.ray
def test_a_node_that_cannot_start_is_an_error_in_one_line(tmp_path):
    deep = tmp_path.joinpath(*["folder"] * 12)  # Ray's sockets lie below, and their paths are short
    deep.mkdir(parents=True)
    code = "import ray; from search.engine.cluster import ray_session as s\nwith s(address=None): 1"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"TMPDIR": str(deep)},
        check=False,
    )
    assert "EngineError: Ray does not start: " in done.stderr.splitlines()[-1]
    assert "AF_UNIX path length" in done.stderr.splitlines()[-1]
