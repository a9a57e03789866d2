"""Colours and symbols, light and dark, for pages and figures.

The hues are Okabe and Ito's (2008), told apart by the colour-blind; no meaning hangs on colour
alone: every outcome has its own symbol, every line its own dash.
"""

from __future__ import annotations

from dataclasses import dataclass

from plotly import graph_objects as go


@dataclass(frozen=True)
class Tone:
    """One colour on light and on dark ground."""

    light: str
    dark: str


INK = Tone("#1b1f24", "#eceef1")
MUTED = Tone("#5a6470", "#a4afbb")
GRID = Tone("#e4e7eb", "#2c333c")
GROUND = Tone("#ffffff", "#161a20")

COMPLETE = Tone("#0072b2", "#5cb8ef")
PRUNED = Tone("#7d8794", "#8f9bab")
DIVERGED = Tone("#d55e00", "#ff8c42")
FAILED = Tone("#a8327d", "#f08ac8")
STOPPED = Tone("#8a6d00", "#e8d34f")
RUNNING = Tone("#00805f", "#2ed3a4")
BEST = Tone("#e69f00", "#ffbe3d")
BASELINE = Tone("#24292f", "#f4f6f8")
TARGET = Tone("#00735c", "#35cda0")
RUNG = Tone("#aab2bd", "#4d5764")
FAINT = Tone("#c3c9d1", "#3d4550")

FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"

BANDS = (
    Tone("#08519c", "#c6e4ff"),
    Tone("#3182bd", "#86c1f5"),
    Tone("#6baed6", "#4f93cf"),
    Tone("#b8c4d2", "#4a5f7a"),
    Tone("#d9dde3", "#39424f"),
)

OUTCOME = {
    "complete": COMPLETE,
    "pruned": PRUNED,
    "diverged": DIVERGED,
    "failed": FAILED,
    "stopped": STOPPED,
    "running": RUNNING,
}
SYMBOL = {
    "complete": "circle",
    "pruned": "triangle-down-open",
    "diverged": "x",
    "failed": "square-x-open",
    "stopped": "square-open",
    "running": "circle-open",
    "best": "star",
    "baseline": "diamond",
    "reference": "hexagon-open",
}
END = {
    "complete": COMPLETE,
    "pruned": PRUNED,
    "diverged": DIVERGED,
    "raised": FAILED,
    "stopped": STOPPED,
    "running": RUNNING,
    "lost": Tone("#f3d9c4", "#4a2f1d"),
    "interrupted": Tone("#efe6b8", "#45401c"),
}
TONES = (
    *(INK, MUTED, GRID, GROUND, BEST, BASELINE, TARGET, RUNG, FAINT),
    *BANDS,
    *dict.fromkeys((*OUTCOME.values(), *END.values())),
)


AXIS = {
    "gridcolor": GRID.light,
    "linecolor": GRID.light,
    "zeroline": False,
    "ticks": "",
    "automargin": True,
    "exponentformat": "e",
    "minexponent": 4,
    "ticklabelstandoff": 5,
    "title": {"standoff": 10, "font": {"size": 13}},
}


def dark_of() -> dict[str, str]:
    """Return the dark colour of every light one: what a page swaps when the screen is dark."""
    return {tone.light: tone.dark for tone in TONES}


def template() -> go.layout.Template:
    """Return the look of every figure: quiet grid, no frame, the page's own fonts."""
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {
                "family": FONT,
                "size": 13,
                "color": MUTED.light,
            },
            "hoverlabel": {
                "bgcolor": GROUND.light,
                "bordercolor": GRID.light,
                "font": {"color": INK.light},
                "align": "left",
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"color": INK.light},
            },
            "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
            "hovermode": "closest",
            "xaxis": AXIS,
            "yaxis": AXIS,
        }
    )
