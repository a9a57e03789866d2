"""The priority table in Optuna Dashboard: a note and figures on the study of the replicates."""

from __future__ import annotations

from collections.abc import Iterator

import optuna
import optuna_dashboard
from plotly import graph_objects as go

from search.errors import StorageError
from search.reports.priority_curves import curves, tuning
from search.reports.priority_figures import forest, stack
from search.reports.priority_levels import levels
from search.reports.priority_markdown import priority_markdown
from search.reports.priority_result import PriorityReport
from search.storage.database import Database
from search.storage.reader import series_names

REPLICATE = "replicate"


def push_to_dashboard(database: Database, report: PriorityReport) -> str:
    """Save the table as a note, and the figures, on the study of the replicates.

    What an earlier call saved is replaced, the note with a new version of it.

    Parameters
    ----------
    database
        The study's.
    report
        What `priority_report` returned.

    Returns
    -------
    str
        Name of the Optuna study that they were saved on.

    Raises
    ------
    StorageError
        If no run was ever asked for.
    """
    name = f"{report.name}/{REPLICATE}"
    if name not in series_names(database, report.name):
        raise StorageError(f"{database.name} holds no '{name}': nothing was measured yet")
    study = database.write(lambda: optuna.load_study(study_name=name, storage=database.optuna))
    note = priority_markdown(report, folded=False)  # the dashboard prints no HTML
    database.write(lambda: optuna_dashboard.save_note(study, note))
    for key, figure in _figures(report):
        _save(database, study, key, figure)
    return name


def _save(database: Database, study: optuna.Study, key: str, figure: go.Figure) -> None:
    database.write(
        lambda: optuna_dashboard.save_plotly_graph_object(study, figure, graph_object_id=key)
    )


def _figures(report: PriorityReport) -> Iterator[tuple[str, go.Figure]]:
    """Yield the figures with their titles in them: the dashboard has no other place for these."""
    drawings = []
    if any(line.row.effect is not None for line in report.lines):
        drawings.append(forest(report))
    drawings += [found for found in (curves(report), stack(report), tuning(report)) if found]
    for drawing in [*drawings, *levels(report)]:
        drawing.figure.update_layout(title={"text": drawing.title}, margin={"t": 90})
        yield f"winnow-{drawing.key}", drawing.figure
