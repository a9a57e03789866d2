"""Names of the columns of a conjunction data message, and which of them a network reads.

The official files have one row per message and 103 columns; their meaning is on the challenge's
data page (https://kelvins.esa.int/collision-avoidance-challenge/data/, archive: Zenodo 4463683).
The prefix `t_` is the target, our satellite; `c_` is the chaser, the other object. R, T, N are
radial, transverse and normal.
"""

from typing import Final, Literal

Compression = Literal["none", "log", "signed_log"]

_STATE_CORRELATIONS: Final = (
    *("ct_r", "cn_r", "cn_t", "crdot_r", "crdot_t", "crdot_n", "ctdot_r", "ctdot_t", "ctdot_n"),
    *("ctdot_rdot", "cndot_r", "cndot_t", "cndot_n", "cndot_rdot", "cndot_tdot"),
)
_PER_OBJECT: Final = (
    *("time_lastob_start", "time_lastob_end", "recommended_od_span", "actual_od_span"),
    *("obs_available", "obs_used", "residuals_accepted", "weighted_rms", "rcs_estimate"),
    *("cd_area_over_mass", "cr_area_over_mass", "sedr", "j2k_sma", "j2k_ecc", "j2k_inc"),
    *_STATE_CORRELATIONS,
)
_SIGMAS: Final = ("sigma_r", "sigma_t", "sigma_n", "sigma_rdot", "sigma_tdot", "sigma_ndot")

COLUMNS: Final[tuple[str, ...]] = (
    *("event_id", "time_to_tca", "mission_id", "risk", "max_risk_estimate", "max_risk_scaling"),
    *("miss_distance", "relative_speed"),
    *("relative_position_r", "relative_position_t", "relative_position_n"),
    *("relative_velocity_r", "relative_velocity_t", "relative_velocity_n"),
    *(f"t_{name}" for name in _PER_OBJECT),
    "c_object_type",
    *(f"c_{name}" for name in _PER_OBJECT),
    *("t_span", "c_span", "t_h_apo", "t_h_per", "c_h_apo", "c_h_per"),
    *("geocentric_latitude", "azimuth", "elevation", "mahalanobis_distance"),
    *("t_position_covariance_det", "c_position_covariance_det"),
    *(f"{owner}_{name}" for name in _SIGMAS for owner in ("t", "c")),
    *("F10", "F3M", "SSN", "AP"),
)
"""The 103 official columns, in the files' order."""

REQUIRED: Final[tuple[str, ...]] = ("event_id", "time_to_tca", "risk")
"""A message without one of these cannot be placed or labelled, so its row is dropped."""

OFFICIAL_TEST: Final = "official_test"
"""Added by the loader: True on messages of the challenge's own test file."""

TRUE_RISK: Final = "true_risk"
"""Added by the loader: the published final risk of an official test event, NaN elsewhere."""

TEMPORAL: Final[dict[str, Compression]] = {
    "risk": "none",  # already a logarithm
    "max_risk_estimate": "none",
    "max_risk_scaling": "log",
    "miss_distance": "log",
    "mahalanobis_distance": "log",
    "relative_position_r": "signed_log",
    "relative_position_t": "signed_log",
    "relative_position_n": "signed_log",
    "t_sigma_r": "log",
    "t_sigma_t": "log",
    "t_sigma_n": "log",
    "c_sigma_r": "log",
    "c_sigma_t": "log",
    "c_sigma_n": "log",
    "c_obs_used": "log",
    "c_time_lastob_end": "log",  # age of the last observation: new orbit or stale one
}
"""Columns read at every message, with the compression of their heavy tails."""

OBJECT_TYPES: Final = ("PAYLOAD", "DEBRIS", "ROCKET BODY", "UNKNOWN", "TBA")
"""Values of `c_object_type` in the official files; a network reads them one-hot."""

STATIC: Final[dict[str, Compression]] = {
    "t_span": "log",
    "c_span": "log",
    "relative_speed": "none",
    "c_rcs_estimate": "log",
    "c_cd_area_over_mass": "log",
    "t_j2k_sma": "none",
    "F10": "none",
}
"""Columns read once per event, at its latest message before the horizon."""

MISSING_SHARE: Final = "missing_share"
"""Share of the temporal columns that a message lacks: the one missing indicator."""
