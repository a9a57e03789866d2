"""How a search scales: from one to a thousand workers, and to ten thousand trials.

The cluster is virtual (`simulated`), the code is not. ASHA is compared with synchronous halving on
the same curves, workers and deaths; both draw random configurations here, since the question is
the scheduler's. Then what the driver's work costs: a decision, a suggestion, and memory.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import optuna
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
from optuna.trial import TrialState, create_trial

from search.engine.shadow import Shadow
from search.engine.stream import Stream
from search.parameters import Parameters
from search.protocol.searching import Options, open_search
from search.storage.database import Database
from search.storage.records import Result as Ended
from search.study import Study
from tests.benchmarks.fleeting import fleeting_search, loaded
from tests.benchmarks.halving import Halving
from tests.benchmarks.learning import FAMILIES, MAX_STEPS, curve_study
from tests.benchmarks.simulated import Cluster, Simulated, Simulation, analytic
from tests.benchmarks.table import Result, Row, number

WORKERS = (1, 4, 16, 64, 256, 1000)
TRIALS = 1000  # or four per worker
SEEDS = 2
FAMILY = "crossing curves"
TARGET = 0.13  # final loss; the optimum is 0.1
DEATHS = 0.05  # per busy worker and hour
MANY = 10_000
STORED = 3000  # trials of the search that is written to a database
ASKED = 60  # suggestions that are timed at the end of a long history
RATE, SUGGESTION_MS, PER_TRIAL_KIB = 200.0, 100.0, 4.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """What the driver's work costs at the end of a long search.

    Parameters
    ----------
    decisions, stored_decisions
        Reports per second, without and with the database.
    suggestion_ms
        Times of single suggestions by TPE.
    per_trial_kib
        Resident memory that a trial adds in the second half of the history.
    """

    decisions: float
    stored_decisions: float
    suggestion_ms: tuple[float, ...]
    per_trial_kib: float


def benchmark_scale(say: Say, seeds: int = SEEDS) -> list[Result]:
    """Return the table of clusters and the table of the driver's work.

    Parameters
    ----------
    say
        Told what is going on.
    seeds
        Of every size of cluster.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found: dict[int, list[tuple[Simulated, Simulated]]] = {}
    for workers in WORKERS:
        trials = max(TRIALS, 4 * workers)
        say(f"{workers} virtual workers, {trials} trials, {seeds} seeds")
        found[workers] = [both(workers, trials, seed) for seed in range(seeds)]
    say(f"{MANY} trials: what the driver's work costs")
    return [cluster_table(found), load_table(load())]


def both(workers: int, trials: int, seed: int) -> tuple[Simulated, Simulated]:
    """Search with ASHA and with synchronous halving on the same virtual cluster."""
    cluster = Cluster(workers, deaths_per_hour=DEATHS, seed=seed)
    study = random_study()
    curves = analytic(FAMILIES[FAMILY])
    with _folder() as folder:
        asha = simulate(folder, study, cluster, trials)
    return asha, Halving(cluster, study, curves, seed).search(trials)


def random_study() -> Study:
    """Return the search by random configurations."""
    return replace(curve_study(FAMILIES[FAMILY], "scale"), sampler="random")


def simulate(
    folder: str, study: Study, cluster: Cluster, trials: int, *, stored: bool = False
) -> Simulated:
    """Run a search on a virtual cluster; the driver's time is its processor's.

    Parameters
    ----------
    folder
        Of the database.
    study, trials
        What is searched, and how long.
    cluster
        The workers; its seed is the search's too.
    stored
        Whether trials are written to the database.
    """
    options = Options(f"sqlite:///{folder}/scale.db", engine="local", seed=cluster.seed)
    database = Database(options.storage)
    try:
        if stored:
            search = open_search(database, loaded(study), options, trials=trials)
        else:
            search = fleeting_search(database, study, options, trials=trials)
        timer = time.perf_counter if stored else time.process_time
        simulation = Simulation(cluster, analytic(FAMILIES[FAMILY]), timer=timer)
        return simulation.serve(Stream([search]))
    finally:
        database.close()


def load(trials: int = MANY) -> Load:
    """Measure the driver's work at the end of a search of so many trials."""
    study, cluster = random_study(), Cluster(64, deaths_per_hour=DEATHS)
    with _folder() as folder:
        long = simulate(folder, study, cluster, trials)
    with _folder() as folder:
        stored = simulate(folder, study, replace(cluster, workers=16), STORED, stored=True)
    suggestion_ms, per_trial_kib = suggesting(trials)
    return Load(
        late_rate(long.deciding_s), late_rate(stored.deciding_s), suggestion_ms, per_trial_kib
    )


def late_rate(took_s: Sequence[float]) -> float:
    """Return how many a second the last tenth of some decisions was."""
    late = took_s[-max(1, len(took_s) // 10) :]
    return len(late) / sum(late)


def suggesting(trials: int) -> tuple[tuple[float, ...], float]:
    """Return the times of TPE's suggestions after so many trials, and what one leaves in memory.

    The trials before are random; a third of them is complete, the others are pruned at a rung.
    """
    study = curve_study(FAMILIES[FAMILY], "scale")
    parameters, rng = Parameters.of(study.space, study.techniques), np.random.default_rng(0)
    shadow, draws = Shadow("tpe", ["minimize"], 0, {}), Shadow("random", ["minimize"], 0, {})
    sizes = []
    for n in range(trials):
        params = draws.ask(n, parameters, None)
        draws.notes_on(n)
        draws.told(n, Ended("failed"))  # it draws what it draws: no history is kept for it
        trial = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=parameters.distributions(params),
        )
        trial.number = n
        shadow.restore(trial, random_end(rng))
        if n in (trials // 2, trials - 1):
            sizes.append(psutil.Process().memory_info().rss)
    took = []
    for n in range(trials, trials + ASKED):
        started = time.process_time()
        shadow.ask(n, parameters, None)
        took.append(1e3 * (time.process_time() - started))
        shadow.notes_on(n)
        shadow.told(n, random_end(rng))
    return tuple(took), max(0, sizes[1] - sizes[0]) / 1024 / (trials / 2)


def random_end(rng: np.random.Generator) -> Ended:
    """Return how a trial of the history ended."""
    value = float(rng.uniform(0.1, 1.0))
    if rng.uniform() < 1 / 3:
        return Ended("complete", (value,), MAX_STEPS)
    return Ended("pruned", (value,), int(rng.choice([1, 3, 9])))


def cluster_table(found: dict[int, list[tuple[Simulated, Simulated]]]) -> Result:
    """Return utilisation and time to target by size of the cluster; ASHA, then its rival."""
    rows = []
    for workers, pairs in found.items():
        ashas, halvings = zip(*pairs, strict=True)
        hours = _hours(ashas), _hours(halvings)
        used = [median(run.utilisation for run in runs) for runs in (ashas, halvings)]
        rate = median(len(run.deciding_s) / sum(run.deciding_s) for run in ashas)
        middle = median(hours[0]), median(hours[1])
        rows += [
            Row(
                f"{workers} workers: ASHA, {used[0]:.0%} at work, {rate:,.0f} decisions/s",
                hours[0],
                "h",
                middle[0],
                middle[0] / middle[1],
                "÷ synchronous",
                "busier and no later",
                bool(used[0] > used[1] and middle[0] <= middle[1]) if workers > 1 else None,
            ),
            Row(f"  synchronous halving, {used[1]:.0%} at work", hours[1], "h", middle[1]),
        ]
    deaths = sum(run.deaths for pairs in found.values() for pair in pairs for run in pair)
    notes = (
        f"Virtual hours until the recommended trial's loss is {TARGET} or lower ({FAMILY}; a step "
        "takes 60 s, a trial's worker is 1 + |z| times slower, z ~ N(0, 0.5²)); random "
        f"configurations for both; {TRIALS} trials or four per worker; "
        f"{DEATHS} deaths per busy worker and hour, {deaths} in all. Decisions per second of the "
        "driver's processor time, without the database.",
    )
    return Result("Virtual clusters: time to a good configuration", tuple(rows), notes)


def _hours(runs: Sequence[Simulated]) -> tuple[float, ...]:
    return tuple(run.time_to(TARGET) / 3600 for run in runs)


def load_table(load: Load) -> Result:
    """Return what the driver's work costs."""
    late = float(np.mean(load.suggestion_ms))
    rows = (
        Row(
            f"decisions per second after {MANY} trials",
            (load.decisions,),
            "",
            load.decisions,
            target=f"at least {RATE:g}",
            met=load.decisions >= RATE,
        ),
        Row(
            f"the same, written to SQLite, after {STORED} trials",
            (load.stored_decisions,),
            "",
            load.stored_decisions,
            target=f"at least {RATE:g}",
            met=load.stored_decisions >= RATE,
        ),
        Row(
            f"a suggestion by TPE after {MANY} trials",
            load.suggestion_ms,
            "ms",
            late,
            target=f"under {SUGGESTION_MS:g} ms",
            met=late < SUGGESTION_MS,
        ),
        Row(
            "memory that a finished trial leaves to the sampler",
            (load.per_trial_kib,),
            "KiB",
            load.per_trial_kib,
            target=f"under {PER_TRIAL_KIB:g} KiB",
            met=load.per_trial_kib < PER_TRIAL_KIB,
        ),
    )
    notes = (
        "Processor time of the real stream, book-keeping, scheduler and sampler; the second line "
        "is wall time: every step is stored, and drawn for Optuna's dashboard as far as a "
        "twentieth of the time allows. "
        f"One worker that reports every {number(60)} s asks for "
        f"{number(1 / 60)} decisions per second at most.",
    )
    return Result("The driver's work in a long search", rows, notes, figure="figure")


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="winnow-scale-")
