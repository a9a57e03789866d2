"""Figures of a search's parameters: parallel coordinates, slices, importances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plotly import graph_objects as go

from search.reports import palette
from search.reports.figures import (
    MANY,
    Drawing,
    diamond,
    frame,
    label,
    mark_size,
    marks,
    polyline,
    star,
    value_axis,
)
from search.reports.importances import LABEL, Importances
from search.reports.projections import Band, Line, Points, Slice
from search.reports.search_result import SearchReport
from search.reports.text import number, percent, plural, shown

NOT_SET = -0.13  # where a line runs past a parameter that did not exist for its trial
ROW = 62  # pixels per axis
TICKS = 6  # choices that are labelled at most
ALL_TICKS = 12


def coordinates(report: SearchReport) -> Drawing:
    """Return the completed trials as lines across all parameters, one row per parameter."""
    drawn = report.parallel
    names = [*(axis.name for axis in drawn.axes), report.objective.metric]
    figure = frame(70 + ROW * len(names), hovermode="closest")
    for i, band in enumerate(reversed(drawn.bands)):
        figure.add_trace(_band(band, len(drawn.bands) - 1 - i, report))
    best = report.best.number if report.best else None
    for line in (line for band in drawn.bands for line in band.lines if line.number == best):
        x, y = _path(line)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines+markers",
                name="best",
                line={"width": 3.5, "color": palette.BEST.light},
                marker={"size": 9, "line": {"width": 1, "color": palette.INK.light}},
                text=_path_hover(line, report),
                hovertemplate="%{text}<extra></extra>",
            )
        )
    _rulers(figure, report, names)
    figure.update_layout(
        xaxis={"range": [NOT_SET - 0.07, 1.06], "visible": False, "fixedrange": True},
        yaxis={"range": [len(names) - 0.35, -0.75], "visible": False, "fixedrange": True},
        margin={"l": 4, "r": 4},
    )
    return Drawing(
        key="parallel",
        title="Parallel coordinates",
        caption="One line per completed trial, from its first parameter at the top to its score "
        "at the bottom, where right is better. Press a name above to hide or show its group; "
        "a line in the left margin passes a parameter that did not exist for that trial."
        + (" With so many trials the middle groups begin hidden." if crowded(report) else ""),
        description=f"{plural(sum(len(b.lines) for b in drawn.bands), 'completed trial')} as lines "
        f"across {plural(len(drawn.axes), 'parameter')} and {report.objective.metric}.",
        figure=figure,
    )


def crowded(report: SearchReport) -> bool:
    """Return whether there are so many lines that only the best and the last group begin shown."""
    return sum(len(band.lines) for band in report.parallel.bands) > MANY


def _path(line: Line) -> tuple[list[float], list[float]]:
    x = [NOT_SET if where is None else where for where in line.positions] + [line.score]
    return x, list(range(len(x)))


def _path_hover(line: Line, report: SearchReport) -> list[str]:
    row = report.trial(line.number)
    head = f"<b>trial {line.number}</b> · {label(report.objective.metric)} {number(line.value)}"
    texts = [
        f"{head}<br>{label(axis.name)} = {label(shown(row.params[axis.name]))}"
        if axis.name in row.params
        else f"{head}<br>{label(axis.name)} not set"
        for axis in report.parallel.axes
    ]
    return [*texts, head]


def _band(band: Band, place: int, report: SearchReport) -> go.Scatter:
    x, y = polyline(_path(line) for line in band.lines)
    texts, _ = polyline((_path_hover(line, report), ()) for line in band.lines)
    tones = (
        (palette.BANDS[0], palette.BANDS[3]) if len(report.parallel.bands) < 3 else palette.BANDS
    )
    tone = tones[place]
    ends = dict.fromkeys((number(band.low, 3), number(band.high, 3)))
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=f"{band.label} ({' to '.join(ends)})",
        line={"width": 0.8 if crowded(report) else 1.3, "color": tone.light},
        marker={"size": 3 if crowded(report) else 4, "color": tone.light},
        visible="legendonly" if crowded(report) and tone in tones[1:-1] else True,
        text=texts,
        hovertemplate="%{text}<extra></extra>",
        legendrank=place,
    )


def _rulers(figure: go.Figure, report: SearchReport, names: list[str]) -> None:
    """Draw one ruler per row, with its name above and its ticks below."""
    conditional = False
    for row, name in enumerate(names):
        last = row == len(names) - 1
        ticks = report.parallel.score_ticks if last else report.parallel.axes[row].ticks
        passing = any(
            not last and line.positions[row] is None
            for band in report.parallel.bands
            for line in band.lines
        )
        conditional = conditional or passing
        figure.add_shape(
            type="line", x0=0, x1=1, y0=row, y1=row, layer="below",
            line={"width": 1.2, "color": palette.MUTED.light},
        )  # fmt: skip
        _note(figure, 0, row, f"<b>{label(name, 44)}</b>", yshift=14, xanchor="left")
        if passing:
            _note(figure, NOT_SET, row, "not set", yshift=-13)
        for where, text in _labelled(ticks):
            anchor = "left" if where == 0 else "right" if where == 1 else "center"
            _note(figure, where, row, label(text, 16), yshift=-13, xanchor=anchor)


def _labelled(ticks: tuple[tuple[float, str], ...]) -> Iterator[tuple[float, str]]:
    """Yield the ticks that find room: all of a few, else the first and the last."""
    yield from ticks if len(ticks) <= TICKS else (ticks[0], ticks[-1])


def _note(
    figure: go.Figure, x: float, y: float, text: str, *, yshift: int, xanchor: str = "center"
) -> None:
    bold = text.startswith("<b>")
    figure.add_annotation(
        x=x,
        y=y,
        text=text,
        showarrow=False,
        yshift=yshift,
        xanchor=xanchor,
        bgcolor=palette.GROUND.light,
        opacity=0.9,
        borderpad=0,
        font={
            "size": 12 if bold else 11,
            "color": palette.INK.light if bold else palette.MUTED.light,
        },
    )


def slices(report: SearchReport) -> list[Drawing]:
    """Return one small figure per parameter."""
    return [_slice(drawn, i, report) for i, drawn in enumerate(report.slices)]


def _slice(drawn: Slice, place: int, report: SearchReport) -> Drawing:
    axis, goal = drawn.axis, report.objective
    figure = frame(270, showlegend=False)
    for points in drawn.points:
        figure.add_trace(_slice_points(points, drawn, goal.metric))
    if drawn.baseline:
        figure.add_trace(diamond(*drawn.baseline, "baseline"))
    if drawn.best:
        figure.add_trace(star(*drawn.best, "best"))
    figure.update_layout(xaxis=_slice_axis(drawn), yaxis=value_axis(*_goal(report), report.view))
    figure.update_layout(yaxis={"title": {"text": label(goal.metric, 20)}})
    return Drawing(
        key=f"slice-{place}",
        title=axis.name,
        caption=_slice_caption(drawn),
        description=f"{goal.metric} of {plural(sum(len(p.x) for p in drawn.points), 'trial')} "
        f"against {axis.name}, {axis.domain}.",
        figure=figure,
    )


def _goal(report: SearchReport) -> tuple[str, str]:
    return report.objective.metric, report.objective.direction


def _slice_points(points: Points, drawn: Slice, metric: str) -> go.Scatter:
    return marks(
        points.x,
        points.y,
        points.outcome,
        palette.OUTCOME[points.outcome],
        name=points.outcome,
        hover=[
            f"trial {n} · {points.outcome}<br>{label(metric)} {number(y)}"
            + ("" if drawn.axis.categorical else f"<br>{label(drawn.axis.name)} {number(x)}")
            for n, x, y in zip(points.numbers, points.x, points.y, strict=True)
        ],
        size=mark_size(len(points.x)) - 2,
        opacity=0.8 if points.outcome == "complete" else 0.45,
    )


def _slice_axis(drawn: Slice) -> dict[str, object]:
    if drawn.axis.categorical:
        texts = [label(shown(choice), 14) for choice in drawn.axis.choices]
        few = range(len(texts)) if len(texts) <= ALL_TICKS else (0, len(texts) - 1)
        return {
            "tickvals": list(few),
            "ticktext": [texts[i] for i in few],
            "range": [-0.5, len(texts) - 0.5],
            "showgrid": False,
        }
    return {"type": "log", "dtick": 1} if drawn.axis.log else {}


def _slice_caption(drawn: Slice) -> str:
    parts = ["logarithmic axis" if drawn.axis.log else ""]
    if drawn.axis.when:
        parts.append(f"exists when {drawn.axis.when}")
    if drawn.n_without:
        parts.append(f"not set in {plural(drawn.n_without, 'trial')}")
    return "; ".join(part for part in parts if part)


def importance_bars(found: Importances) -> Drawing:
    """Return the importances as bars, largest at the top."""
    names = list(found.shares)
    figure = frame(90 + 32 * len(names), bargap=0.35)
    figure.add_trace(
        go.Bar(
            orientation="h",
            x=list(found.shares.values()),
            y=list(range(len(names))),
            marker={"color": palette.BANDS[1].light},
            text=[percent(share) for share in found.shares.values()],
            textposition="outside",
            cliponaxis=False,
            customdata=[label(name, 60) for name in names],
            hovertemplate="%{customdata}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"tickformat": ".0%", "range": [0, 1.12 * max(found.shares.values())]},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [label(name, 24) for name in names],
            "range": [len(names) - 0.5, -0.5],
            "showgrid": False,
        },
    )
    return Drawing(
        key="importances",
        title=f"Importances: {LABEL}",
        caption="PED-ANOVA over the completed trials: how the best tenth differs from the rest. "
        "The sampler chose where to look and the pruner what to finish, so a bar is a "
        "hint where to look, and not evidence that a parameter matters.",
        description=_shares(found.shares),
        figure=figure,
    )


def _shares(shares: Mapping[str, float]) -> str:
    listed = [f"{name} {percent(share)}" for name, share in list(shares.items())[:8]]
    return f"Bar chart of parameter importances, {LABEL}: {', '.join(listed)}."
