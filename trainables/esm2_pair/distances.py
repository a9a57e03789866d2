"""Distances as logits: the scale on which one half is the boundary, without another ranking.

References
----------
Platt 1999, "Probabilistic outputs for support vector machines".
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import logit

from search.trainable import Predictions
from trainables.techniques.calibration import Affine, fit_platt

SMALLEST_SLOPE: Final = 1e-3  # per deviation of the scores, of distances that mislead


def fit_logits(validation: Predictions) -> Affine:
    """Return score ← a · score + b with a > 0, fitted to validation labels as Platt did.

    Where the best slope is not positive, scores are worse than chance; turning them over would be
    another ranking, so that the slope is as good as none then. Scores that are not finite, or all
    the same, stay.

    Parameters
    ----------
    validation : Predictions
        Scores that are greater where proteins are closer, and labels of both classes.
    """
    scores = np.asarray(validation.scores, np.float64)
    if not np.isfinite(scores).all() or np.ptp(scores) == 0:
        return Affine(1.0, 0.0)
    centre, spread = float(np.mean(scores)), float(np.std(scores))
    standardised = Predictions((scores - centre) / spread, validation.targets)
    line = fit_platt(standardised)
    if line.slope < SMALLEST_SLOPE:
        line = Affine(SMALLEST_SLOPE, float(logit(np.mean(validation.targets))))
    return Affine(line.slope / spread, line.offset - line.slope * centre / spread)
