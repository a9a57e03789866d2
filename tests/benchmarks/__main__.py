"""Measure, print, say what is missed: ``python -m tests.benchmarks --help``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks.table import Result, circumstances, show, write_json

REPEATS = 3  # of every peer; more on a quiet machine
KILLS = 100
WIDTH = 132  # of a table whose lines do not wrap


def run(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks; the exit status is 0 whether or not a target is met."""
    given = _parse(arguments)
    console, progress = Console(), Console(stderr=True)
    console.width = max(console.width, WIDTH)
    made = circumstances()  # before the benchmarks' own load

    def say(text: str) -> None:
        progress.print(f"[dim]{text}[/]", highlight=False)

    results: list[Result] = []
    if given.what in ("engine", "all"):
        from tests.benchmarks.cost import benchmark_cost

        results += benchmark_cost(given.repeats, say)
    if given.what in ("quality", "all"):
        from tests.benchmarks.quality import benchmark_quality

        results.append(benchmark_quality(given.seeds, say))
    if given.what in ("reports", "all"):
        from tests.benchmarks.reporting import benchmark_reporting

        results.append(benchmark_reporting(given.repeats, say))
    if given.what in ("attention", "all"):
        from tests.benchmarks.attention import benchmark_attention

        results += benchmark_attention(given.repeats, say)
    if given.what in ("pairs", "all"):
        from tests.benchmarks.pair_training import benchmark_pairs

        results.append(benchmark_pairs(given.repeats, say))
    if given.what == "faults":
        from tests.benchmarks.kills import benchmark_kills

        results.append(benchmark_kills(given.kills, say))
    for result in results:
        show(result, console, made)
    if given.json is not None:
        write_json(results, given.json, made)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("engine", "quality", "reports", "attention", "pairs", "faults", "all"),
        default="all",
        help="engine: cost per trial and step; quality: steps to a good configuration; "
        "reports: a study of 2,337 runs; attention: a training step of PAT, time and memory; "
        "pairs: training of the pair classifier; faults: kill -9 at random instants; "
        "all (the default): all but faults",
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of every peer")
    parser.add_argument("--seeds", type=int, default=20, help="of every family of curves")
    parser.add_argument("--kills", type=int, default=KILLS, help="in all, over both engines")
    parser.add_argument("--json", type=Path, help="where every sample is written to")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(run())
