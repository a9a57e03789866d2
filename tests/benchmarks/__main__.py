"""Measure, print, say what is missed: ``python -m tests.benchmarks --help``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks.table import Result, circumstances, show, write_json

REPEATS = 3  # of every peer; more on a quiet machine
KILLS = 100
CHOICES = (
    *("engine", "quality", "reports", "attention", "pairs", "shared", "scale", "bound"),
    *("faults", "fault-table", "all"),
)
WIDTH = 132  # of a table whose lines do not wrap


def run(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks; the exit status is 0 whether or not a target is met."""
    given = _parse(arguments)
    console, progress = Console(), Console(stderr=True)
    console.width = max(console.width, WIDTH)
    made = circumstances()  # before the benchmarks' own load

    def say(text: str) -> None:
        progress.print(f"[dim]{text}[/]", highlight=False)

    if given.what == "fault-table":
        _show_fault_table(given, console, made, say)
        return 0
    results = _measured(given, say)
    for result in results:
        show(result, console, made)
    if given.json is not None:
        write_json(results, given.json, made)
    return 0


def _measured(given: argparse.Namespace, say: Callable[[str], None]) -> list[Result]:
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
    if given.what in ("scale", "all"):
        from tests.benchmarks.scale import benchmark_scale

        results += benchmark_scale(say)
    if given.what in ("shared", "all"):
        from tests.benchmarks.shared import benchmark_shared

        results.append(benchmark_shared(say))
    if given.what == "bound":
        from tests.benchmarks.bound import benchmark_bound

        results.append(benchmark_bound(given.seeds, say))
    if given.what == "faults":
        from tests.benchmarks.kills import benchmark_kills

        results.append(benchmark_kills(given.kills, say))
    return results


def _show_fault_table(
    given: argparse.Namespace, console: Console, made: str, say: Callable[[str], None]
) -> None:
    from tests.benchmarks.faults import as_json, fault_table, markdown, show_faults

    lines = fault_table(given.only, say)
    show_faults(lines, console, made)
    say(markdown(lines))
    if given.json is not None:
        given.json.write_text(json.dumps({"circumstances": made, "faults": as_json(lines)}))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=CHOICES,
        default="all",
        help="engine: cost per trial and step; quality: steps to a good configuration; "
        "reports: a study of 2,337 runs; attention: a training step of PAT, time and memory; "
        "pairs: training of the pair classifier; shared: data in workers' memory; "
        "faults: kill -9 at random instants; fault-table: every fault, on loopback clusters; "
        "scale: 1 to 1,000 virtual workers, and the driver's work; "
        "bound: what TPE's bounded history costs (an hour); "
        "all (the default): all but the faults and the bound",
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of every peer")
    parser.add_argument("--seeds", type=int, default=20, help="of every family of curves")
    parser.add_argument("--kills", type=int, default=KILLS, help="in all, over both engines")
    parser.add_argument("--only", default="", help="faults of the fault table: part of a title")
    parser.add_argument("--json", type=Path, help="where every sample is written to")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(run())
