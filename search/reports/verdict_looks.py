"""How verdicts look: colour and symbol, light and dark; no meaning hangs on colour alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.reports import palette
from search.reports.palette import Tone
from search.statistics import Verdict

TONES: Mapping[Verdict | None, Tone] = {
    Verdict.ADOPT: palette.RUNNING,
    Verdict.INCONCLUSIVE: palette.COMPLETE,
    None: palette.COMPLETE,
    Verdict.UNSTABLE: palette.STOPPED,
    Verdict.REJECT: palette.PRUNED,
    Verdict.HARMFUL: palette.DIVERGED,
    Verdict.NO_EFFECT: palette.PRUNED,
    Verdict.NOT_MEASURED: palette.PRUNED,
    Verdict.DEGENERATE: palette.FAILED,
    Verdict.NOT_COMPARABLE: palette.FAILED,
}
SYMBOLS: Mapping[Verdict | None, str] = {
    Verdict.ADOPT: "circle",
    Verdict.INCONCLUSIVE: "circle-open",
    None: "hexagon-open",
    Verdict.UNSTABLE: "square-open",
    Verdict.REJECT: "triangle-down-open",
    Verdict.HARMFUL: "x",
    Verdict.NO_EFFECT: "square-open",
    Verdict.NOT_MEASURED: "square-open",
    Verdict.DEGENERATE: "square-x-open",
    Verdict.NOT_COMPARABLE: "square-x-open",
}
SORT: Sequence[Verdict | None] = (
    Verdict.ADOPT,
    None,
    Verdict.INCONCLUSIVE,
    Verdict.UNSTABLE,
    Verdict.REJECT,
    Verdict.HARMFUL,
    Verdict.NO_EFFECT,
    Verdict.NOT_MEASURED,
    Verdict.DEGENERATE,
    Verdict.NOT_COMPARABLE,
)
"""The order in which a table sorts verdicts."""

LINES = (
    palette.COMPLETE,
    palette.DIVERGED,
    palette.RUNNING,
    palette.FAILED,
    palette.BEST,
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def css(verdict: Verdict | None) -> str:
    """Return the class of a verdict in a page."""
    return f"v-{verdict.value if verdict else 'undecided'}"


def line_look(place: int) -> tuple[Tone, str]:
    """Return colour and dash of the n-th line of a figure; no two of the first 25 are alike."""
    return LINES[place % len(LINES)], DASHES[place // len(LINES) % len(DASHES)]
