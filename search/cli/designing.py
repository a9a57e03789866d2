"""``winnow run --design``: leave-one-out, screening, a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from search.cli.live import View
from search.cli.options import existing_database
from search.errors import OptionError, near_miss
from search.loading import LoadedStudy
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
    output: Path | None,
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
    with View(console).showing() as view:
        run_design(loaded, options, composition, n_seeds=n_seeds, listener=view)
    with existing_database(options.storage) as database:
        result = judge_design(database, study.name, kind)
    path = output or Path(f"{study.name}-{kind}.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_design(result, "html"), encoding="utf-8")
    console.print(render_design(result, "table"), highlight=False, markup=False, soft_wrap=True)
    console.print(f"Report: {path}", highlight=False, markup=False, soft_wrap=True)
