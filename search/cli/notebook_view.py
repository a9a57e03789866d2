"""What a person sees in a notebook while trials run: one table that stays up to date.

IPython is imported only where it runs already; winnow does not depend on it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from rich.console import Console

from search.cli.live import Progress, View, duration
from search.engine.stream import Stream
from search.engine.trials import Trials

FRAME_S = 0.5  # every frame is a message to the browser
HEADS = ("stage", "trials", "running", "ended", "best", "time")


class NotebookView:
    """A listener that shows every stage so far as a row, and updates the table in its place."""

    def __init__(self) -> None:
        self._rows: list[tuple[Progress, float]] = []
        self._stage: tuple[Trials, ...] = ()
        self._stage_started, self._before, self._shown = time.monotonic(), 0, 0.0
        self._notice: str | None = None
        self._handle: Any = None

    @contextmanager
    def showing(self) -> Iterator[NotebookView]:
        """Show progress inside the block; the last state stays."""
        try:
            yield self
        finally:
            if self._rows:
                self._show(ended=True)

    def __call__(self, stream: Stream) -> None:
        """Take note of an event."""
        now = time.monotonic()
        self._notice = stream.notice or self._notice
        if stream.stage != self._stage:
            self._stage, self._stage_started = stream.stage, now
            self._before = sum(trials.counts.finished for trials in stream.stage)
            self._rows.append((Progress.of(self._stage, 0.0, self._before), 0.0))
        elapsed_s = now - self._stage_started
        progress = Progress.of(self._stage, elapsed_s, self._before)
        self._rows[-1] = (progress, elapsed_s)
        if now - self._shown >= FRAME_S or progress.finished == progress.wanted:
            self._shown = now
            self._show()

    def _show(self, *, ended: bool = False) -> None:
        from IPython.display import HTML, display  # only a notebook comes here

        found = HTML(table_of(self._rows, notice=self._notice, ended=ended))
        if self._handle is None:
            self._handle = display(found, display_id=True)
        else:
            self._handle.update(found)


def view_for(console: Console) -> View | NotebookView:
    """Return what suits a console: a table in a notebook, a panel on a terminal, else lines."""
    return NotebookView() if console.is_jupyter else View(console)


def table_of(
    rows: list[tuple[Progress, float]], *, notice: str | None = None, ended: bool = False
) -> str:
    """Return stages and the seconds that each has taken as a table in HTML.

    Parameters
    ----------
    rows
        Oldest first.
    notice
        What else is to be said.
    ended
        Whether nothing runs any more.
    """
    runs = [place == len(rows) - 1 and not ended for place in range(len(rows))]
    lines = [_cells(*row, runs=now) for row, now in zip(rows, runs, strict=True)]
    body = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in line)}</tr>" for line in lines)
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    said = f"<p>{escape(notice)}</p>" if notice else ""
    return f"{said}<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _cells(progress: Progress, took_s: float, *, runs: bool) -> tuple[str, ...]:
    left = ""
    if runs and progress.finished < progress.wanted and progress.left_s is not None:
        left = f", about {duration(progress.left_s)} left"
    return (
        progress.title,
        f"{progress.finished}/{progress.wanted}",
        str(progress.running) if runs else "",
        ", ".join(f"{count} {name}" for name, count in sorted(progress.outcomes.items())),
        f"{progress.best[1]:.4g} (trial {progress.best[0]})" if progress.best else "",
        f"{duration(took_s)}{left}",
    )
