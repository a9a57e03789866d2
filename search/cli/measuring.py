"""What ``winnow run`` and ``winnow rerun`` share: the measurement, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from search.cli.failures import deliver, failure_lines
from search.cli.live import View
from search.cli.options import existing_database
from search.cli.preflight import print_preflight
from search.errors import OptionError
from search.loading import LoadedStudy
from search.mirrors.listening import together
from search.mirrors.mirroring import Mirror, mirroring, parse_mirror
from search.mirrors.notifying import Notifier, notifying
from search.mirrors.webhook import parse_webhook
from search.protocol.registering import Design
from search.protocol.rerunning import Rerun
from search.protocol.running import RunOutcome, run_study
from search.protocol.searching import Options
from search.reports import priority_report, push_to_dashboard, render


@dataclass(frozen=True)
class Wishes:
    """What is asked of a measurement beside its design: deadline, who is told, and the report."""

    hours: float | None
    webhook: str | None
    mirrors: Sequence[Mirror]
    output: Path | None

    @classmethod
    def of(
        cls,
        *,
        hours: float | None,
        notify: str | None,
        mirror: Sequence[str] | None,
        output: Path | None,
    ) -> Wishes:
        """Return what options ask for.

        Raises
        ------
        OptionError
            If one of them is wrong.
        """
        webhook = None if notify is None else parse_webhook(notify)
        mirrors = [parse_mirror(text) for text in mirror or ()]
        if hours is not None and not hours > 0:
            raise OptionError(f"--hours must be positive, got {hours}")
        return cls(hours, webhook, mirrors, output)


def measure(
    console: Console,
    loaded: LoadedStudy,
    options: Options,
    design: Design,
    wishes: Wishes,
    rerun: Rerun | None = None,
) -> None:
    """Measure and rank a study's techniques, and print the table."""
    console.print(_opening(loaded, design, options), highlight=False)
    print_preflight(console, loaded.study, options)
    started = time.time()
    name = loaded.study.name
    with (
        View(console).showing() as view,
        notifying(wishes.webhook, name) as notifier,
        mirroring(options.storage, name, wishes.mirrors),
    ):
        outcome = run_study(
            loaded,
            options,
            design,
            hours=wishes.hours,
            rerun=rerun,
            listener=together(view, notifier),
        )
        tell_end(notifier, options, outcome.ended_by)
    _closing(console, loaded, options, outcome, wishes.output, started)


def _opening(loaded: LoadedStudy, design: Design, options: Options) -> str:
    study = loaded.study
    looks = ", ".join(str(n) for n in design.looks)
    return (
        f"Measuring [bold]{escape(study.name)}[/]: {len(study.techniques)} techniques, looks at "
        f"{looks} seeds, tuning {design.tuning}, {options.engine} engine"
    )


def tell_end(notifier: Notifier | None, options: Options, ended_by: str | None) -> None:
    """Tell who waits for it that the command has come to its end."""
    if notifier is not None:
        with existing_database(options.storage) as database:
            notifier.ended(database, ended_by)


def _closing(
    console: Console,
    loaded: LoadedStudy,
    options: Options,
    outcome: RunOutcome,
    output: Path | None,
    started: float,
) -> None:
    name = loaded.study.name
    with existing_database(options.storage) as database:
        report = priority_report(database, name, no_more_runs=outcome.ended_by is not None)
        push_to_dashboard(database, report)
        failed = failure_lines(database, loaded, options, since=started)
    deliver(
        console,
        table=render(report, "table"),
        page=render(report, "html"),
        path=output or Path(f"{name}-report.html"),
        ended=f"Ended by {outcome.ended_by}." if outcome.ended_by else "",
        failed=failed,
    )
