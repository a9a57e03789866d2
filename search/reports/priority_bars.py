"""An effect and its interval as a bar on the table's common scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.reports.priority_result import Line
from search.reports.views import View, view_of

ZERO, DELTA, POINT, REACH, LEFT, RIGHT = "│", "┊", "●", "─", "├", "┤"
CUT_LEFT, CUT_RIGHT = "◂", "▸"


@dataclass(frozen=True)
class EffectBar:
    """Positions from 0 (left end of the scale) to 1; None for what is not known.

    Parameters
    ----------
    zero, delta
        No effect, and the smallest gain.
    effect, low, high
        The estimate and its interval's ends, held inside the scale.
    cut_low, cut_high
        Whether the interval goes on beyond the scale.
    """

    zero: float
    delta: float | None
    effect: float | None
    low: float | None
    high: float | None
    cut_low: bool
    cut_high: bool


def effect_scale(lines: Sequence[Line]) -> View:
    """Return the common scale: all effects, 0 and the smallest gains; the bulk of the intervals."""
    rows = [line.row for line in lines]
    ends = [end for row in rows for end in (row.ci_low, row.ci_high) if end is not None]
    kept = [v for row in rows for v in (row.effect, row.delta) if v is not None]
    return view_of(ends, [0.0, *kept])


def effect_bar(line: Line, scale: View) -> EffectBar:
    """Return one technique's bar."""
    row = line.row
    low, high = row.ci_low, row.ci_high
    return EffectBar(
        zero=scale.position(0.0),
        delta=None if row.delta is None else scale.position(row.delta),
        effect=None if row.effect is None else scale.position(row.effect),
        low=None if low is None else scale.position(low),
        high=None if high is None else scale.position(high),
        cut_low=low is not None and low < scale.low,
        cut_high=high is not None and high > scale.high,
    )


def text_bar(bar: EffectBar, width: int = 17) -> str:
    """Return a bar as one line of characters.

    Examples
    --------
    >>> text_bar(EffectBar(0.25, 0.5, 0.75, 0.6, 0.9, False, False), 17)
    '    │   ┊ ├─●─┤  '
    """
    cells = [" "] * width

    def at(position: float) -> int:
        return round(position * (width - 1))

    cells[at(bar.zero)] = ZERO
    if bar.delta is not None:
        cells[at(bar.delta)] = DELTA
    if bar.low is not None and bar.high is not None:
        low, high = at(bar.low), at(bar.high)
        cells[low : high + 1] = [REACH] * (high + 1 - low)
        if high > low:
            cells[low] = CUT_LEFT if bar.cut_low else LEFT
            cells[high] = CUT_RIGHT if bar.cut_high else RIGHT
    if bar.effect is not None:
        cells[at(bar.effect)] = POINT
    return "".join(cells)
