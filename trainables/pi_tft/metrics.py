"""PI-TFT's own metrics: decisions at thresholds found on validation, and the challenge's score.

Scores are logits of a high final risk (log10 Pc ≥ -6); `trainables.techniques.binary` has what all
binary forecasts share.

References
----------
Uriot et al. 2021, "Spacecraft collision avoidance challenge", arXiv:2008.03069 (MSE_HR / F2).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from search.trainable import Predictions
from trainables.pi_tft.physics import HIGH_RISK, RISK_FLOOR
from trainables.techniques.ranking import f_score_at

SMALLEST_F2 = (
    0.01  # stands for an F2 of 0, so that a forecast that finds nothing scores badly, not ∞
)

Floats = NDArray[np.float64]


def evaluate_tuned(
    predictions: Predictions, risk: Floats, thresholds: tuple[float, float], *, dex_per_logit: float
) -> dict[str, float]:
    """Return the metrics of decisions at thresholds found elsewhere.

    Parameters
    ----------
    predictions : Predictions
        Logits and labels.
    risk : ndarray of shape (n_rows,)
        True final log10 Pc.
    thresholds
        Logits, from `tuned_thresholds` on the validation split.
    dex_per_logit
        Decades of risk per unit of logit; see `challenge_score`.

    Returns
    -------
    dict
        ``f1_tuned``, ``f2_tuned``, ``challenge``.
    """
    logits = np.asarray(predictions.scores, np.float64)
    labels = predictions.targets
    if not (np.isfinite(logits).all() and np.isfinite(thresholds).all()):
        return dict.fromkeys(("f1_tuned", "f2_tuned", "challenge"), math.nan)
    return {
        "f1_tuned": f_score_at(logits, labels, thresholds[0], beta=1.0),
        "f2_tuned": f_score_at(logits, labels, thresholds[1], beta=2.0),
        "challenge": challenge_score(HIGH_RISK + dex_per_logit * (logits - thresholds[1]), risk),
    }


def challenge_score(forecast: Floats, risk: Floats) -> float:
    """Return the challenge's L = MSE_HR / F2; lower is better.

    MSE_HR is the mean squared error of the forecast log10 Pc over the events whose *true* final
    risk is high (≥ -6); F2 is over all events, a forecast ≥ -6 calling one high. An F2 below 0.01
    counts as 0.01.

    Parameters
    ----------
    forecast, risk : ndarray of shape (n_rows,)
        Forecast and true final log10 Pc. Forecasts are clipped to [-30, 0], where log10 Pc lies.

    Examples
    --------
    >>> challenge_score(np.array([-5.0, -7.0, -20.0]), np.array([-4.0, -5.0, -9.0]))
    4.5
    """
    forecast = np.clip(forecast, RISK_FLOOR, 0.0)
    high = risk >= HIGH_RISK
    error = float(np.mean(np.square(forecast[high] - risk[high])))
    return error / max(SMALLEST_F2, f_score_at(forecast, high, HIGH_RISK, beta=2.0))
