"""A program of its own: a search whose metrics are scraped from Ray's exporter over HTTP.

In a process apart, since the other tests' Ray sessions begin without an exporter.
"""

from __future__ import annotations

import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import ray

from search.engine.metrics import Metrics
from search.engine.stream import Limits
from search.protocol.searching import Options, run_search
from tests.benchmarks.fleeting import loaded
from tests.benchmarks.learning import FAMILIES, curve_study

PATIENCE_S = 60.0


def publish(folder: Path, trials: int) -> str:
    """Return what the exporter says of a search, as soon as it says all of it."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    study = replace(curve_study(FAMILIES["power laws"], "toy"), sampler="random")
    options = Options(f"sqlite:///{folder}/toy.db", engine="local")
    metrics = Metrics()
    run_search(loaded(study), options, trials=trials, limits=Limits(), confirm=0, listener=metrics)
    port = ray.nodes()[0]["MetricsExportPort"]
    deadline, found = time.monotonic() + PATIENCE_S, ""
    while _counted(found) < trials and time.monotonic() < deadline:
        time.sleep(1.0)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                found = answer.read().decode()
        except OSError:  # the exporter starts after the node
            continue
    ray.shutdown()
    return "\n".join(line for line in found.splitlines() if "winnow_" in line)


def _counted(found: str) -> float:
    """Return how many trials the exporter knows of: it is some seconds late."""
    lines = [line for line in found.splitlines() if line.startswith("ray_winnow_trials{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


if __name__ == "__main__":
    sys.stdout.write(publish(Path(sys.argv[1]), int(sys.argv[2])))
