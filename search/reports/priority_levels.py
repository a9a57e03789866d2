"""Response curves: one technique measured at several values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plotly import graph_objects as go

from search.reports import palette, verdict_looks
from search.reports.figures import Drawing, frame, label
from search.reports.priority_figures import error_bars
from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import change, interval_words
from search.statistics import Interval


def level_label(level: str, technique: str) -> str:
    """Return a level without its technique's name.

    Examples
    --------
    >>> level_label("Width [model.width=64]", "Width")
    'model.width=64'
    """
    return level.removeprefix(f"{technique} [").removesuffix("]")


def level_words(line: Line) -> str:
    """Return which level is best, or that none may be called so."""
    curve = line.row.response
    if curve is None:
        return ""
    if curve.flat or curve.best is None:
        return "No two levels are separated: none of them may be called the best."
    tied = [level_label(t, line.technique) for t in curve.tied if t != curve.best]
    best = level_label(curve.best, line.technique)
    if tied:
        return f"{best} has the greatest effect; not separated from {', '.join(tied)}."
    return f"{best} has the greatest effect, separated from every other level."


def levels(report: PriorityReport) -> Iterator[Drawing]:
    """Yield the response curve of every technique measured at several values."""
    for place, line in enumerate(report.lines):
        curve = line.row.response
        if curve is None:
            continue
        names = [level_label(level, line.technique) for level in curve.levels]
        rows = [(name, name, found) for name, found in zip(names, curve.effects, strict=True)]
        figure = frame(330)
        figure.add_trace(_curve(rows, verdict_looks.TONES[line.verdict], report.decimals))
        figure.add_hline(y=0, line={"width": 1.4, "color": palette.MUTED.light})
        figure.update_layout(
            showlegend=False,
            xaxis={"tickvals": list(range(len(names))), "ticktext": [label(n) for n in names],
                   "range": [-0.5, len(names) - 0.5]},
            yaxis={"title": {"text": f"effect on {label(report.evaluation.metric)}"}},
        )  # fmt: skip
        yield Drawing(
            key=f"levels-{place}",
            title=line.technique,
            caption=level_words(line),
            description="; ".join(
                f"{name}: {change(found.estimate, report.decimals)}" for name, _, found in rows
            ),
            figure=figure,
        )


def _curve(
    rows: Sequence[tuple[str, str, Interval]], tone: palette.Tone, digits: int
) -> go.Scatter:
    return go.Scatter(
        x=list(range(len(rows))),
        y=[found.estimate for _, _, found in rows],
        mode="lines+markers",
        name="effect",
        line={"width": 1.2, "dash": "dot", "color": tone.light},
        marker={"symbol": "circle", "size": 10, "color": tone.light},
        error_y=error_bars(rows, tone),
        text=[
            f"{label(name)}: {change(found.estimate, digits)} "
            f"({interval_words(found.low, found.high, digits)})"
            for name, _, found in rows
        ],
        hovertemplate="%{text}<extra></extra>",
    )
