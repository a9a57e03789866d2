"""Figures of what trainables offer to explain their runs.

Curves and bars are drawn one arm over another, a table of pictures for each arm by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plotly import graph_objects as go

from search.reports import palette, verdict_looks
from search.reports.diagnostic_images import image_drawings
from search.reports.figures import Drawing, frame, label
from search.reports.text import number

Entry = Mapping[str, Any]
BASELINE = "baseline"
ROW = 20  # pixels per bar
GAP = 12  # between groups of bars


def diagnostic_figures(runs: Mapping[str, Mapping[str, Entry]]) -> Iterator[Drawing]:
    """Yield one figure per diagnostic; runs that offer none of its name are left out.

    Parameters
    ----------
    runs
        What a run is called to what explains it, by name; the baseline first.
    """
    kinds: dict[str, str] = {}
    for found in runs.values():
        for name, entry in found.items():
            kinds.setdefault(name, entry["kind"])
    for place, (name, kind) in enumerate(kinds.items()):
        same = {
            run: found[name]
            for run, found in runs.items()
            if name in found and found[name]["kind"] == kind
        }
        if kind == "images":
            yield from image_drawings(f"diagnostic-{place}", name, same)
            continue
        draw = _curves if kind == "curve" else _bars
        first = next(iter(same.values()))
        caption = f"{_notes(same)}one run each."
        yield Drawing(
            key=f"diagnostic-{place}",
            title=first.get("title", name),
            caption=caption[:1].upper() + caption[1:],
            description="; ".join(f"{run}: {_words(entry)}" for run, entry in same.items()),
            figure=draw(same),
        )


def _notes(entries: Mapping[str, Entry]) -> str:
    """Return the runs' notes; the same note of all is said once."""
    notes = {run: entry["note"] for run, entry in entries.items() if entry.get("note")}
    if len(notes) > 1 and len(set(notes.values())) == 1:
        return f"{next(iter(notes.values()))}; "
    return "".join(f"{run}: {note}; " for run, note in notes.items())


def _curves(entries: Mapping[str, Entry]) -> go.Figure:
    figure, first = frame(380), next(iter(entries.values()))
    if first["diagonal"]:
        figure.add_trace(_diagonal(list(entries.values())))
    for place, (run, entry) in enumerate(entries.items()):
        tone, dash = _look(run, place)
        text = f"{label(run, 40)}<br>%{{x:.4g}}, %{{y:.4g}}<extra></extra>"
        line = {"width": 2.4, "dash": dash, "color": tone.light}
        figure.add_trace(
            go.Scatter(
                x=entry["x"],
                y=entry["y"],
                mode="lines+markers" if len(entry["x"]) <= 30 else "lines",
                name=label(run, 40),
                line=line,
                legendgroup=run,
                hovertemplate=text,
            )
        )
        if entry["marks"]:
            figure.add_trace(_marks(run, entry["marks"], tone))
    figure.update_layout(
        xaxis={"title": {"text": label(first.get("x_name", ""), 60)}},
        yaxis={"title": {"text": label(first.get("y_name", ""), 60)}},
        showlegend=True,
    )
    return figure


def _marks(run: str, marks: Sequence[Entry], tone: palette.Tone) -> go.Scatter:
    return go.Scatter(
        x=[mark["x"] for mark in marks],
        y=[mark["y"] for mark in marks],
        mode="markers",
        name=label(run, 40),
        marker={"symbol": "star", "size": 13, "color": tone.light},
        text=[f"{label(run, 40)}: {label(mark['name'], 60)}" for mark in marks],
        legendgroup=run,
        showlegend=False,
        hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
    )


def _diagonal(entries: Sequence[Entry]) -> go.Scatter:
    drawn = [v for entry in entries for v in (*entry["x"], *entry["y"]) if v is not None] or [0, 1]
    ends = [min(drawn), max(drawn)]
    return go.Scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="ideal",
        line={"width": 1, "dash": "dot", "color": palette.MUTED.light},
        hoverinfo="skip",
    )


def _bars(entries: Mapping[str, Entry]) -> go.Figure:
    names = list(dict.fromkeys(name for entry in entries.values() for name in entry["names"]))
    first = next(iter(entries.values()))
    figure = frame(90 + len(names) * (ROW * len(entries) + GAP), bargap=0.25, barmode="group")
    places = {name: place for place, name in enumerate(names)}
    for place, (run, entry) in enumerate(entries.items()):
        tone, _ = _look(run, place)
        figure.add_trace(
            go.Bar(
                orientation="h",
                x=entry["values"],
                y=[places[name] for name in entry["names"]],
                name=label(run, 40),
                marker={"color": tone.light},
                customdata=[label(name, 60) for name in entry["names"]],
                hovertemplate=f"{label(run, 40)}<br>%{{customdata}}: %{{x:.4g}}<extra></extra>",
            )
        )
    figure.update_layout(
        xaxis={"title": {"text": label(first.get("value_name", ""), 60)}},
        yaxis={
            "tickvals": list(places.values()),
            "ticktext": [label(name, 24) for name in names],
            "range": [len(names) - 0.5, -0.5],
            "showgrid": False,
        },
        showlegend=True,
    )
    return figure


def _look(run: str, place: int) -> tuple[palette.Tone, str]:
    if run.startswith(BASELINE):
        return palette.BASELINE, "dash"
    return verdict_looks.line_look(place)


def _words(entry: Entry) -> str:
    if entry["kind"] == "bars":
        pairs = zip(entry["names"], entry["values"], strict=True)
        return ", ".join(f"{name} {number(value)}" for name, value in pairs)
    known = [(x, y) for x, y in zip(entry["x"], entry["y"], strict=True) if None not in (x, y)]
    marks = [f"{m['name']} at {number(m['x'])}, {number(m['y'])}" for m in entry["marks"]]
    ends = [f"({number(x)}, {number(y)})" for x, y in (known[:1] + known[-1:])]
    return ", ".join([*([f"from {' to '.join(ends)}"] if ends else []), *marks])
