"""Closed forms of a short encounter: probability of collision and its maximum over covariances.

Two objects fly past each other in a straight line; the uncertainty that matters lies in the
*encounter plane*, at right angles to the relative velocity. With a combined hard-body radius R much
smaller than the principal standard deviations σx and σy, and a Mahalanobis distance M in that
plane,

    Pc     = R² / (2 σx σy) · exp(−M²/2)
    Pc_max = R² / (e σx σy M²),        reached when the covariance is scaled by k² = M²/2
    Pc     = Pc_max · (M²/2) · exp(1 − M²/2)

so the probability first rises and then falls with the covariance (the dilution region lies beyond
M² = 2), and never exceeds its maximum. In the official files `max_risk_estimate` is log10 Pc_max
and `max_risk_scaling` is the covariance factor M²/2. Their column `mahalanobis_distance` is *not*
this M: it is the distance in all three dimensions, which is never smaller and usually several times
larger. M is sqrt(2 · `max_risk_scaling`).

References
----------
Chan, "Spacecraft Collision Probability", 2008, for the small-radius form. Alfano, "Relating
position uncertainty to maximum conjunction probability", AAS 03-548, 2003, for the maximum. Uriot
et al., arXiv:2008.03069, for the data.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RISK_FLOOR = -30.0
"""log10 Pc below which the official files write the floor."""

HIGH_RISK = -6.0
"""log10 Pc from which an event counts as high risk in the challenge."""

UNKNOWN_SPAN_M = 2.0
"""Size of an object whose size the message does not give, in metres."""

SMALLEST_MAHALANOBIS = 1e-6
"""Guard of the logarithm at a predicted direct hit; the smallest value in the real data is 2e-5."""

_LN10 = float(np.log(10.0))


def collision_probability(
    radius: ArrayLike, sigma_x: ArrayLike, sigma_y: ArrayLike, mahalanobis: ArrayLike
) -> Floats:
    """Probability of collision of a short encounter, for a small hard-body radius.

    Parameters
    ----------
    radius, sigma_x, sigma_y : array_like
        Combined hard-body radius and principal standard deviations in the encounter plane, all in
        one unit.
    mahalanobis : array_like
        Mahalanobis distance in the encounter plane.

    Returns
    -------
    ndarray
        Pc, broadcast over the arguments.

    Examples
    --------
    >>> float(collision_probability(10.0, 1000.0, 100.0, 0.0))
    0.0005
    """
    size = np.asarray(sigma_x, float) * np.asarray(sigma_y, float)
    exponent = -0.5 * np.square(np.asarray(mahalanobis, float))
    return np.asarray(np.square(np.asarray(radius, float)) / (2.0 * size) * np.exp(exponent))


def maximum_collision_probability(
    radius: ArrayLike, sigma_x: ArrayLike, sigma_y: ArrayLike, mahalanobis: ArrayLike
) -> Floats:
    """Largest Pc that any multiple of the covariance gives, at the same miss vector.

    The four arguments are those of `collision_probability`; the Mahalanobis distance is floored at
    `SMALLEST_MAHALANOBIS`.
    """
    size = np.asarray(sigma_x, float) * np.asarray(sigma_y, float)
    distance = np.maximum(np.asarray(mahalanobis, float), SMALLEST_MAHALANOBIS)
    return np.asarray(np.square(np.asarray(radius, float)) / (np.e * size * np.square(distance)))


def covariance_scaling(mahalanobis: ArrayLike) -> Floats:
    """Covariance factor k² = M²/2 at which Pc is largest; the column `max_risk_scaling`."""
    return np.asarray(0.5 * np.square(np.asarray(mahalanobis, float)))


def mahalanobis_from_scaling(scaling: ArrayLike) -> Floats:
    """Encounter-plane Mahalanobis distance M = sqrt(2 k²) from the column `max_risk_scaling`."""
    return np.asarray(np.sqrt(2.0 * np.asarray(scaling, float)))


def risk_from_maximum(max_risk_estimate: ArrayLike, mahalanobis: ArrayLike) -> Floats:
    """log10 Pc from log10 Pc_max and the encounter-plane M, floored at `RISK_FLOOR`.

    Examples
    --------
    >>> float(risk_from_maximum(-4.0, 2.0**0.5))  # M² = 2: the covariance is the worst one already
    -4.0
    """
    distance = np.maximum(np.asarray(mahalanobis, float), SMALLEST_MAHALANOBIS)
    scaling = covariance_scaling(distance)
    risk = np.asarray(max_risk_estimate, float) + np.log10(scaling) + (1.0 - scaling) / _LN10
    return np.asarray(np.maximum(risk, RISK_FLOOR))


def effective_log_sigma(
    radius: ArrayLike, max_risk_estimate: ArrayLike, mahalanobis: ArrayLike
) -> Floats:
    """Logarithm of sqrt(σx σy), in the unit of `radius`, from Pc_max = R² / (e σx σy M²)."""
    distance = np.maximum(np.asarray(mahalanobis, float), SMALLEST_MAHALANOBIS)
    log_size = 2.0 * np.log(np.asarray(radius, float)) - 1.0 - 2.0 * np.log(distance)
    return np.asarray(0.5 * (log_size - np.asarray(max_risk_estimate, float) * _LN10))


def combined_radius(target_span: ArrayLike, chaser_span: ArrayLike) -> Floats:
    """Hard-body radius (t_span + c_span) / 2 in metres; NaN counts as `UNKNOWN_SPAN_M`."""
    spans = [np.asarray(span, float) for span in (target_span, chaser_span)]
    first, second = (np.where(np.isnan(span), UNKNOWN_SPAN_M, span) for span in spans)
    return np.asarray(0.5 * (first + second))


def rtn_axes(position: Floats, velocity: Floats) -> Floats:
    """Radial, transverse and normal unit vectors of each state.

    Parameters
    ----------
    position, velocity : ndarray of shape (n, 3)
        Inertial states.

    Returns
    -------
    ndarray of shape (n, 3, 3)
        The axes as columns, so that `axes @ C_rtn @ axes.mT` is an RTN covariance in inertial axes.
    """
    radial = _unit(position)
    normal = _unit(np.cross(position, velocity))
    return np.stack([radial, np.cross(normal, radial), normal], axis=2)


def encounter_plane(
    position: Floats, velocity: Floats, covariance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Project relative states onto the plane at right angles to their velocity.

    Parameters
    ----------
    position, velocity : ndarray of shape (n, 3)
        Relative position and velocity in one set of axes.
    covariance : ndarray of shape (n, 3, 3)
        Combined position covariance in the same axes.

    Returns
    -------
    sigma_x, sigma_y, mahalanobis : ndarray of shape (n,)
        Principal standard deviations (the larger first) and Mahalanobis distance in the plane.
    """
    along = _unit(velocity)
    reference = np.eye(3)[np.argmin(np.abs(along), axis=1)]  # the axis farthest from the velocity
    first = _unit(np.cross(along, reference))
    plane = np.stack([first, np.cross(along, first)], axis=1)  # (n, 2, 3)
    flat = plane @ covariance @ plane.mT  # (n, 2, 2)
    miss = (plane @ position[:, :, None])[:, :, 0]  # (n, 2)
    variances, axes = np.linalg.eigh(flat)
    principal = np.einsum("nij,ni->nj", axes, miss)
    mahalanobis = np.sqrt(np.sum(np.square(principal) / variances, axis=1))
    return np.sqrt(variances[:, 1]), np.sqrt(variances[:, 0]), mahalanobis


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
