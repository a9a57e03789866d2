"""Write generated conjunctions as the official archive does: generator and reader meet here.

The columns that the generator does not model hold one plausible constant each (or 0, for the
correlations: the encounter axes are principal axes), so that nothing in them can inform a model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from trainables.pi_tft.columns import COLUMNS, OBJECT_TYPES, TRUE_RISK
from trainables.pi_tft.conjunctions import HORIZON_DAYS, Conjunctions, Role
from trainables.pi_tft.kelvins import PRIVATE_FILE, TEST_FILE, TRAIN_FILE

_EARTH_RADIUS_KM: Final = 6378.137
_CONSTANTS: Final[Mapping[str, float]] = {
    "t_time_lastob_start": 1.0,
    "c_time_lastob_start": 180.0,
    "t_recommended_od_span": 5.0,
    "t_actual_od_span": 5.0,
    "c_recommended_od_span": 10.0,
    "c_actual_od_span": 10.0,
    "t_obs_available": 300.0,
    "t_obs_used": 290.0,
    "c_obs_available": 200.0,
    "t_residuals_accepted": 98.0,
    "c_residuals_accepted": 95.0,
    "t_weighted_rms": 1.1,
    "c_weighted_rms": 1.2,
    "t_rcs_estimate": 3.0,
    "t_cd_area_over_mass": 0.01,
    "t_cr_area_over_mass": 0.005,
    "c_cr_area_over_mass": 0.05,
    "t_sedr": 1e-4,
    "c_sedr": 1e-3,
    "t_j2k_ecc": 0.001,
    "c_j2k_sma": 7070.0,
    "c_j2k_ecc": 0.002,
    "t_j2k_inc": 98.0,
    "c_j2k_inc": 82.0,
    "F3M": 100.0,
    "SSN": 50.0,
    "AP": 10.0,
}
_Column = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.str_] | float


def to_frame(drawn: Conjunctions) -> pd.DataFrame:
    """Give every message a row of the 103 official columns, in time order within an event."""
    rows, slots = np.nonzero(drawn.present)
    values: dict[str, _Column] = dict.fromkeys(COLUMNS, 0.0)  # correlations stay 0
    values |= _CONSTANTS
    values |= {name: array[rows, slots] for name, array in drawn.messages.items()}
    values |= {name: array[rows] for name, array in drawn.events.items() if name in values}
    values["event_id"] = drawn.event_id[rows]
    values["c_object_type"] = np.array(OBJECT_TYPES)[drawn.object_type[rows]]
    angle, speed = (drawn.events[name][rows] for name in ("encounter_angle", "relative_speed"))
    values["relative_velocity_t"] = speed * np.cos(angle)
    values["relative_velocity_n"] = speed * np.sin(angle)
    values["azimuth"] = np.degrees(angle)
    frame = pd.DataFrame(values)
    return frame.assign(**_derived(frame))[list(COLUMNS)]


def write_archive(folder: Path, splits: Mapping[Role, Conjunctions]) -> None:
    """Write `train_data.csv`, `test_data.csv` and `test_data_private.csv`.

    The first holds the train and the validation events. As in the official archive, the public
    test file withholds the messages of the last two days, and the private one publishes the final
    risks.
    """
    train = [to_frame(splits[role]) for role in ("train", "validation")]
    test = splits["test"]
    visible = to_frame(test)
    private = pd.DataFrame({"event_id": test.event_id, TRUE_RISK: test.messages["risk"][:, -1]})
    pd.concat(train).to_csv(folder / TRAIN_FILE, index=False)
    visible[visible["time_to_tca"] >= HORIZON_DAYS].to_csv(folder / TEST_FILE, index=False)
    private.to_csv(folder / PRIVATE_FILE, index=False)


def _derived(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Compute the columns that follow from others."""
    derived = {}
    for owner in ("t", "c"):
        sigmas = [frame[f"{owner}_sigma_{axis}"] for axis in ("r", "t", "n")]
        derived[f"{owner}_position_covariance_det"] = (sigmas[0] * sigmas[1] * sigmas[2]) ** 2
        for axis, sigma in zip(("rdot", "tdot", "ndot"), sigmas, strict=True):
            derived[f"{owner}_sigma_{axis}"] = 1e-3 * sigma  # m/s: about one orbital rate
        axis_km, eccentricity = frame[f"{owner}_j2k_sma"], frame[f"{owner}_j2k_ecc"]
        derived[f"{owner}_h_apo"] = axis_km * (1.0 + eccentricity) - _EARTH_RADIUS_KM
        derived[f"{owner}_h_per"] = axis_km * (1.0 - eccentricity) - _EARTH_RADIUS_KM
    return derived
