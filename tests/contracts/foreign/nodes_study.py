"""Where do trials run, beside whom, and on which GPU?"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import ray
import witness

from search import Float, NoPruning, Objective, Space, Study

# read while loading: they travel to other processes with this module
COMPANY = int(os.environ.get("WINNOW_TEST_COMPANY", "2"))
STEPS = int(os.environ.get("WINNOW_TEST_STEPS", "1"))
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Config:
    """Something to tune; it also tells the trials apart."""

    lr: float = 0.5


def load(path):
    """Data is a folder that trainables leave their witness in."""
    return Path(path)


def train(config, *, seed, data):  # noqa: ARG001 - every trainable takes a seed
    """Tell where it runs, and wait for company."""
    facts = {
        "lr": config.lr,
        "node": ray.get_runtime_context().get_node_id(),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
    }
    witness.tell(data, "started", **facts)
    wait_for_company(data)
    for step in range(1, STEPS + 1):
        time.sleep(0.2)
        if step == STEPS:  # closed after the last step, whenever that is
            witness.tell(data, "ended", **facts)
        yield {"val_ap": config.lr, "test_ap": 0.0}


def wait_for_company(data):
    """Wait until so many trials have started, in whatever process."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        lines = (data / "events.jsonl").read_text().splitlines()
        trials = {event["lr"] for event in map(json.loads, lines)}
        if len(trials) >= COMPANY:
            return
        time.sleep(0.1)


STUDY = Study(
    name="nodes",
    trainable=train,
    space=Space(baseline=Config(), domains={"lr": Float(0.0, 1.0)}),
    objective=Objective("val_ap", "maximize"),
    max_steps=STEPS,
    data=load,
    pruner=NoPruning(),
    sampler="random",
)
