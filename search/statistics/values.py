"""What an adopted technique gives for its effort and its compute."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from search.statistics.arrays import BoolArray, FloatArray
from search.statistics.intervals import Interval
from search.statistics.rows import Row
from search.statistics.verdicts import Verdict


@dataclass(frozen=True)
class Value:
    """What an adopted technique gives for what it costs.

    Parameters
    ----------
    per_hour
        ``max(b, 0) / effort hours``, in the metric's unit.
    per_compute
        Gain per extra baseline run of compute, ``max(b, 0) / (ratio - 1)``; None where the ratio
        is unknown or not surely above 1.
    no_extra_compute
        The ratio is known and not surely above 1.
    """

    per_hour: float
    per_compute: float | None
    no_extra_compute: bool


def value_of(shrunken: float, effort_hours: float, compute: Interval | None) -> Value:
    """Gain per effort and per extra compute.

    Examples
    --------
    >>> value_of(0.02, 4.0, Interval(1.5, 1.4, 1.6, 0.95)).per_compute
    0.04
    """
    gain = max(shrunken, 0.0)
    if compute is None or compute.low is None:
        return Value(gain / effort_hours, None, no_extra_compute=False)
    if compute.low <= 1:
        return Value(gain / effort_hours, None, no_extra_compute=True)
    return Value(gain / effort_hours, gain / (compute.estimate - 1), no_extra_compute=False)


def pareto_front(benefit: FloatArray, costs: FloatArray) -> BoolArray:
    """Rows that no other row beats: at least as good in everything, better in something.

    Parameters
    ----------
    benefit : ndarray of shape (n,)
        Greater is better.
    costs : ndarray of shape (n, n_costs)
        Smaller is better.
    """
    gains = np.column_stack([benefit, -costs])
    no_worse = np.all(gains[:, None, :] >= gains[None, :, :], axis=-1)
    better = np.any(gains[:, None, :] > gains[None, :, :], axis=-1)
    front: BoolArray = np.logical_not(np.any(no_worse & better, axis=0))
    return front


def with_values(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Fill value per effort and per compute, their orders, and the Pareto flag: adopted rows only.

    A ratio whose numerator may have either sign cannot be ranked.
    """
    adopted = [row for row in rows if row.verdict == Verdict.ADOPT]
    if not adopted:
        return rows
    gains = np.array([row.shrunken_effect or 0.0 for row in adopted])
    costs = [[row.effort_hours, row.compute.estimate if row.compute else 1.0] for row in adopted]
    front = pareto_front(gains, np.array(costs))
    paired = [
        (row, value_of(float(gain), row.effort_hours, row.compute))
        for row, gain in zip(adopted, gains, strict=True)
    ]
    effort_rank = _ranks({row.technique: (0.0, -value.per_hour) for row, value in paired})
    compute_rank = _ranks(
        {
            row.technique: (0.0, -gain) if value.no_extra_compute else (1.0, -per_compute)
            for (row, value), gain in zip(paired, gains, strict=True)
            if (per_compute := value.per_compute or 0.0) or value.no_extra_compute
        }
    )
    filled = {
        row.technique: replace(
            row,
            value_per_hour=value.per_hour,
            value_per_compute=value.per_compute,
            effort_rank=effort_rank[row.technique],
            compute_rank=compute_rank.get(row.technique),
            pareto=bool(best),
            flags=row.flags + ("no_extra_compute",) * value.no_extra_compute,
        )
        for (row, value), best in zip(paired, front, strict=True)
    }
    return tuple(filled.get(row.technique, row) for row in rows)


def _ranks(keys: dict[str, tuple[float, float]]) -> dict[str, int]:
    order = sorted(keys, key=lambda name: (keys[name], name))
    return {name: place for place, name in enumerate(order, 1)}
