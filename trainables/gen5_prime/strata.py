"""Areas by brick and by Einstein radius, and answers to arcs that metadata deny.

References
----------
Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747 (an area's own error).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from trainables.gen5_prime.metrics import auroc
from trainables.gen5_prime.stamps import Column, Floats, Stamps, Whole

EDGES: Final = (0.5, 1.0, 1.5, 2.0, 2.5)  # arcsec: the source document's bins; the last is closed
BINS: Final = tuple(f"{low:g}_{high:g}".replace(".", "p") for low, high in pairwise(EDGES))


def by_brick(logits: Floats, label: Whole, brick: Column, *, least: int) -> dict[str, float]:
    """Return how far bricks' areas are apart.

    Parameters
    ----------
    logits, label, brick : ndarray of shape (n,)
    least
        Pairs of a brick that counts.

    Returns
    -------
    dict
        ``brick_auroc_sd``, and ``brick_auroc_excess_sd``: what of it is left without the areas' own
        errors, 0 at least. Empty with fewer than two bricks.
    """
    areas, variances = [], []
    for name in np.unique(brick):
        rows = brick == name
        positives = int(label[rows].sum())
        negatives = int(rows.sum()) - positives
        if rows.sum() >= least and positives and negatives:
            areas.append(auroc(logits[rows], label[rows]))
            variances.append(area_variance(areas[-1], positives, negatives))
    if len(areas) < 2:
        return {}
    spread = float(np.std(areas, ddof=1))
    excess = spread**2 - float(np.mean(variances))
    return {
        "brick_auroc_sd": spread,
        "brick_auroc_excess_sd": math.sqrt(max(0.0, excess)) if excess == excess else math.nan,
    }


def area_variance(area: float, positives: int, negatives: int) -> float:
    """Return the variance of an area under a curve, by Hanley and McNeil.

    Examples
    --------
    >>> round(area_variance(0.9, 50, 50) ** 0.5, 4)
    0.0321
    """
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area)
    spread += (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
    return spread / (positives * negatives)


def by_radius(logits: Floats, stamps: Stamps) -> dict[str, float]:
    """Return areas of arcs in bins of Einstein radius, against all pairs without one.

    Returns
    -------
    dict
        ``auroc_theta_0p5_1`` and so on, of the bins that have arcs; ``theta_rise_1`` and so on:
        each bin's area above that of the bin before, where both are known.
    """
    found = dict(_areas(logits, stamps))
    for place, (before, after) in enumerate(pairwise(BINS), start=1):
        names = [f"auroc_theta_{name}" for name in (before, after)]
        if all(name in found for name in names):
            found[f"theta_rise_{place}"] = found[names[1]] - found[names[0]]
    return found


def denied(logits: Floats, stamps: Stamps) -> dict[str, float]:
    """Return the share of arcs with ``arc_snr = 0`` that are found: ``arc_snr_0_accuracy``.

    The arcs are there; it is their metadata that are wrong. Empty where there is none.
    """
    rows = (stamps.label == 1) & (stamps.arc_snr == 0)
    return {"arc_snr_0_accuracy": float((logits[rows] >= 0).mean())} if rows.any() else {}


def _areas(logits: Floats, stamps: Stamps) -> Iterator[tuple[str, float]]:
    negative = stamps.label == 0
    for place, name in enumerate(BINS):
        low, high = EDGES[place], EDGES[place + 1]
        upper = stamps.theta_e <= high if high == EDGES[-1] else stamps.theta_e < high
        arcs = (stamps.label == 1) & (stamps.theta_e >= low) & upper
        if arcs.any():
            rows = arcs | negative
            yield f"auroc_theta_{name}", auroc(logits[rows], stamps.label[rows])
