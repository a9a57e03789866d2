"""``winnow run --design``: leave-one-out, screening, a ladder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from search.cli.failures import deliver, failure_lines
from search.cli.live import View
from search.cli.measuring import Wishes, tell_end
from search.cli.options import existing_database
from search.cli.preflight import print_preflight
from search.errors import OptionError, near_miss
from search.loading import LoadedStudy
from search.mirrors.listening import together
from search.mirrors.mirroring import mirroring
from search.mirrors.notifying import notifying
from search.protocol.designs import DESIGNS, compose, run_design
from search.protocol.searching import Options
from search.ranking.designs import judge_design
from search.reports.design_report import render_design


def run_other(
    console: Console,
    loaded: LoadedStudy,
    options: Options,
    kind: str,
    names: Sequence[str],
    n_seeds: int,
    wishes: Wishes,
) -> None:
    """Run a design and print what it has found."""
    known = next((design for design in DESIGNS if design == kind), None)
    if known is None:
        raise OptionError(f"--design has no '{kind}'{near_miss(kind, DESIGNS)}")
    study = loaded.study
    composition = compose(study, known, names)
    console.print(
        f"[bold]{escape(study.name)}[/], {kind}: {len(composition.techniques)} techniques, "
        f"{len(composition.arms)} arms on {n_seeds} seeds, {options.engine} engine",
        highlight=False,
    )
    print_preflight(console, study, options)
    started = time.time()
    with (
        View(console).showing() as view,
        notifying(wishes.webhook, study.name) as notifier,
        mirroring(options.storage, study.name, wishes.mirrors),
    ):
        ended_by = run_design(
            loaded,
            options,
            composition,
            n_seeds=n_seeds,
            hours=wishes.hours,
            listener=together(view, notifier),
        )
        tell_end(notifier, options, ended_by)
    with existing_database(options.storage) as database:
        result = judge_design(database, study.name, kind)
        failed = failure_lines(database, loaded, options, since=started)
    deliver(
        console,
        table=render_design(result, "table"),
        page=render_design(result, "html"),
        path=wishes.output or Path(f"{study.name}-{kind}.html"),
        ended=f"Ended by {ended_by}." if ended_by else "",
        failed=failed,
    )
