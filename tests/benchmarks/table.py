"""What a benchmark found, as rows; printed as one table, or kept as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from search.environment import machine, versions


@dataclass(frozen=True)
class Row:
    """One figure.

    Parameters
    ----------
    what
        What was measured.
    samples
        One value per repetition.
    unit
        Of the values.
    figure
        Their median; their sum, where a table counts.
    ratio, of
        The figure beside another's, and which is divided by which.
    target
        What is asked for, in words; empty where nothing is.
    met
        Whether it was reached; None without a target.
    """

    what: str
    samples: tuple[float, ...]
    unit: str
    figure: float
    ratio: float | None = None
    of: str = ""
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Result:
    """One table: its title, its rows, and what a reader must know about how it was made.

    `figure` says what the rows' figures are: medians or sums.
    """

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    figure: str = "median"

    @property
    def missed(self) -> tuple[str, ...]:
        """The targets that were not met."""
        return tuple(f"{row.what}: {row.target}" for row in self.rows if row.met is False)


def show(result: Result, console: Console, made: str) -> None:
    """Print a table, say plainly what was missed, and under which circumstances it was made."""
    table = Table(title=result.title, title_justify="left", title_style="bold")
    for name in ("what", result.figure, "lowest … highest", "ratio", "of", "target", "met"):
        numeric = name in (result.figure, "lowest … highest", "ratio")
        table.add_column(name, justify="right" if numeric else "left")
    for row in result.rows:
        table.add_row(*_cells(row))
    console.print(table)
    for note in result.notes:
        console.print(note, highlight=False)
    for missed in result.missed:
        console.print(f"[bold red]target missed[/] — {missed}", highlight=False)
    if not result.missed:
        console.print("[green]every target met[/]")
    console.print(made, highlight=False)
    console.print()


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    met = {None: "", True: "[green]yes[/]", False: "[bold red]no[/]"}[row.met]
    spread = ""
    if len(row.samples) > 1:
        spread = f"{number(min(row.samples))} … {number(max(row.samples))}"
    return row.what, f"{number(row.figure)} {row.unit}", spread, ratio, row.of, row.target, met


def number(value: float) -> str:
    """Return a value with three digits that matter.

    Examples
    --------
    >>> number(1449.6), number(0.31234), number(20.0), number(100.0)
    ('1450', '0.312', '20', '100')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def circumstances() -> str:
    """Return one line: machine, its load just now, versions, date."""
    found = machine()
    host = f"{_processor()}, {found['cpus']} CPUs, {found.get('memory_gib', '?')} GiB"
    if hasattr(os, "getloadavg"):
        host += f", load {os.getloadavg()[1]:.1f}"
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"{host}; {platform.system()}; {packages}; {datetime.now().astimezone():%Y-%m-%d %H:%M}"


def _processor() -> str:
    """Return the processor's name: Linux keeps it where `platform` does not look."""
    known = Path("/proc/cpuinfo")
    if known.is_file():
        for line in known.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write_json(results: Sequence[Result], path: Path, made: str) -> None:
    """Write every table with its samples."""
    tables = [asdict(result) for result in results]
    text = json.dumps({"circumstances": made, "tables": tables}, indent=1)
    path.write_text(text + "\n")
