"""A gallery of what a finder is sure of and wrong about, on validation pairs, with its maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from plotly.graph_objects import Figure, Heatmap
from plotly.subplots import make_subplots
from scipy.special import expit

from search.trainable import Predictions
from trainables.gen5_prime.stamps import BANDS, Images, Stamps, Whole

SHOWN: Final = 4  # errors of each kind
RED: Final = BANDS.index("r")
CORE_SHOWN: Final = 99.0  # percentile of light above which pictures are white
ROW_PIXELS: Final = 220


@dataclass(frozen=True, eq=False)
class ConfidentErrors:
    """Pairs that were decided wrongly, the surest first.

    Parameters
    ----------
    false_alarms, missed : ndarray of int64, shape (at most n,)
        Rows of the split.
    """

    false_alarms: Whole
    missed: Whole

    @property
    def rows(self) -> Whole:
        """False alarms, then missed arcs."""
        return np.concatenate([self.false_alarms, self.missed])


def confident_errors(predictions: Predictions, n: int = SHOWN) -> ConfidentErrors:
    """Return the surest false alarms and missed arcs; decisions are at p = 1/2."""
    logits = np.asarray(predictions.scores, np.float64)
    label = np.asarray(predictions.targets) > 0
    alarms = np.flatnonzero(~label & (logits >= 0))
    missed = np.flatnonzero(label & (logits < 0))
    return ConfidentErrors(
        alarms[np.argsort(-logits[alarms], kind="stable")][:n],
        missed[np.argsort(logits[missed], kind="stable")][:n],
    )


def figure(
    stamps: Stamps, predictions: Predictions, rows: Whole, maps: NDArray[np.float32] | None = None
) -> Figure:
    """Draw pairs: stamp, control, their difference and, where there are any, maps.

    Parameters
    ----------
    stamps : Stamps
        A split, unscaled.
    predictions : Predictions
        Of that split, in its order.
    rows : ndarray of int64, shape (n,)
    maps : ndarray of float32, shape (n, 64, 64), optional
        Of these rows: what speaks for an arc.

    Returns
    -------
    plotly.graph_objects.Figure
        In r, one row for each pair.
    """
    shown = _shown(stamps.take(rows), maps)
    titles = [f"{_words(stamps, predictions, row)}: {name}" for row in rows for name in shown]
    drawn = make_subplots(
        rows=max(1, len(rows)), cols=len(shown), subplot_titles=titles, horizontal_spacing=0.02
    )
    for column, images in enumerate(shown.values(), start=1):
        for place, image in enumerate(images, start=1):
            drawn.add_trace(_picture(image), row=place, col=column)
    drawn.update_layout(height=ROW_PIXELS * max(1, len(rows)), showlegend=False)
    drawn.update_xaxes(visible=False).update_yaxes(visible=False)
    return drawn


def _shown(some: Stamps, maps: NDArray[np.float32] | None) -> dict[str, Images]:
    stamp, ctrl = some.stamp[:, RED], some.ctrl[:, RED]
    pictures: dict[str, Any] = {"stamp": stamp, "control": ctrl, "difference": stamp - ctrl}
    return pictures if maps is None else pictures | {"speaks for an arc": maps}


def _picture(image: Images) -> Heatmap:
    low, high = np.percentile(image, [1.0, CORE_SHOWN])
    return Heatmap(
        z=image,
        zmin=float(low),
        zmax=float(max(high, low + 1e-9)),
        colorscale="gray",
        showscale=False,
    )


def _words(stamps: Stamps, predictions: Predictions, row: int) -> str:
    kind = f"arc, {stamps.theta_e[row]:.2f} arcsec" if stamps.label[row] else "no arc"
    return f"{kind}, p = {expit(float(predictions.scores[row])):.2f}"
