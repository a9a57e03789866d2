"""Evidence that may be looked at as often as one likes (`open_ended`).

The normal-mixture t statistic of n pairs on nu degrees of freedom, with mixing variance g::

    log e = -½ log(1 + n g) + (nu + 1)/2 [log(1 + t²/nu) - log(1 + t²/(nu (1 + n g)))]

With nu = n - 1 this is an e-process (Wang and Ramdas, arXiv:2310.03722; Lindon et al.,
arXiv:2210.08589): P(ever e >= 1/alpha) <= alpha under the null. With half-pooled degrees of
freedom it is an approximation, which in simulation stays far below its level.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search.statistics.arrays import FloatArray


def log_e_value(
    t: npt.ArrayLike, n: npt.ArrayLike, df: npt.ArrayLike, g: float = 1.0
) -> FloatArray:
    """Log e-value against a mean of 0, two-sided.

    Parameters
    ----------
    t, n, df : array-like, broadcastable
        Studentised mean, number of pairs, degrees of freedom (nu > 0).
    g
        Variance of the effect under the alternative, in units of the noise variance.
    """
    shrink = 1 + np.asarray(n, dtype=np.float64) * g
    nu = np.asarray(df, dtype=np.float64)
    square = np.asarray(t, dtype=np.float64) ** 2 / nu
    gain: FloatArray = np.log1p(square) - np.log1p(square / shrink)
    return -0.5 * np.log(shrink) + (nu + 1) / 2 * gain


def t_boundary(
    log_threshold: npt.ArrayLike, n: npt.ArrayLike, df: npt.ArrayLike, g: float = 1.0
) -> FloatArray:
    """|t| at which the log e-value reaches a threshold; infinite where it never does.

    The inverse of `log_e_value`: with R = exp(2 (c + ½ log(1 + n g))/(nu + 1)),
    t² = nu (R - 1)/(1 - R/(1 + n g)). ``mean ± t_boundary · se`` is a confidence sequence.
    """
    shrink = 1 + np.asarray(n, dtype=np.float64) * g
    nu = np.asarray(df, dtype=np.float64)
    target = np.asarray(log_threshold, dtype=np.float64)
    ratio = np.exp(2 * (target + 0.5 * np.log(shrink)) / (nu + 1))
    room = 1 - ratio / shrink
    finite = np.sqrt(nu * (ratio - 1) / np.where(room > 0, room, 1.0))
    return np.where(room > 0, finite, np.inf)
