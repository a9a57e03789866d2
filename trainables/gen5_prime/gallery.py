"""A gallery of what a finder is sure of, wrongly and rightly, with maps of what it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from search.trainable import Predictions
from trainables.gen5_prime.stamps import BANDS, SIZE, Images, Stamps, Whole

SHOWN: Final = 3  # errors of each kind, and arcs found
RED: Final = BANDS.index("r")
BLACK_WHITE: Final = (1.0, 99.0)  # percentiles of light
DRAWN: Final = 32  # central pixels a side: 8.4 arcsec, with the largest arc inside
COLUMNS: Final = ("stamp", "stamp minus control", "speaks for an arc")


@dataclass(frozen=True, eq=False)
class Sure:
    """Pairs that were decided, the surest first.

    Parameters
    ----------
    false_alarms, missed, found : ndarray of int64, shape (at most n,)
        Rows of the split.
    """

    false_alarms: Whole
    missed: Whole
    found: Whole

    @property
    def rows(self) -> Whole:
        """False alarms, then missed arcs, then arcs found."""
        return np.concatenate([self.false_alarms, self.missed, self.found])


def surest(predictions: Predictions, n: int = SHOWN) -> Sure:
    """Return the surest false alarms, missed arcs and arcs found; decisions are at p = 1/2."""
    logits = np.asarray(predictions.scores, np.float64)
    label = np.asarray(predictions.targets) > 0

    def first(kind: NDArray[np.bool_], sign: int) -> Whole:
        rows = np.flatnonzero(kind)
        return rows[np.argsort(sign * logits[rows], kind="stable")][:n]

    called = logits >= 0
    return Sure(first(~label & called, -1), first(label & ~called, 1), first(label & called, -1))


def gallery(stamps: Stamps, predictions: Predictions, rows: Whole, maps: Images) -> dict[str, Any]:
    """Return pictures of pairs, as a study's reports draw them.

    Parameters
    ----------
    stamps : Stamps
        A split, unscaled.
    predictions : Predictions
        Of that split, in its order.
    rows : ndarray of int64, shape (n,)
    maps : ndarray of float32, shape (n, 64, 64)
        Of these rows: what speaks for an arc.

    Returns
    -------
    dict
        In r, one row for each pair, of kind "images".
    """
    some = stamps.take(rows)
    stamp, difference = some.stamp[:, RED], some.stamp[:, RED] - some.ctrl[:, RED]
    pictures = np.stack([_grey(images) for images in (stamp, difference, maps)], axis=1)
    return {
        "kind": "images",
        "title": "What it is sure of, wrongly and rightly",
        "note": "the surest false alarms, missed arcs and arcs found among validation pairs, in r; "
        "the maps are Grad-CAM's",
        "rows": [_words(stamps, predictions, row) for row in rows],
        "columns": COLUMNS,
        "images": pictures,
    }


def _grey(images: Images) -> NDArray[np.float64]:
    """Return each image's middle from black to white."""
    edge = (SIZE - DRAWN) // 2
    middle = np.asarray(images[:, edge : edge + DRAWN, edge : edge + DRAWN], np.float64)
    middle = np.nan_to_num(middle, posinf=0.0, neginf=0.0)
    if not len(middle):
        return middle
    low, high = np.percentile(middle, BLACK_WHITE, axis=(1, 2), keepdims=True)
    return np.asarray(np.clip((middle - low) / np.maximum(high - low, 1e-9), 0.0, 1.0))


def _words(stamps: Stamps, predictions: Predictions, row: int) -> str:
    kind = f"arc, {stamps.theta_e[row]:.2f} arcsec" if stamps.label[row] else "no arc"
    return f"{kind}, p = {expit(float(predictions.scores[row])):.2f}"
