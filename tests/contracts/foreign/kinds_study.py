"""Does every kind of trial end as it should?"""

import math
import os
import signal
import sys
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import witness  # beside this file; nobody could import it from elsewhere
from threadpoolctl import threadpool_info

from search import Categorical, NoPruning, Objective, Resources, Space, Study

os.environ["WINNOW_TEST_COLOUR"] = "blue"


class Colour(Enum):
    """A value that workers can read only once they know this folder."""

    RED = "red"


@dataclass(frozen=True)
class Config:
    """One field says what the trial does."""

    kind: str = "healthy"
    colour: Colour = Colour.RED


LOCAL = (
    "healthy",
    "not a number at step 4",
    "infinite at step 1",
    "held-out not a number",
    "raises",
    "raises once",
    "leaves the program",
    "forgets the objective",
    "ends early",
    "peaks early",
)
KINDS = (*LOCAL, "kills its worker once", "kills its workers")


def load(path):
    """Data is a folder that trainables leave their witness in."""
    witness.tell(path, "loaded")
    return Path(path)


def train(config, *, seed, max_steps, data):
    """Do what `config.kind` says."""
    threads = {pool["num_threads"] for pool in threadpool_info()}
    witness.tell(
        data,
        "started",
        kind=config.kind,
        seed=seed,
        max_steps=max_steps,
        colour=os.environ["WINNOW_TEST_COLOUR"],
        enum=config.colour is Colour.RED,
        threads=max(threads, default=1),
    )
    try:
        yield from steps(config.kind, data, max_steps)
    finally:
        witness.tell(data, "closed", kind=config.kind)


def steps(kind, data, max_steps):
    """Yield the metrics of a kind."""
    for step in range(1, max_steps + 1):
        time.sleep(0.005)
        if (kind, step) == ("ends early", 5):
            return
        misbehave(kind, step, data)
        yield metrics(kind, step)


def misbehave(kind, step, data):
    """Raise, leave or die, as the kind says."""
    match kind, step:
        case "raises", 3:
            print("about to raise")  # noqa: T201 - what a trainable does
            raise ValueError("no such batch")
        case "raises once", 3 if witness.first_time(data, kind):
            raise ValueError("not this time")
        case "leaves the program", 2:
            sys.exit(5)
        case "kills its worker once", 5 if witness.first_time(data, kind):
            os.kill(os.getpid(), signal.SIGKILL)
        case "kills its workers", 2:
            os.kill(os.getpid(), signal.SIGKILL)


def metrics(kind, step):
    """Return the metrics of one step."""
    found = {"val_ap": 0.1 * step, "test_ap": 777.25 + step}
    match kind, step:
        case "not a number at step 4", 4:
            found["val_ap"] = math.nan
        case "infinite at step 1", 1:
            found["val_ap"] = math.inf
        case "held-out not a number", _:
            found["test_ap"] = math.nan
        case "forgets the objective", 2:
            del found["val_ap"]
        case "peaks early", 3:
            found["val_ap"] = 7.0
    return found


def make(kinds, **other):
    """Return a study that runs each kind once, the baseline first."""
    space = Space(
        baseline=Config(),
        domains={"kind": Categorical(kinds)},
        points=[{"kind": kind} for kind in kinds],
    )
    return Study(
        name="kinds",
        trainable=train,
        space=space,
        objective=Objective("val_ap", "maximize"),
        max_steps=9,
        data=load,
        **{"pruner": NoPruning(), "resources": Resources(cpus=1), **other},
    )


STUDY = make(LOCAL)
