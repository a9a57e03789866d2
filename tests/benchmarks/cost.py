"""What a trial and a step of nothing cost: our engines, stock Tune, plain Optuna.

The peers take turns (A B C A B C …), each time in a fresh process; a figure is the median of the
repetitions. Start-up (imports, ``ray.init``, the first workers) is not part of any figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

from tests.benchmarks.peers import measure
from tests.benchmarks.table import Result, Row
from tests.benchmarks.timing import Timing

TRIALS = 60
FEW = 12  # stock Tune starts a process per trial: as many as are needed to see its cost
STEPS = 500
RATIO = "winnow ÷ this"

# peer -> (what the table calls it, trials)
TRIAL_PEERS: Mapping[str, tuple[str, int]] = {
    "winnow-ray": ("winnow, Ray engine, SQLite", TRIALS),
    "tune-stock": ("stock Tune + OptunaSearch, SQLite", FEW),
    "tune-reuse-bare": ("Tune, reuse, no loggers, no storage", TRIALS),
    "tune-reuse-sqlite": ("Tune, reuse, no loggers + OptunaSearch, SQLite", TRIALS),
    "winnow-local": ("winnow, local engine, SQLite", TRIALS),
    "optuna-wal": ("plain Optuna, SQLite as winnow opens it", TRIALS),
    "optuna-default": ("plain Optuna, SQLite", TRIALS),
}
STEP_PEERS: Mapping[str, str] = {
    "winnow-ray": "winnow, Ray engine, SQLite",
    "winnow-ray-each-step": "the same, a decision after every step",
    "tune-reuse-sqlite": "Tune, reuse, no loggers + OptunaSearch, SQLite",
    "winnow-local": "winnow, local engine, SQLite",
    "optuna-wal": "plain Optuna, SQLite as winnow opens it",
    "optuna-default": "plain Optuna, SQLite",
}
Samples = Mapping[str, tuple[float, ...]]
Say = Callable[[str], None]


def benchmark_cost(repeats: int, say: Say) -> list[Result]:
    """Return the table of trials and the table of steps.

    Parameters
    ----------
    repeats
        Of every peer.
    say
        Told what is going on.
    """
    trials = _alternating(
        repeats, {peer: (count, 1) for peer, (_, count) in TRIAL_PEERS.items()}, say
    )
    steps = _alternating(repeats, dict.fromkeys(STEP_PEERS, (1, STEPS)), say)
    return [
        trial_table({peer: tuple(t.per_trial_ms for t in ts) for peer, ts in trials.items()}),
        step_table({peer: tuple(t.per_step_ms(STEPS) for t in ts) for peer, ts in steps.items()}),
    ]


def _alternating(
    repeats: int, sizes: Mapping[str, tuple[int, int]], say: Say
) -> dict[str, list[Timing]]:
    found: dict[str, list[Timing]] = {peer: [] for peer in sizes}
    for repeat in range(repeats):
        for peer, (trials, steps) in sizes.items():
            say(f"repetition {repeat + 1} of {repeats}: {peer}, {trials} x {steps} steps")
            found[peer].append(measure(peer, trials=trials, steps=steps))
    return found


def trial_table(samples: Samples) -> Result:
    """Return the cost per trial, ours against the peers.

    Parameters
    ----------
    samples
        Milliseconds per trial, by peer.
    """
    ms = {peer: median(values) for peer, values in samples.items()}
    ours, bare = ms["winnow-ray"], ms["tune-reuse-bare"]
    targets = {
        "tune-stock": ("at most 1/20", ours * 20 <= ms["tune-stock"]),
        "tune-reuse-bare": ("at most x 1.5 or + 25 ms", ours <= max(1.5 * bare, bare + 25)),
    }
    rows = [Row("winnow, Ray engine, SQLite", samples["winnow-ray"], "ms", ours)]
    for peer, (name, _) in TRIAL_PEERS.items():
        if peer != "winnow-ray":
            target, met = targets.get(peer, ("", None))
            rows.append(
                Row(name, samples[peer], "ms", ms[peer], ours / ms[peer], RATIO, target, met)
            )
    notes = (
        f"{TRIALS} trials of one step ({FEW} for stock Tune), two at a time under Ray; from the "
        "fourth trial's end to the last's.",
    )
    return Result("Cost per trial of nothing", tuple(rows), notes)


def step_table(samples: Samples) -> Result:
    """Return the cost per step, ours against the peers.

    Parameters
    ----------
    samples
        Milliseconds per step, by peer.
    """
    ms = {peer: median(values) for peer, values in samples.items()}
    stock, ours = ms["tune-reuse-sqlite"], ms["winnow-ray"]
    rows = []
    for peer, name in STEP_PEERS.items():
        target, met = "", None
        if peer.startswith("winnow-ray"):
            target = "under 4 ms, and under stock"
            met = ms[peer] < 4 and ms[peer] < stock
        rows.append(Row(name, samples[peer], "ms", ms[peer], ours / ms[peer], RATIO, target, met))
    notes = (
        f"One trial of {STEPS} steps, from its first step until its end is booked. winnow sends "
        "steps in batches (a rung, a second), so the second line is its worst case.",
    )
    return Result("Cost per reported step of nothing", tuple(rows), notes)
