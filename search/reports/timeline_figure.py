"""The figure of a timeline: one row per worker, one bar per attempt."""

from __future__ import annotations

from collections.abc import Sequence

from plotly import graph_objects as go

from search.reports import palette
from search.reports.figures import MANY, Drawing, frame, label
from search.reports.text import duration, plural
from search.reports.timeline import Bar, Timeline


def workers(drawn: Timeline) -> Drawing:
    """Return when and where every attempt ran."""
    figure = frame(max(190, 110 + 30 * len(drawn.rows)), barmode="overlay", bargap=0.25)
    for end in [e for e in palette.END if any(bar.end == e for bar in drawn.bars)]:
        figure.add_trace(_bars([bar for bar in drawn.bars if bar.end == end], end))
    for at, text in drawn.cuts:
        figure.add_vline(x=at, line={"dash": "dot", "width": 1.2, "color": palette.MUTED.light})
        figure.add_annotation(
            x=at, y=1, yref="paper", yanchor="bottom", text=text, showarrow=False,
            font={"size": 11},
        )  # fmt: skip
    figure.update_layout(
        xaxis={"title": {"text": f"time ({drawn.unit})"}, "rangemode": "tozero"},
        yaxis={
            "tickvals": list(range(len(drawn.rows))),
            "ticktext": [label(row, 24) for row in drawn.rows],
            "range": [len(drawn.rows) - 0.5, -0.5],
            "showgrid": False,
        },
        margin={"t": 26 if drawn.cuts else 8},
    )
    return Drawing(
        key="timeline",
        title="Timeline",
        caption="One row per worker, one bar per attempt. Hatched: the worker was lost or the "
        "driver was interrupted, and the trial went on in a later attempt.",
        description=f"{plural(len(drawn.bars), 'attempt')} on {plural(len(drawn.rows), 'worker')} "
        f"in {duration(drawn.elapsed_s)}; {drawn.lost} lost or interrupted.",
        figure=figure,
    )


def _bars(bars: Sequence[Bar], end: str) -> go.Bar:
    cut = end in ("lost", "interrupted")
    edge = palette.DIVERGED.light if cut else palette.GROUND.light
    return go.Bar(
        orientation="h",
        name="error" if end == "raised" else end,
        base=[bar.start for bar in bars],
        x=[bar.length for bar in bars],
        y=[bar.row for bar in bars],
        width=0.74,
        marker={
            "color": palette.END[end].light,
            "line": {"width": 0.6 if len(bars) <= MANY else 0, "color": edge},
            "pattern": {
                "shape": {"lost": "x", "interrupted": "/"}.get(end, ""),
                "fgcolor": palette.DIVERGED.light,
                "size": 6,
            },
        },
        text=[
            f"<b>trial {b.number}</b>, attempt {b.attempt}: {b.end}<br>{duration(b.elapsed_s)} on "
            f"{label(b.host)}, process {b.pid}"
            for b in bars
        ],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )
