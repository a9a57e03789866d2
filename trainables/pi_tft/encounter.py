"""Geometry of a generated encounter: two objects of the same speed, uncorrelated RTN errors.

The relative velocity makes the angle a with the target's track and, by the equal speeds, the same
angle with the chaser's. The encounter plane is spanned by the radial axis and by the horizontal
u = −sin a · T + cos a · N, which are principal axes of the combined covariance.
"""

from collections.abc import Mapping

import numpy as np

from trainables.pi_tft import physics
from trainables.pi_tft.physics import Floats


def encounter_sigmas(sigmas: Mapping[str, Floats], angle: Floats) -> tuple[Floats, Floats]:
    """Combine both objects' sigmas along the two axes of the encounter plane: u, radial."""
    transverse = np.square(sigmas["t_sigma_t"]) + np.square(sigmas["c_sigma_t"])
    normal = np.square(sigmas["t_sigma_n"]) + np.square(sigmas["c_sigma_n"])
    radial = np.square(sigmas["t_sigma_r"]) + np.square(sigmas["c_sigma_r"])
    sine2 = np.square(np.sin(angle))[:, None]
    return np.sqrt(sine2 * transverse + (1.0 - sine2) * normal), np.sqrt(radial)


def report(
    x: Floats, y: Floats, sigmas: Mapping[str, Floats], events: Mapping[str, Floats]
) -> dict[str, Floats]:
    """Compute every column that follows exactly from an estimate and a reported covariance.

    Parameters
    ----------
    x, y : ndarray of shape (n_events, n_messages)
        Estimated miss vector in metres, along u and the radial axis.
    sigmas : mapping of str to ndarray of shape (n_events, n_messages)
        `t_sigma_r` to `c_sigma_n`, in metres.
    events : mapping of str to ndarray of shape (n_events,)
        `encounter_angle` in radians, `t_span` and `c_span` in metres (NaN where unknown).
    """
    angle = events["encounter_angle"]
    sigma_x, sigma_y = encounter_sigmas(sigmas, angle)
    mahalanobis = np.hypot(x / sigma_x, y / sigma_y)
    radius = physics.combined_radius(events["t_span"], events["c_span"])[:, None]
    maximum = np.log10(physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis))
    maximum = np.minimum(maximum, 0.0)  # also where the small-radius form leaves its domain
    sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
    return {
        "risk": physics.risk_from_maximum(maximum, mahalanobis),
        "max_risk_estimate": maximum,
        "max_risk_scaling": physics.covariance_scaling(mahalanobis),
        "miss_distance": np.hypot(x, y),
        "relative_position_r": y,
        "relative_position_t": -sine * x,
        "relative_position_n": cosine * x,
        "mahalanobis_distance": _spatial_mahalanobis(x, y / sigma_y, sigmas, angle),
    }


def _spatial_mahalanobis(
    x: Floats, radial: Floats, sigmas: Mapping[str, Floats], angle: Floats
) -> Floats:
    """Three-dimensional Mahalanobis distance; never below the encounter plane's."""
    turn = 2.0 * angle + np.pi  # of the chaser's track from the target's
    sine2, cosine2 = np.square(np.sin(turn))[:, None], np.square(np.cos(turn))[:, None]
    mixed = (np.sin(turn) * np.cos(turn))[:, None]
    transverse, normal = np.square(sigmas["c_sigma_t"]), np.square(sigmas["c_sigma_n"])
    tt = np.square(sigmas["t_sigma_t"]) + cosine2 * transverse + sine2 * normal
    nn = np.square(sigmas["t_sigma_n"]) + sine2 * transverse + cosine2 * normal
    tn = mixed * (transverse - normal)
    u_t, u_n = -np.sin(angle)[:, None], np.cos(angle)[:, None]
    quadratic = (nn * u_t * u_t - 2.0 * tn * u_t * u_n + tt * u_n * u_n) / (tt * nn - tn * tn)
    return np.asarray(np.sqrt(np.square(radial) + np.square(x) * quadratic))
