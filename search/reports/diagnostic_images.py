"""A table of grey pictures: one figure for each run, all pictures in one heat map."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from search.reports.figures import Drawing, frame, wrapped

GAP = 2  # pixels of pictures between them
SIDE = 120  # pixels of the page that a picture takes
MARGIN = 60  # for the names of columns

Entry = Mapping[str, Any]


def image_drawings(key: str, name: str, entries: Mapping[str, Entry]) -> Iterator[Drawing]:
    """Yield the pictures of every run that has any.

    Parameters
    ----------
    key
        Unique on the page; a number is added for each run.
    name
        Of the diagnostic: its title, where it has none.
    entries
        What a run is called to its pictures.
    """
    for place, (run, entry) in enumerate(entries.items()):
        if not entry["rows"]:
            continue
        note = f"{entry['note']}; " if entry.get("note") else ""
        yield Drawing(
            key=f"{key}-{place}",
            title=f"{entry.get('title', name)}: {run}",
            caption=f"{note[:1].upper()}{note[1:]}one run.",
            description=f"{', '.join(entry['columns'])} of: {'; '.join(entry['rows'])}",
            figure=_figure(entry),
        )


def _figure(entry: Entry) -> go.Figure:
    pictures = _decoded(entry)
    n_rows, n_columns, height, width = pictures.shape
    drawn = go.Heatmap(
        z=_mosaic(pictures),
        colorscale="gray",
        zmin=0.0,
        zmax=1.0,
        showscale=False,
        hoverinfo="skip",
    )
    figure = frame(MARGIN + n_rows * SIDE)
    figure.add_trace(drawn)
    plain: dict[str, Any] = {"showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_layout(
        xaxis={
            **plain,
            "side": "top",
            "tickvals": _middles(n_columns, width),
            "ticktext": [wrapped(text) for text in entry["columns"]],
            "tickangle": 0,
            "constrain": "domain",
        },
        yaxis={
            **plain,
            "tickvals": _middles(n_rows, height),
            "ticktext": [wrapped(text) for text in entry["rows"]],
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
        },
    )
    return figure


def _decoded(entry: Entry) -> NDArray[np.float64]:
    shape = (len(entry["rows"]), len(entry["columns"]), *entry["shape"])
    grey = np.frombuffer(base64.b64decode(entry["grey"]), np.uint8)
    return grey.reshape(shape) / 255.0


def _mosaic(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return all pictures side by side, with a white line between them."""
    around = ((0, 0), (0, 0), (0, GAP), (0, GAP))
    framed = np.pad(pictures, around, constant_values=1.0)
    n_rows, n_columns, height, width = framed.shape
    joined = framed.transpose(0, 2, 1, 3).reshape(n_rows * height, n_columns * width)
    return np.round(joined[:-GAP, :-GAP], 3)


def _middles(n: int, length: int) -> list[float]:
    return [place * (length + GAP) + (length - 1) / 2 for place in range(n)]
