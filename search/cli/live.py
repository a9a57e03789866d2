"""What a person sees while trials run: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
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
    """A stage at one moment: its series of trials taken together.

    `left_s` is None before the first trial of this command has ended.
    """

    title: str
    wanted: int
    finished: int
    running: int
    outcomes: dict[str, int]
    best: tuple[int, float, dict[str, Any]] | None
    steps_saved: float
    left_s: float | None

    @classmethod
    def of(cls, stage: Sequence[Trials], elapsed_s: float, before: int) -> Progress:
        """Return the state of a stage; `before` trials had ended when it began."""
        counts = [trials.counts for trials in stage]
        finished = sum(count.finished for count in counts)
        wanted = sum(trials.policy.wanted for trials in stage)
        new, missing = finished - before, max(0, wanted - finished)
        full = sum(count.full_steps for count in counts)
        return cls(
            title=_title(stage),
            wanted=wanted,
            finished=finished,
            running=sum(len(trials.live) for trials in stage),
            outcomes=dict(sum((Counter(count.outcomes) for count in counts), Counter())),
            best=_best(stage),
            steps_saved=1 - sum(count.steps for count in counts) / full if full else 0.0,
            left_s=elapsed_s / new * missing if new else None,
        )

    def line(self) -> str:
        """Return one plain line."""
        parts = [f"{self.title}: {self.finished}/{self.wanted} trials, {self.running} running"]
        parts += [f"{count} {name}" for name, count in sorted(self.outcomes.items())]
        if self.best:
            parts.append(f"best {self.best[1]:.4g} (trial {self.best[0]})")
        if self.steps_saved > 0:
            parts.append(f"{self.steps_saved:.0%} of steps saved")
        if self.left_s is not None and self.finished < self.wanted:
            parts.append(f"about {duration(self.left_s)} left")
        return ", ".join(parts)


def _title(stage: Sequence[Trials]) -> str:
    name, _, kind = stage[0].study.partition("/")
    return f"{name}/{kind.partition('/')[0]}"


def _best(stage: Sequence[Trials]) -> tuple[int, float, dict[str, Any]] | None:
    """Return the best trial of a search; the trials of several series are no rivals."""
    if len(stage) > 1 or not stage[0].study.endswith("/search") or stage[0].best is None:
        return None
    number, asked, result = stage[0].best
    return number, result.values[0], dict(asked.changes)


class View:
    """A listener that shows the stage that runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage: tuple[Trials, ...] = ()
        self._stage_started, self._before = time.monotonic(), 0
        self._started = time.monotonic()
        self._shown = 0.0
        self._last_line = ""
        self._noticed: str | None = None
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
        now = time.monotonic()
        if stream.notice and stream.notice != self._noticed:
            self._noticed = stream.notice
            self._console.print(stream.notice, highlight=False, markup=False, soft_wrap=True)
        if stream.stage != self._stage:
            self._stage, self._stage_started = stream.stage, now
            self._before = sum(trials.counts.finished for trials in stream.stage)
        progress = Progress.of(self._stage, now - self._stage_started, self._before)
        ended = progress.finished == progress.wanted
        if now - self._shown < (FRAME_S if self._live else LINE_S) and not ended:
            return
        self._shown = now
        if self._live is not None:
            self._live.update(panel(progress, now - self._started))
        elif (line := progress.line()) != self._last_line:
            self._last_line = line
            self._console.print(line, highlight=False, soft_wrap=True)


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
    return Panel(grid, title=Text(progress.title), title_align="left")


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
