"""Figures over steps and trials: validation curves of the arms, and what tuning was worth."""

from __future__ import annotations

from plotly import graph_objects as go

from search.reports import palette, verdict_looks
from search.reports.figures import Drawing, frame, label, value_axis
from search.reports.priority_parts import ArmCurve, ArmTuning
from search.reports.priority_result import PriorityReport
from search.reports.text import number, plural
from search.reports.views import view_of

BASELINE = "baseline"
SHOWN = 6  # arms that are drawn from the start; the legend shows the others
FAINT = 0.14


def curves(report: PriorityReport) -> Drawing | None:
    """Return the mean validation curve of every arm over its seeds."""
    if not report.curves:
        return None
    figure = frame(460)
    ordered = sorted(report.curves, key=lambda curve: curve.arm == BASELINE)  # drawn on top
    for place, curve in enumerate(ordered):
        shown = place < SHOWN or curve.arm in (BASELINE, report.stack.arm)
        for trace in _arm(curve, place, shown=shown):
            figure.add_trace(trace)
    goal = report.objective
    drawn = [v for curve in report.curves for v in (*curve.mean, *curve.low, *curve.high)]
    figure.update_layout(
        xaxis={"title": {"text": "step"}},
        yaxis=value_axis(goal.metric, goal.direction, view_of(drawn)),
    )
    hidden = len(ordered) > SHOWN + 1
    return Drawing(
        key="curves",
        title=f"Learning curves of {goal.metric}",
        caption="Mean over each arm's completed runs; shaded: the middle half of them. Arms have "
        "different numbers of seeds, so judge them by the table, not by distances here."
        + (" Press a name to show or hide an arm." if hidden else ""),
        description="; ".join(
            f"{curve.arm} ends at {number(curve.mean[-1])} ({plural(curve.n_seeds, 'run')})"
            for curve in report.curves
        ),
        figure=figure,
    )


def _arm(curve: ArmCurve, place: int, *, shown: bool) -> list[go.Scatter]:
    base = curve.arm == BASELINE
    tone, dash = (palette.BASELINE, "dash") if base else verdict_looks.line_look(place)
    visible = True if shown else "legendonly"
    common = {"legendgroup": curve.arm, "visible": visible}
    band = go.Scatter(
        x=[*curve.steps, *reversed(curve.steps)],
        y=[*curve.high, *reversed(curve.low)],
        mode="lines",
        fill="toself",
        line={"width": 0, "color": tone.light},
        fillcolor=tone.light,
        opacity=FAINT,
        hoverinfo="skip",
        showlegend=False,
        **common,
    )
    line = go.Scatter(
        x=list(curve.steps),
        y=list(curve.mean),
        mode="lines+markers" if len(curve.steps) == 1 else "lines",
        name=label(curve.arm, 40),
        line={"width": 3 if base else 2, "dash": dash, "color": tone.light},
        hovertemplate=f"{label(curve.arm, 40)}<br>step %{{x}}: %{{y:.4g}}<extra></extra>",
        legendrank=1 if base else 2 + place,
        **common,
    )
    return [band, line]


def tuning(report: PriorityReport) -> Drawing | None:
    """Return the expected best validation score of every arm by the number of trials."""
    arms = [arm for arm in report.tuning.arms if arm.expected_best]
    if not arms:
        return None
    figure = frame(400)
    for place, arm in enumerate(arms):
        figure.add_trace(_history(arm, place, shown=place <= SHOWN))
    goal = report.objective
    drawn = [value for arm in arms for value in arm.expected_best]
    figure.update_layout(
        xaxis={"title": {"text": "trials of tuning"}, "rangemode": "tozero"},
        yaxis=value_axis(goal.metric, goal.direction, view_of(drawn)),
    )
    return Drawing(
        key="tuning",
        title="What tuning was worth: display, not evidence",
        caption="Expected best validation score of n random trials (Dodge et al. 2019). A trial "
        "that was stopped early counts with its last value, but as no better than the worst "
        "completed one. Where two lines "
        "cross, the order of the arms depends on the budget.",
        description="; ".join(
            f"{arm.arm}: {number(arm.expected_best[0])} after 1 trial, "
            f"{number(arm.expected_best[-1])} after {len(arm.expected_best)}"
            for arm in arms
        ),
        figure=figure,
    )


def _history(arm: ArmTuning, place: int, *, shown: bool) -> go.Scatter:
    base = arm.arm == BASELINE
    tone, dash = (palette.BASELINE, "dash") if base else verdict_looks.line_look(place)
    return go.Scatter(
        x=list(range(1, len(arm.expected_best) + 1)),
        y=list(arm.expected_best),
        mode="lines",
        name=label(arm.arm, 40),
        visible=True if shown else "legendonly",
        line={"width": 3 if base else 2, "dash": dash, "color": tone.light, "shape": "linear"},
        hovertemplate=f"{label(arm.arm, 40)}<br>%{{x}} trials: %{{y:.4g}}<extra></extra>",
    )
