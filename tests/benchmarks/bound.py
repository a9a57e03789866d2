"""Whether TPE finds as much when it is fitted to a bounded part of a long history.

Two searches with the same seed, trial after trial, pruned by the same rungs: one whose TPE is
fitted to all trials that have ended, one whose TPE is fitted to the best and the most recent of
them. What each recommends in the end is judged by its loss without noise.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context

import numpy as np
import optuna

from search.configuration import override
from search.engine.asha import Rungs
from search.engine.shadow import Shadow
from search.engine.window import Bound
from search.parameters import Parameters
from search.pruner import ASHA
from search.storage.records import Result
from tests.benchmarks.learning import (
    FAMILIES,
    MAX_STEPS,
    Config,
    Family,
    curve_study,
    train,
)
from tests.benchmarks.table import Result as Table
from tests.benchmarks.table import Row, number

TRIALS = 1200  # twice the bound
MARGIN = 0.05  # of what an unbounded search gains over the defaults: set before anything ran
EVERYTHING = Bound(10**9, 10**9)
HARD = ("crossing curves, noise", "techniques with knobs")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """What both searches recommend on one seed (loss without noise), and what they took.

    `start` is the loss of the defaults, with which both begin; the times are the processor's per
    suggestion of the last tenth.
    """

    bounded: float
    full: float
    bounded_ms: float
    full_ms: float
    start: float


def compare_bounds(name: str, seed: int, trials: int = TRIALS, bound: Bound | None = None) -> Pair:
    """Search a family both ways on one seed."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    family = FAMILIES[name]
    loss, took = search(family, seed, trials, bound or Bound())
    full, full_took = search(family, seed, trials, EVERYTHING)
    return Pair(loss, full, took, full_took, family.final(Config()))


def search(family: Family, seed: int, trials: int, bound: Bound) -> tuple[float, float]:
    """Return the recommended configuration's loss, and a late suggestion's time in ms."""
    study = curve_study(family, "bound")
    parameters = Parameters.of(study.space, study.techniques)
    shadow = Shadow("tpe", ["minimize"], seed, {}, bound=bound)
    rungs = Rungs(ASHA(), MAX_STEPS, sign=-1)
    best, chosen, took = math.inf, Config(), []
    for n in range(trials):
        started = time.process_time()
        params = shadow.ask(n, parameters, None if n else parameters.encode(Config()))
        took.append(time.process_time() - started)
        shadow.notes_on(n)
        config = override(Config(), parameters.decode(params))
        result = _run(family, config, rungs, n, seed)
        shadow.told(n, result)
        if result.outcome == "complete" and result.values[0] < best:
            best, chosen = result.values[0], config
    return family.final(chosen), 1e3 * float(np.mean(took[-max(1, trials // 10) :]))


def _run(family: Family, config: Config, rungs: Rungs, n: int, seed: int) -> Result:
    """Return how a trial ends."""
    for step, report in enumerate(train(family, config, seed=seed, max_steps=MAX_STEPS), 1):
        value = report["val_loss"]
        if not math.isfinite(value):
            rungs.diverged(n, 0, step - 1)
            return Result("diverged", (), step - 1)
        if step < MAX_STEPS and rungs.stops(n, 0, step, value):
            return Result("pruned", (value,), step)
    return Result("complete", (value,), MAX_STEPS)


def benchmark_bound(seeds: int, say: Say) -> Table:
    """Return the table of paired differences, one process per core.

    Parameters
    ----------
    seeds
        Of every family.
    say
        Told what is going on.
    """
    cases = [(name, seed) for seed, name in product(range(seeds), HARD)]
    say(f"{len(cases)} pairs of searches of {TRIALS} trials on {os.cpu_count()} cores")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        pairs = list(pool.map(compare_bounds, *zip(*cases, strict=True)))
    found: dict[str, list[Pair]] = {name: [] for name in HARD}
    for (name, _), pair in zip(cases, pairs, strict=True):
        found[name].append(pair)
    return bound_table(found)


def bound_table(found: dict[str, list[Pair]]) -> Table:
    """Return the differences by family; negative: the bounded search found more."""
    notes = [f"Loss of the recommended trial after {TRIALS} trials: bounded minus full."]
    notes += [_sentence(name, pairs) for name, pairs in found.items()]
    rows = tuple(_row(name, pairs) for name, pairs in found.items())
    return Table("What the bound on TPE's history costs", rows, tuple(notes), figure="mean")


def _row(name: str, pairs: list[Pair]) -> Row:
    """Return a family's row: met where the whole interval lies below the margin."""
    mean, half = _interval(pairs)
    margin = MARGIN * float(np.mean([pair.start - pair.full for pair in pairs]))
    target = f"interval below {number(margin)}, {MARGIN:.0%} of the search's gain"
    differences = tuple(pair.bounded - pair.full for pair in pairs)
    return Row(name, differences, "", mean, None, "", target, met=mean + half < margin)


def _sentence(name: str, pairs: list[Pair]) -> str:
    """Return the interval, and what a suggestion takes."""
    mean, half = _interval(pairs)
    full, bounded_ms, full_ms = (
        number(float(np.mean([getattr(pair, field) for pair in pairs])))
        for field in ("full", "bounded_ms", "full_ms")
    )
    equal = sum(pair.bounded == pair.full for pair in pairs)
    better = sum(pair.bounded < pair.full for pair in pairs)
    return (
        f"{name}: {mean:+.5f} ± {half:.5f} (95 %) beside a loss of {full}; of {len(pairs)} seeds "
        f"the bounded search found more on {better}, the same on {equal}; {bounded_ms} ms of "
        f"processor time per late suggestion against {full_ms}"
    )


def _interval(pairs: list[Pair]) -> tuple[float, float]:
    """Return the mean difference and half the width of its 95 % interval (Student)."""
    differences = [pair.bounded - pair.full for pair in pairs]
    sd = float(np.std(differences, ddof=1))
    return float(np.mean(differences)), _t95(len(pairs)) * sd / len(pairs) ** 0.5


def _t95(n: int) -> float:
    """Return Student's t for a two-sided 95 % interval of a mean of `n` values."""
    from scipy.stats import t

    return float(t.ppf(0.975, n - 1))
