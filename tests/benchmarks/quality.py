"""How many steps ASHA + TPE needs to find what unpruned random search finds.

Both run through `run_search` on the local engine and SQLite, as a user's search does. Random
search runs `TRIALS` trials to their full length. ASHA + TPE (the defaults) runs until the trial
that it would recommend, the completed one with the best reported loss, is as good as the one that
random search recommends; both are judged by their loss without noise.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import optuna

from search import NoPruning
from search.configuration import override
from search.engine.stream import Limits, Stream
from search.loading import LoadedStudy
from search.protocol.searching import Options, run_search
from search.study import Study
from tests.benchmarks import learning
from tests.benchmarks.learning import FAMILIES, LOWEST, MAX_STEPS, Config, Family, curve_study
from tests.benchmarks.table import Result, Row, number

TRIALS = 64  # of random search
SEEDS = 20
TARGET = 0.25
Say = Callable[[str], None]


class Reached(Exception):  # noqa: N818 - no error: it ends a search that has found enough
    """The search recommends a configuration that is good enough, or has used up its steps."""


@dataclass(frozen=True)
class Finding:
    """One search of each kind on one seed.

    Parameters
    ----------
    loss
        Loss without noise of what random search recommends.
    share
        Steps that ASHA + TPE needed to be as good, divided by random search's; infinite when it
        was not so within random search's steps.
    """

    loss: float
    share: float


class Watch:
    """Listens to a search: its steps, and the loss of what it would recommend.

    Parameters
    ----------
    family
        What is searched.
    until
        The loss that is good enough.
    limit
        Steps after which it is over.
    """

    def __init__(self, family: Family, until: float = -math.inf, limit: float = math.inf) -> None:
        self._family, self._until, self._limit = family, until, limit
        self.steps, self.loss = 0, math.inf

    def __call__(self, stream: Stream) -> None:
        """Note where the search stands.

        Raises
        ------
        Reached
            If what it recommends is good enough, or the steps are used up.
        """
        trials = stream.series[0]
        self.steps = trials.counts.steps
        if trials.best is not None:
            self.loss = self._family.final(override(Config(), trials.best[1].changes))
        if self.loss <= self._until or self.steps >= self._limit:
            raise Reached


def compare(name: str, seed: int, trials: int = TRIALS) -> Finding:
    """Search a family both ways on one seed."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    family = FAMILIES[name]
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        options = Options(f"sqlite:///{folder}/curves.db", engine="local", seed=seed)
        random = Watch(family)
        unpruned = replace(curve_study(family, "random"), sampler="random", pruner=NoPruning())
        _search(unpruned, options, trials, random)
        limit = trials * MAX_STEPS
        ours = Watch(family, random.loss, limit)
        _search(curve_study(family, "asha-tpe"), options, limit, ours)
    reached = ours.loss <= random.loss
    return Finding(random.loss, ours.steps / limit if reached else math.inf)


def _search(study: Study, options: Options, trials: int, watch: Watch) -> None:
    loaded = LoadedStudy(study, learning, Path(learning.__file__), {})
    try:
        run_search(loaded, options, trials=trials, limits=Limits(), confirm=0, listener=watch)
    except Reached:
        return


def benchmark_quality(seeds: int, say: Say) -> Result:
    """Return the table of families, one process per core.

    Parameters
    ----------
    seeds
        Of every family.
    say
        Told what is going on.
    """
    cases = list(product(FAMILIES, range(seeds)))
    say(f"{len(cases)} pairs of searches on {os.cpu_count()} cores")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        findings = list(pool.map(compare, *zip(*cases, strict=True)))
    found: dict[str, list[Finding]] = {name: [] for name in FAMILIES}
    for (name, _), finding in zip(cases, findings, strict=True):
        found[name].append(finding)
    return quality_table(found)


def quality_table(found: dict[str, list[Finding]]) -> Result:
    """Return the share of steps by family, from the findings of every seed."""
    rows, notes = [], []
    for name, findings in found.items():
        shares = tuple(finding.share for finding in findings)
        middle = median(shares)
        target = f"at most {TARGET:g} of the steps"
        rows.append(
            Row(name, shares, "", middle, middle, "steps ÷ random's", target, middle <= TARGET)
        )
        loss = number(median(finding.loss for finding in findings))
        notes.append(f"{name}: random search reaches {loss}; the optimum is {LOWEST}")
    notes.insert(
        0,
        f"Steps until ASHA + TPE recommends what unpruned random search recommends after {TRIALS} "
        f"trials of {MAX_STEPS} steps; {max(map(len, found.values()))} seeds.",
    )
    return Result(
        "Search quality on learning curves with a known optimum", tuple(rows), tuple(notes)
    )
