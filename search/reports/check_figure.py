"""The figure of the check after a search: both configurations on every fresh seed."""

from __future__ import annotations

from collections.abc import Mapping

from plotly import graph_objects as go

from search.reports import palette
from search.reports.confirmation import BASELINE, BEST, Confirmation
from search.reports.figures import Drawing, frame, label, marks, polyline, wrapped
from search.reports.text import number, signed

TONES = {BASELINE: palette.BASELINE, BEST: palette.BEST}


def check(found: Confirmation) -> Drawing:
    """Return baseline and best on each fresh seed, joined by a line; reference lines beside."""
    figure = frame(330, showlegend=True)
    figure.add_trace(_joined(found))
    figure.add_trace(_marks(0, BASELINE, {pair.seed: pair.baseline for pair in found.pairs}))
    figure.add_trace(_marks(1, BEST, {pair.seed: pair.best for pair in found.pairs}))
    for place, (name, by_seed) in enumerate(found.references.items(), start=2):
        figure.add_trace(_reference(place, name, by_seed))
    _label(figure, found)
    return Drawing(
        key="check",
        title=f"Held-out {found.evaluation.metric} on fresh seeds",
        caption="Each line joins the two configurations on one seed.",
        description="; ".join(
            f"seed {p.seed}: baseline {number(p.baseline)}, best {number(p.best)}, "
            f"difference {signed(p.difference)}"
            for p in found.pairs
        ),
        figure=figure,
    )


def _joined(found: Confirmation) -> go.Scatter:
    paired = [pair for pair in found.pairs if pair.baseline is not None and pair.best is not None]
    x, y = polyline(([0, 1], [pair.baseline, pair.best]) for pair in paired)
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name="same seed",
        hoverinfo="skip",
        line={"width": 1.6, "color": palette.MUTED.light},
    )


def _marks(place: int, kind: str, by_seed: Mapping[int, float | None]) -> go.Scatter:
    known = {seed: value for seed, value in by_seed.items() if value is not None}
    return marks(
        [place] * len(known),
        list(known.values()),
        kind,
        TONES[kind],
        name=kind,
        hover=[f"{kind}, seed {seed}: {number(value)}" for seed, value in known.items()],
        size=13,
    )


def _reference(place: int, name: str, by_seed: Mapping[int, float]) -> go.Scatter:
    return marks(
        [place] * len(by_seed),
        list(by_seed.values()),
        "reference",
        palette.TARGET,
        name=label(name),
        hover=[f"{label(name)}, seed {s}: {number(v)}" for s, v in by_seed.items()],
        size=10,
        showlegend=False,
    )


def _label(figure: go.Figure, found: Confirmation) -> None:
    names = [BASELINE, BEST, *found.references]
    goal = found.evaluation
    figure.update_layout(
        xaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [wrapped(name) for name in names],
            "range": [-0.5, len(names) - 0.5],
            "showgrid": False,
        },
        yaxis={"title": {"text": f"{label(goal.metric)} ({goal.direction})"}},
    )
