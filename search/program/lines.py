"""Metrics in what a program writes: JSON lines or CSV, among other lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from typing import Any, Literal

from search.errors import TrainableError, near_miss

Format = Literal["jsonl", "csv"]


class MetricsReader:
    """Tells lines of metrics from others, and checks that no step is left out.

    Parameters
    ----------
    format
        JSON: every line that is an object with the step in it; CSV: a header that names the step,
        and then every line of as many cells whose step is a number. An empty cell is no metric.
    step
        What the step is called; it counts 1, 2, 3, …. None: every such line is the next step.

    Examples
    --------
    >>> reader = MetricsReader("jsonl", "step")
    >>> reader.read("loading data …") is None
    True
    >>> reader.read('{"step": 1, "val_ap": 0.5}')
    {'val_ap': 0.5}
    """

    def __init__(self, format: Format, step: str | None) -> None:  # noqa: A002 - its public name
        self._format, self._name = format, step
        self._header: list[str] | None = None
        self.step = 0

    def read(self, line: str) -> dict[str, float] | None:
        """Return the metrics of a line; None if it is another kind of line.

        Raises
        ------
        TrainableError
            If it leaves a step out, or a metric is no number.
        """
        found = self._json(line) if self._format == "jsonl" else self._csv(line)
        if found is None:
            return None
        if self._name is not None:
            self._check_step(found.pop(self._name), line)
        self.step += 1
        return {str(name): self._number(name, value, line) for name, value in found.items()}

    def _json(self, line: str) -> dict[str, Any] | None:
        if not line.lstrip().startswith("{"):
            return None
        try:
            found = json.loads(line)
        except ValueError:
            return None
        named = self._name is None or self._name in found
        return dict(found) if named and isinstance(found, Mapping) else None

    def _csv(self, line: str) -> dict[str, Any] | None:
        cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        if self._header is None or cells == self._header:
            if len(cells) > 1 and (self._name is None or self._name in cells):
                self._header = cells
            return None
        if len(cells) != len(self._header):
            return None
        row = dict(zip(self._header, cells, strict=True))
        if self._name is not None and not _is_number(row[self._name]):
            return None
        return {name: cell for name, cell in row.items() if cell or name == self._name}

    def _check_step(self, told: Any, line: str) -> None:
        number = self._number(str(self._name), told, line)
        if number != self.step + 1:
            hint = "; steps count from 1; step=None counts lines instead" if number == 0 else ""
            raise TrainableError(
                f"step {number:g} came where step {self.step + 1} was due{hint}: {line.strip()!r}"
            )

    def _number(self, name: str, value: Any, line: str) -> float:
        if _is_number(value):
            return float(value)
        raise TrainableError(
            f"metric '{name}' of step {self.step} is no number: {line.strip()!r}"
            if name != self._name
            else f"the step is no number: {line.strip()!r}"
        )

    def near(self, lines: list[str]) -> str:
        """Return what may be wrong where no line was one of metrics."""
        wanted = f'{{"{self._name or "val_ap"}": 1, …}}' if self._format == "jsonl" else "a header"
        for line in lines:
            if self._format == "jsonl" and line.lstrip().startswith("{"):
                keys = _keys(line)
                meant = near_miss(self._name, keys) if keys and self._name else ""
                return f"{line.strip()!r} is no line of metrics such as {wanted}{meant}"
        return f"no line of metrics such as {wanted} was found"


def _keys(line: str) -> list[str]:
    try:
        return list(json.loads(line))
    except (ValueError, TypeError):
        return []


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, str) or bool(value.strip())
