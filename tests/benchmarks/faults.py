"""The fault table: what is done to a search on a loopback cluster, and what became of its trials.

The faults are those of the fault tests, each on a cluster of its own.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from subprocess import CalledProcessError

from rich.console import Console
from rich.table import Table

from tests.clusters import NoCluster
from tests.faults.fault import Fault, Line
from tests.faults.on_clusters import CLUSTER_FAULTS
from tests.faults.on_databases import DATABASE_FAULTS
from tests.postgres import NoPostgres

FAULTS: tuple[type[Fault], ...] = (*CLUSTER_FAULTS, *DATABASE_FAULTS)
NOT_HERE = (NoCluster, NoPostgres)
COLUMNS = ("wanted", "finished", "lost", "duplicated", "zombies", "repeated steps", "seconds")
Say = Callable[[str], None]


def fault_table(only: str, say: Say) -> list[Line]:
    """Return a line per fault whose title matches `only`, in the order of the table.

    A fault that cannot be done here, or whose search fails by itself, has a line that says so.
    """
    found = []
    for kind in FAULTS:
        if not re.search(only, kind.title):
            continue
        folder = Path(tempfile.mkdtemp(prefix="winnow-faults-"))
        try:
            line = kind(folder).run()
        except (AssertionError, OSError, RuntimeError, CalledProcessError, *NOT_HERE) as error:
            say(str(error))
            line = Line(kind.title, kind.trials, 0, 0, 0, 0, 0, 0.0, problem=_last_line(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        say(f"{line.fault}: {'as wanted' if line.clean else line.problem or 'NOT as wanted'}")
        found.append(line)
    return found


def show_faults(lines: Sequence[Line], console: Console, made: str) -> None:
    """Print the table, what readers should know, and under which circumstances it was made."""
    table = Table(title="faults", title_justify="left", title_style="bold")
    table.add_column("fault")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(line.fault, *figures(line), style="" if line.clean else "bold red")
    console.print(table)
    for line in lines:
        for text in filter(None, (line.note, line.problem)):
            console.print(f"{line.fault}: {text}", highlight=False)
    console.print(made, highlight=False)


def figures(line: Line) -> tuple[str, ...]:
    """Return a line's figures as text, in the order of the columns."""
    counts = (line.wanted, line.finished, line.lost, line.duplicated, line.zombies, line.repeated)
    return *map(str, counts), f"{line.seconds:.0f}"


def markdown(lines: Sequence[Line]) -> str:
    """Return the table as the README has it."""
    head = f"| fault | {' | '.join(COLUMNS)} |"
    rule = "|---|" + "---:|" * len(COLUMNS)
    rows = [f"| {line.fault} | {' | '.join(figures(line))} |" for line in lines]
    return "\n".join([head, rule, *rows])


def as_json(lines: Sequence[Line]) -> list[dict[str, object]]:
    """Return every line as JSON can hold it."""
    return [asdict(line) for line in lines]


def _last_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
