"""Runs of the past, from a CSV file: shown beside a search, never compared or counted.

Nobody knows their code, data and seeds, so that they are no trials: all rows are kept in the
specification of a series of their own, ``<study>/historic``, in one write.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.errors import OptionError, near_miss
from search.protocol.warm_start import HISTORIC
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.reader import read_series, series_names
from search.study import Objective
from search.study_problems import name_problems
from search.trainable import TEST_PREFIX

NAMED = 20  # bad rows that are named
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Historic:
    """A file's rows, checked.

    Parameters
    ----------
    objective
        What the runs were scored by.
    metrics
        The columns that are metrics, the objective first.
    parameters
        The other columns.
    rows
        With the line of each, its parameters (those that are set) and its metrics.
    file, sha256
        Where they come from.
    """

    objective: Objective
    metrics: tuple[str, ...]
    parameters: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    file: str
    sha256: str


def read_runs(path: Path, objective: Objective, metrics: Sequence[str] = ()) -> Historic:
    """Return the runs of a CSV file.

    Parameters
    ----------
    path
        A header, then one run a line.
    objective
        Its metric is a column.
    metrics
        Further columns that are metrics, as those are that begin with ``test_``. All others are
        parameters; one that is empty in a line was not set in that run.

    Raises
    ------
    OptionError
        With everything that is wrong, by line.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
        found = list(_lines(text))
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise OptionError(f"{path} is not text in UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise OptionError(f"{path} is no CSV file: {error}") from None
    if not found:
        raise OptionError(f"{path} is empty: it needs a header, then one run a line")
    header, *lines = found
    names = [name.strip() for name in header[1]]
    _check_header(path, names, objective, metrics)
    chosen = (objective.metric, *(name for name in names if _is_metric(name, objective, metrics)))
    if problems := list(_problems(lines, names, chosen)):
        more = [f"… and {len(problems) - NAMED} more"] if len(problems) > NAMED else []
        raise OptionError([f"{path}, {problem}" for problem in problems[:NAMED] + more])
    parameters = tuple(name for name in names if name not in chosen)
    typed = _typed(names, [cells for _, cells in lines])
    rows = tuple(
        {
            "line": number,
            "params": {n: row[n] for n in parameters if row[n] is not None},
            "metrics": {n: float(row[n]) for n in chosen if row[n] is not None},
        }
        for (number, _), row in zip(lines, typed, strict=True)
    )
    sha256 = hashlib.sha256(content).hexdigest()
    return Historic(objective, chosen, parameters, rows, path.name, sha256)


def store_runs(database: Database, name: str, found: Historic) -> int:
    """Store a study's runs of the past; return how many there were before.

    Raises
    ------
    OptionError
        If no study may have this name.
    """
    if problems := list(name_problems(name)):
        raise OptionError(problems)
    series = f"{name}/{HISTORIC}"
    before = 0
    if series in series_names(database, name):
        before = len(read_series(database, series).specification["rows"])
    specification = {
        "objectives": [{"metric": found.objective.metric, "direction": found.objective.direction}],
        "metrics": list(found.metrics),
        "rows": [dict(row) for row in found.rows],
        "file": found.file,
        "sha256": found.sha256,
    }
    opened = Series(database, series, HISTORIC, [found.objective.direction], specification)
    opened.specify(specification)
    return before


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that hold anything, each with the number that an editor gives its end."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, [cell.strip() for cell in cells]


def _is_metric(name: str, objective: Objective, metrics: Sequence[str]) -> bool:
    return name != objective.metric and (name in metrics or name.startswith(TEST_PREFIX))


def _check_header(
    path: Path, names: Sequence[str], objective: Objective, metrics: Sequence[str]
) -> None:
    problems = [f"column {i} has no name" for i, name in enumerate(names, 1) if not name]
    problems += [f"there are {n} columns '{name}'" for name, n in Counter(names).items()
                 if n > 1 and name]  # fmt: skip
    problems += [
        f"there is no column '{name}'{near_miss(name, names)}"
        for name in (objective.metric, *metrics)
        if name not in names
    ]
    if objective.metric.startswith(TEST_PREFIX):
        problems.append(f"'{objective.metric}' is held-out, and no objective")
    if problems:
        raise OptionError([f"{path}, line 1: {problem}" for problem in problems])


def _problems(
    lines: Sequence[tuple[int, list[str]]], names: Sequence[str], metrics: Sequence[str]
) -> Iterator[str]:
    if not lines:
        yield "line 1: there is no run after the header"
    for number, cells in lines:
        if len(cells) != len(names):
            yield f"line {number}: has {len(cells)} values for {len(names)} columns"
            continue
        row = dict(zip(names, cells, strict=True))
        for metric in metrics:
            if not row[metric] and metric != metrics[0]:
                continue  # it was not measured in that run; the objective must have been
            value = _number(row[metric])
            if value is None or not math.isfinite(value):
                shown = repr(row[metric]) if row[metric] else "nothing"
                yield f"line {number}: {metric} must be a finite number, got {shown}"


def _typed(names: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Yield rows whose columns are each of one type, that of all its values."""
    columns = [_column([cells[i] for cells in lines]) for i in range(len(names))]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _column(cells: Sequence[str]) -> list[Any]:
    given = [cell for cell in cells if cell]
    for read in (_truth, _whole, _number):
        if all(read(cell) is not None for cell in given):
            return [read(cell) if cell else None for cell in cells]
    return [cell or None for cell in cells]


def _truth(cell: str) -> bool | None:
    return TRUTH.get(cell.lower())


def _whole(cell: str) -> int | None:
    digits = cell.removeprefix("-")
    return int(cell) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if "_" not in cell and math.isfinite(value) else None
