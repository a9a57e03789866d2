"""What a person sees while trials run: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from search.engine.stream import Stream
from search.engine.trials import Trials

LINE_S = 5.0  # between plain lines
FRAME_S = 0.25  # between frames on a terminal


@dataclass(frozen=True)
class Progress:
    """A series at one moment.

    `wanted` is the number of trials asked for; `left_s` is None before the first has ended.
    """

    study: str
    wanted: int
    finished: int
    running: int
    outcomes: dict[str, int]
    best: tuple[int, float, dict[str, Any]] | None
    steps_saved: float
    left_s: float | None

    @classmethod
    def of(cls, trials: Trials, wanted: int, elapsed_s: float, before: int) -> Progress:
        """Return the state of a series; `before` trials had ended when this command began."""
        counts, best = trials.counts, trials.best
        finished = counts.finished
        new, missing = finished - before, max(0, wanted - finished)
        shown = (best[0], best[2].values[0], dict(best[1].changes)) if best else None
        return cls(
            study=trials.study,
            wanted=wanted,
            finished=finished,
            running=len(trials.live),
            outcomes=dict(counts.outcomes),
            best=shown,
            steps_saved=counts.saved,
            left_s=elapsed_s / new * missing if new else None,
        )

    def line(self) -> str:
        """Return one plain line."""
        parts = [f"{self.study}: {self.finished}/{self.wanted} trials, {self.running} running"]
        parts += [f"{count} {name}" for name, count in sorted(self.outcomes.items())]
        if self.best:
            parts.append(f"best {self.best[1]:.4g} (trial {self.best[0]})")
        parts.append(f"{self.steps_saved:.0%} of steps saved")
        if self.left_s is not None and self.finished < self.wanted:
            parts.append(f"about {duration(self.left_s)} left")
        return ", ".join(parts)


class View:
    """A listener that shows the series that runs."""

    def __init__(self, console: Console, wanted: int) -> None:
        self._console, self._wanted = console, wanted
        self._started = time.monotonic()
        self._before: dict[str, int] = {}
        self._shown = 0.0
        self._last_line = ""
        self._live: Live | None = None

    @contextmanager
    def showing(self) -> Iterator[View]:
        """Show progress inside the block."""
        if not self._console.is_terminal:
            yield self
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as self._live:
            yield self

    def __call__(self, stream: Stream) -> None:
        """Take note of an event."""
        trials = stream.series[-1]
        self._before.setdefault(trials.study, trials.counts.finished)
        now = time.monotonic()
        progress = self._progress(trials, now)
        ended = progress.finished == progress.wanted
        if now - self._shown < (FRAME_S if self._live else LINE_S) and not ended:
            return
        self._shown = now
        if self._live is not None:
            self._live.update(panel(progress, now - self._started))
        elif (line := progress.line()) != self._last_line:
            self._last_line = line
            self._console.print(line, highlight=False, soft_wrap=True)

    def _progress(self, trials: Trials, now: float) -> Progress:
        first = len(self._before) == 1
        wanted = self._wanted if first else trials.counts.finished + len(trials.live)
        return Progress.of(trials, wanted, now - self._started, self._before[trials.study])


def panel(progress: Progress, elapsed_s: float) -> RenderableType:
    """Return the live panel."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    bar = _bar(progress.finished / max(1, progress.wanted))
    grid.add_row("trials", f"{bar} {progress.finished}/{progress.wanted}")
    states = [f"{progress.running} running"]
    states += [f"{count} {name}" for name, count in sorted(progress.outcomes.items())]
    grid.add_row("states", ", ".join(states))
    if progress.best:
        number, value, changes = progress.best
        grid.add_row("best", Text(f"{value:.5g} in trial {number}", style="bold"))
        grid.add_row(
            "", Text(", ".join(f"{k}={short(v)}" for k, v in changes.items()) or "baseline")
        )
    grid.add_row("saved", f"{progress.steps_saved:.0%} of the steps of full runs")
    left = "" if progress.left_s is None else f", about {duration(progress.left_s)} left"
    grid.add_row("time", f"{duration(elapsed_s)}{left}")
    return Panel(grid, title=Text(progress.study), title_align="left")


def _bar(share: float, width: int = 30) -> str:
    full = round(min(1.0, share) * width)
    return "━" * full + "╌" * (width - full)


def short(value: object) -> str:
    """Return a value as a person reads it: four significant digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Return a duration as a person reads it.

    Examples
    --------
    >>> duration(42), duration(90), duration(7260)
    ('42 s', '1 min 30 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
