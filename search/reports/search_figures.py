"""Figures of a search's course: history or Pareto front, learning curves."""

from __future__ import annotations

from collections.abc import Sequence

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
from search.reports.learning_curves import Curve, Curves
from search.reports.search_result import OUTCOMES, SearchReport
from search.reports.text import duration, number, plural
from search.reports.trial_rows import TrialRow

FEW = 12  # trials whose numbers all find room
ENDED = ("pruned", "diverged", "stopped")


def history(report: SearchReport) -> Drawing:
    """Return every trial's score by its number, and the best so far."""
    figure = frame(430)
    scored = [row for row in report.trials if row.values]
    for outcome in [o for o in OUTCOMES if any(r.outcome == o for r in scored)]:
        rows = [row for row in scored if row.outcome == outcome]
        figure.add_trace(_rows(rows, outcome, report))
    _strip(figure, [row for row in report.trials if not row.values], report)
    _running_best(figure, report)
    _targets(figure, report)
    if report.baseline and report.baseline.complete:
        row = report.baseline
        figure.add_trace(diamond(row.number, row.values[0], hover(row, report)))
    if report.best:
        figure.add_trace(
            star(report.best.number, report.best.values[0], hover(report.best, report))
        )
    goal = report.objective
    figure.update_layout(
        xaxis={
            "title": {"text": "trial"},
            "range": _extent(len(report.trials)),
            **({"dtick": 1} if len(report.trials) <= FEW else {}),
        },
        yaxis=value_axis(goal.metric, goal.direction, report.view),
    )
    return Drawing(
        key="history",
        title="Optimisation history",
        caption=_history_caption(report),
        description=_history_description(report),
        figure=figure,
    )


def _extent(count: int) -> list[float]:
    """Return the drawn range of trial numbers, with room for the first and the last mark."""
    room = max(0.7, count / 80)
    return [-room, max(1, count) - 1 + room]


def _rows(rows: Sequence[TrialRow], outcome: str, report: SearchReport) -> go.Scatter:
    trace = marks(
        [row.number for row in rows],
        [row.values[0] for row in rows],
        outcome,
        palette.OUTCOME[outcome],
        name=outcome,
        hover=[hover(row, report) for row in rows],
        size=mark_size(len(report.trials)),
    )
    trace.opacity = 0.85
    return trace


def _strip(figure: go.Figure, rows: Sequence[TrialRow], report: SearchReport) -> None:
    """Draw trials without a score on a strip of their own under the plot."""
    if not rows:
        return
    for outcome in dict.fromkeys(row.outcome for row in rows):
        mine = [row for row in rows if row.outcome == outcome]
        figure.add_trace(
            marks(
                [row.number for row in mine],
                ["no score"] * len(mine),
                outcome,
                palette.OUTCOME[outcome],
                name=outcome,
                hover=[hover(row, report) for row in mine],
                yaxis="y2",
            )
        )
    figure.update_layout(
        yaxis={"domain": [0.13, 1]},
        yaxis2={"domain": [0, 0.08], "type": "category", "fixedrange": True, "anchor": "x"},
        xaxis={"anchor": "y2"},
    )


def _running_best(figure: go.Figure, report: SearchReport) -> None:
    if not report.improvements:
        return
    x = [n for n, _ in report.improvements] + [report.trials[-1].number]
    y = [value for _, value in report.improvements] + [report.improvements[-1][1]]
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            name="best so far",
            line={"shape": "hv", "width": 2, "color": palette.BEST.light},
            hoverinfo="skip",
        )
    )


def _targets(figure: go.Figure, report: SearchReport) -> None:
    for name, value in report.targets.items():
        figure.add_hline(
            y=value,
            line={"dash": "dash", "width": 1.4, "color": palette.TARGET.light},
            annotation={
                "text": f"target: {label(name)} {number(value)}",
                "font": {"color": palette.TARGET.light, "size": 12},
            },
            annotation_position="top left",
        )


def hover(row: TrialRow, report: SearchReport) -> str:
    """Return what a trial's mark says when it is pointed at."""
    lines = [f"<b>trial {row.number}</b> · {row.outcome}"]
    for goal, value in zip(report.objectives, row.values, strict=False):
        lines.append(f"{label(goal.metric)} {number(value)}")
    lines.append(f"step {row.last_step} of {report.max_steps} · {duration(row.elapsed_s)}")
    lines.append(label(row.arm, 60))
    return "<br>".join(lines)


def _history_caption(report: SearchReport) -> str:
    notes = [
        "One mark per trial, in the order in which they were asked. Only completed trials "
        "count towards the best so far: one that was stopped early shows its last value, "
        "which is not at full length."
    ]
    if report.view.outside:
        notes.append(f"{plural(report.view.outside, 'value')} beyond the drawn range.")
    beyond = [f"{name} ({number(v)})" for name, v in report.targets_beyond.items()]
    if beyond:
        notes.append(f"Targets beyond the drawn range: {', '.join(beyond)}.")
    if report.targets:
        notes.append("Targets are stated for the evaluation metric.")
    return " ".join(notes)


def _history_description(report: SearchReport) -> str:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    text = f"Scatter plot of {plural(len(report.trials), 'trial')} ({counts})."
    if report.best:
        text += (
            f" The best so far improves {len(report.improvements)} times, up to "
            f"{number(report.best.values[0])} at trial {report.best.number}."
        )
    return text


def pareto(report: SearchReport) -> Drawing:
    """Return the first two of several objectives against each other."""
    figure = frame(460)
    rows = [row for row in report.trials if row.complete and len(row.values) > 1]
    front = [row for row in rows if row.number in report.front]
    for name, mine, tone, size in (
        ("dominated", [r for r in rows if r.number not in report.front], palette.PRUNED, 8),
        ("Pareto front", front, palette.BEST, 13),
    ):
        figure.add_trace(
            marks(
                [row.values[0] for row in mine],
                [row.values[1] for row in mine],
                "best" if mine is front else "complete",
                tone,
                name=name,
                hover=[hover(row, report) for row in mine],
                size=size,
            )
        )
    if report.baseline and report.baseline in rows:
        row = report.baseline
        figure.add_trace(diamond(row.values[0], row.values[1], hover(row, report)))
    first, second = report.objectives[:2]
    figure.update_layout(
        xaxis={"title": {"text": f"{label(first.metric)} ({first.direction})"}},
        yaxis={"title": {"text": f"{label(second.metric)} ({second.direction})"}},
    )
    return Drawing(
        key="pareto",
        title="Pareto front",
        caption="Stars: no other completed trial is at least as good in every objective.",
        description=f"Scatter plot of {plural(len(rows), 'completed trial')}, "
        f"{len(report.front)} of them on the Pareto front.",
        figure=figure,
    )


def curves(drawn: Curves, report: SearchReport) -> Drawing:
    """Return the learning curves of one objective, with the rungs."""
    figure = frame(460)
    best = report.best.number if report.best else None
    base = report.baseline.number if report.baseline else None
    plain = [c for c in drawn.curves if c.number not in (best, base)]
    for outcome in [o for o in OUTCOMES if any(c.outcome == o for c in plain)]:
        figure.add_trace(_bundle([c for c in plain if c.outcome == outcome], outcome))
    for outcome in [o for o in ENDED if any(c.outcome == o for c in drawn.curves)]:
        figure.add_trace(_ends([c for c in drawn.curves if c.outcome == outcome], outcome))
    for number_, name, tone in ((base, "baseline", palette.BASELINE), (best, "best", palette.BEST)):
        _highlight(figure, [c for c in drawn.curves if c.number == number_], name, tone)
    for step in drawn.rungs:
        figure.add_vline(x=step, line={"dash": "dot", "width": 1.2, "color": palette.RUNG.light})
        figure.add_annotation(
            x=step,
            y=0,
            yref="paper",
            yanchor="bottom",
            xanchor="left",
            text=f"rung {step}",
            showarrow=False,
            textangle=-90,
            font={"size": 11},
        )
    goal = drawn.objective
    figure.update_layout(
        xaxis={"title": {"text": "step"}},
        yaxis=value_axis(goal.metric, goal.direction, drawn.view),
    )
    return Drawing(
        key=f"curves-{report.objectives.index(goal)}",
        title=f"Learning curves of {goal.metric}",
        caption=_curves_caption(drawn),
        description=_curves_description(drawn),
        figure=figure,
    )


def _bundle(mine: Sequence[Curve], outcome: str) -> go.Scatter:
    """Return many curves as one trace: a thousand traces would stall a browser."""
    x, y = polyline((curve.steps, curve.values) for curve in mine)
    _, numbers = polyline((curve.steps, [curve.number] * len(curve.steps)) for curve in mine)
    return go.Scatter(
        x=x,
        y=y,
        customdata=numbers,
        mode="lines",
        name=outcome,
        legendgroup=outcome,
        showlegend=outcome not in ENDED,
        line={
            "width": 1.1 if len(mine) <= MANY else 0.7,
            "color": palette.OUTCOME[outcome].light,
        },
        opacity=0.55 if len(mine) <= MANY else 0.3,
        hovertemplate="trial %{customdata}<br>step %{x}: %{y:.4g}<extra></extra>",
    )


def _ends(mine: Sequence[Curve], outcome: str) -> go.Scatter:
    """Return a mark where each curve was stopped."""
    return marks(
        [curve.steps[-1] for curve in mine],
        [curve.values[-1] for curve in mine],
        outcome,
        palette.OUTCOME[outcome],
        name=f"{outcome} there",
        hover=[
            f"trial {c.number} {outcome} at step {c.steps[-1]}: {number(c.values[-1])}"
            for c in mine
        ],
        size=7,
        legendgroup=outcome,
    )


def _highlight(figure: go.Figure, mine: Sequence[Curve], name: str, tone: palette.Tone) -> None:
    for curve in mine:
        figure.add_trace(
            go.Scatter(
                x=curve.steps,
                y=curve.values,
                mode="lines+markers" if len(curve.steps) == 1 else "lines",
                name=name,
                line={
                    "width": 3,
                    "color": tone.light,
                    "dash": "dash" if name == "baseline" else "solid",
                },
                hovertemplate=f"{name}, trial {curve.number}<br>"
                "step %{x}: %{y:.4g}<extra></extra>",
            )
        )


def _curves_caption(drawn: Curves) -> str:
    text = "One line per trial; a mark shows where one was stopped."
    if drawn.rungs:
        text += " Dotted lines are rungs: there a trial goes on only if it is among the best."
    if drawn.view.outside:
        text += " Outliers lie beyond the drawn range."
    return text + (" Long curves are thinned for drawing." if drawn.thinned else "")


def _curves_description(drawn: Curves) -> str:
    stopped = sum(curve.outcome == "pruned" for curve in drawn.curves)
    rungs = ", ".join(str(step) for step in drawn.rungs) or "none"
    return (
        f"Line plot of {plural(len(drawn.curves), 'learning curve')}; {stopped} were stopped "
        f"early. Rungs at steps: {rungs}."
    )
