"""Figures of effects: the forest plot, the stack beside its parts, response curves of levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plotly import graph_objects as go

from search.reports import palette, verdict_looks
from search.reports.figures import Drawing, frame, label, mark_size, wrapped
from search.reports.priority_bars import effect_scale
from search.reports.priority_parts import StackReport
from search.reports.priority_result import Line, PriorityReport
from search.reports.priority_words import BADGES, change, interval_words
from search.reports.text import plural
from search.reports.views import View
from search.statistics import Interval

ROW = 38  # pixels of one row of a forest plot
TOP = 96


def forest(report: PriorityReport) -> Drawing:
    """Return every effect with its interval, the pairs behind it, and the shrunken effect."""
    shown = [line for line in report.lines if line.row.effect is not None]
    figure = frame(TOP + ROW * max(1, len(shown)))
    places = {line.technique: place for place, line in enumerate(shown)}
    figure.add_trace(_pairs(shown, places, report))
    for verdict in [v for v in verdict_looks.SORT if any(line.verdict == v for line in shown)]:
        mine = [line for line in shown if line.verdict == verdict]
        figure.add_trace(_estimates(mine, places, report))
    figure.add_trace(_shrunken(shown, places, report))
    _lines(figure, shown)
    scale = effect_scale(shown)
    metric = label(report.evaluation.metric)
    figure.update_layout(
        xaxis={"title": {"text": f"effect on {metric} <i>(right is better)</i>"},
               "range": list(scale.ends)},
        yaxis=_rows_axis([line.technique for line in shown]),
    )  # fmt: skip
    return Drawing(
        key="forest",
        title="Effects and their intervals",
        caption="Bars: intervals that hold at every planned look. Small dots: one pair of runs on "
        "one seed. Solid line: no effect; dashed: the smallest gain worth adopting. The shrunken "
        "effect, by which rows are ranked, is pulled towards 0 as far as the effect is uncertain."
        + _beyond(shown, scale),
        description=" ".join(_sentence(line, report) for line in shown) or "No effect yet.",
        figure=figure,
    )  # fmt: skip


def _beyond(lines: Sequence[Line], scale: View) -> str:
    """Return how much of the plot its range leaves out."""
    pairs = sum(not scale.holds(d) for line in lines for _, d in line.differences)
    parts = [(scale.outside, "interval end"), (pairs, "pair")]
    told = " and ".join(plural(count, noun) for count, noun in parts if count)
    return f" {told} beyond the drawn range." if told else ""


def _sentence(line: Line, report: PriorityReport) -> str:
    spread = interval_words(line.row.ci_low, line.row.ci_high, report.decimals)
    return f"{line.technique}: {change(line.row.effect, report.decimals)}, {spread}."


def _pairs(lines: Sequence[Line], places: dict[str, int], report: PriorityReport) -> go.Scatter:
    points = [(line, seed, d) for line in lines for seed, d in line.differences]
    return go.Scatter(
        x=[d for _, _, d in points],
        y=[places[line.technique] + 0.27 for line, _, _ in points],
        mode="markers",
        name="one pair of runs",
        marker={
            "symbol": "circle",
            "size": mark_size(len(points)) - 3,
            "color": palette.FAINT.light,
        },
        text=[
            f"{label(line.technique)}<br>seed {seed}: {change(d, report.decimals)}"
            for line, seed, d in points
        ],
        hovertemplate="%{text}<extra></extra>",
        legendrank=3,
    )


def _estimates(lines: Sequence[Line], places: dict[str, int], report: PriorityReport) -> go.Scatter:
    verdict = lines[0].verdict
    tone = verdict_looks.TONES[verdict].light
    ends = [(line.row.effect or 0.0, line.row.ci_low, line.row.ci_high) for line in lines]
    return go.Scatter(
        x=[effect for effect, _, _ in ends],
        y=[places[line.technique] for line in lines],
        mode="markers",
        name=BADGES[verdict].lower(),
        marker={"symbol": verdict_looks.SYMBOLS[verdict], "size": 11, "color": tone,
                "line": {"width": 1.6, "color": tone}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if high is None else high - x for x, _, high in ends],
            "arrayminus": [0.0 if low is None else x - low for x, low, _ in ends],
            "color": tone,
            "thickness": 2.4,
            "width": 5,
        },
        text=[_hover(line, report) for line in lines],
        hovertemplate="%{text}<extra></extra>",
        legendrank=1,
    )  # fmt: skip


def _hover(line: Line, report: PriorityReport) -> str:
    row, digits = line.row, report.decimals
    parts = [
        f"<b>{label(line.technique, 60)}</b>",
        f"{change(row.effect, digits)} ({interval_words(row.ci_low, row.ci_high, digits)})",
        f"{plural(row.n_seeds, 'seed')}, {row.n_failed} failed",
        f"{line.word}: {label(line.detail, 70)}",
    ]
    return "<br>".join(parts)


def _shrunken(lines: Sequence[Line], places: dict[str, int], report: PriorityReport) -> go.Scatter:
    known = [line for line in lines if line.row.shrunken_effect is not None]
    return go.Scatter(
        x=[line.row.shrunken_effect for line in known],
        y=[places[line.technique] for line in known],
        mode="markers",
        name="shrunken effect",
        marker={"symbol": "diamond", "size": 7, "color": palette.INK.light},
        text=[
            f"{label(line.technique)}<br>shrunken: "
            f"{change(line.row.shrunken_effect, report.decimals)}"
            for line in known
        ],
        hovertemplate="%{text}<extra></extra>",
        legendrank=2,
    )


def _lines(figure: go.Figure, lines: Sequence[Line]) -> None:
    """Draw no effect, and each technique's smallest gain (one line where they agree)."""
    figure.add_vline(x=0, line={"width": 1.4, "color": palette.MUTED.light})
    deltas = [line.row.delta for line in lines]
    for delta in dict.fromkeys(d for d in deltas if d is not None):
        rows = [place for place, found in enumerate(deltas) if found == delta]
        figure.add_shape(
            type="line",
            x0=delta,
            x1=delta,
            y0=min(rows) - 0.5,
            y1=max(rows) + 0.5,
            line={"dash": "dash", "width": 1.4, "color": palette.TARGET.light},
        )


def _rows_axis(names: Sequence[str]) -> dict[str, Any]:
    return {
        "tickvals": list(range(len(names))),
        "ticktext": [wrapped(name, 22, 2) for name in names],
        "range": [max(1, len(names)) - 0.5, -0.6],
        "showgrid": False,
        "fixedrange": True,
    }


def stack(report: PriorityReport) -> Drawing | None:
    """Return the stack, the sum of the single effects, and each member alone and in the stack."""
    judged = report.stack.judged
    if judged is None:
        return None
    rows: list[tuple[str, str, Interval]] = [
        ("all together", "stack", judged.gain),
        ("sum of the single effects", "sum", judged.sum_of_singles),
    ]
    for member in judged.members:
        rows.append((f"{member.name}, alone", "alone", member.alone))
        rows.append((f"{member.name}, on top of the others", "in_stack", member.in_stack))
    figure = frame(TOP + ROW * len(rows))
    looks = {
        "stack": ("the stack", "star", palette.BEST),
        "sum": ("what a sum would claim", "diamond", palette.PRUNED),
        "alone": ("alone", "circle-open", palette.COMPLETE),
        "in_stack": ("on top of the others", "circle", palette.RUNNING),
    }
    for kind, (name, symbol, tone) in looks.items():
        mine = [(i, text, found) for i, (text, k, found) in enumerate(rows) if k == kind]
        figure.add_trace(_interval_trace(mine, name, symbol, tone, report))
    figure.add_vline(x=0, line={"width": 1.4, "color": palette.MUTED.light})
    figure.update_layout(
        xaxis={"title": {"text": f"effect on {label(report.evaluation.metric)} "
                         "<i>(right is better)</i>"}},
        yaxis=_rows_axis([text for text, _, _ in rows]),
    )  # fmt: skip
    return Drawing(
        key="stack",
        title="Together, alone, and on top of the others",
        caption="Single effects do not add up until they are measured to: the sum is what adding "
        "them would claim, not a gain.",
        description=_stack_description(report.stack, report.decimals),
        figure=figure,
    )


def _interval_trace(
    rows: Sequence[tuple[int, str, Interval]],
    name: str,
    symbol: str,
    tone: palette.Tone,
    report: PriorityReport,
) -> go.Scatter:
    digits = report.decimals
    return go.Scatter(
        x=[found.estimate for _, _, found in rows],
        y=[place for place, _, _ in rows],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": 11, "color": tone.light,
                "line": {"width": 1.6, "color": tone.light}},
        error_x=error_bars(rows, tone),
        text=[
            f"{label(text, 60)}<br>{change(found.estimate, digits)} "
            f"({interval_words(found.low, found.high, digits)})"
            for _, text, found in rows
        ],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def error_bars(rows: Sequence[tuple[Any, str, Interval]], tone: palette.Tone) -> dict[str, Any]:
    """Return plotly's error bars of some intervals."""
    found = [interval for _, _, interval in rows]
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if i.high is None else i.high - i.estimate for i in found],
        "arrayminus": [0.0 if i.low is None else i.estimate - i.low for i in found],
        "color": tone.light,
        "thickness": 2.4,
        "width": 5,
    }


def _stack_description(stack: StackReport, digits: int) -> str:
    judged = stack.judged
    if judged is None:
        return stack.note
    members = " ".join(
        f"{m.name}: {change(m.alone.estimate, digits)} alone, "
        f"{change(m.in_stack.estimate, digits)} on top of the others."
        for m in judged.members
    )
    return (
        f"The stack gains {change(judged.gain.estimate, digits)}; the single effects sum to "
        f"{change(judged.sum_of_singles.estimate, digits)}. {members}"
    )
