"""Scaling of counts per minute, and a check that finds a wrong one before a run trains on it.

Fine-tuning of a network of this kind once stood at an AUC of 0.47 because counts were scaled by
constants that belonged to other data, mean 2.5 and standard deviation 2.0. `Normalisation` offers
that as "fixed", beside four ways that follow the data; `check_normalised` tells them apart.

Statistics are fitted on the train split. (The paper, arXiv:2411.15240, scales every split by its
own statistics, so that a prediction depends on the other people tested; that is not offered.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from trainables.pat.windows import Counts, Numbers

Kind = Literal["per_minute", "global", "per_participant", "per_window", "fixed"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

FIXED_MEAN: Final = 2.5
FIXED_DEVIATION: Final = 2.0

MEAN_TOLERANCE: Final = 0.25
"""A normalised train split has a mean this close to 0."""

DEVIATION_RANGE: Final = (0.5, 2.0)
"""And a standard deviation within these: clipping and constant minutes make it less than 1."""

_FLAT: Final = 1e-6  # a smaller deviation, relative to the mean, is rounding of a constant

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Normalisation:
    """A fitted scaler of windows.

    Attributes
    ----------
    kind
        "per_minute": every minute of the window by its own train mean and deviation (which the
        paper does). "global": all minutes by one mean and one deviation. "per_participant": all
        windows of a person by that person's own, which removes the gain of a device but also how
        active the person is. "per_window": every window by its own. "fixed": by 2.5 and 2.0,
        whatever the data; the bug.
    log1p
        Take log(1 + counts) first.
    clip
        Largest distance from 0 after scaling, in standard deviations; None does not clip. "fixed"
        never clips: clipped to a few deviations, raw counts become "moved or not", which hides how
        wrong the scale is.
    mean, deviation : ndarray of shape (minutes,) or ()
        Fitted on the train split; those of "per_participant" and "per_window" are not used. The
        deviation is 1 where the train split does not vary.
    """

    kind: Kind
    log1p: bool
    clip: float | None
    mean: Floats
    deviation: Floats

    @classmethod
    def fit(
        cls, activity: Counts, kind: Kind, *, log1p: bool = False, clip: float | None = None
    ) -> Normalisation:
        """Fit on the train split's counts, shape (n_windows, minutes).

        Raises
        ------
        ValueError
            If the kind is unknown, `clip` is not positive, or there is no window.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if clip is not None and not clip > 0:
            raise ValueError(f"clip must be positive or None, got {clip}")
        if activity.size == 0:
            raise ValueError("a scaler needs at least one train window")
        mean, deviation = _statistics(_compressed(activity, log1p=log1p), kind)
        return cls(kind, log1p, clip, mean, deviation)

    def apply(self, activity: Counts, participant: Numbers | None = None) -> Counts:
        """Scale counts of any split.

        Parameters
        ----------
        activity : ndarray of shape (n_windows, minutes)
        participant : ndarray of int, shape (n_windows,), optional
            Whose each window is, for "per_participant"; by default everybody has one.

        Returns
        -------
        ndarray of float32, shape (n_windows, minutes)
            In standard deviations, finite.
        """
        values = _compressed(activity, log1p=self.log1p)
        mean, deviation = self.mean, self.deviation
        if self.kind in ("per_window", "per_participant"):
            if participant is None or self.kind == "per_window":
                participant = np.arange(len(values))
            mean, deviation = _of_groups(values, participant)
        scaled: Counts = np.divide(values - mean, deviation, dtype=np.float32, casting="same_kind")
        if self.clip is None or self.kind == "fixed":
            return scaled
        clipped: Counts = np.clip(scaled, -self.clip, self.clip, dtype=np.float32)
        return clipped


def check_normalised(scaled: Counts) -> str | None:
    """Say what is wrong with the scale of the train split, or None if it is as it should be.

    Parameters
    ----------
    scaled : ndarray of shape (n_windows, minutes)
        The train split after normalisation: a network expects a mean of about 0 and a standard
        deviation of about 1.

    Returns
    -------
    str or None
        What was seen, what follows from it, and what to do.

    Examples
    --------
    >>> check_normalised(np.float32([[-1.0, 1.0], [1.0, -1.0]])) is None
    True
    >>> print(check_normalised(np.float32([[0.0, 300.0], [0.0, 900.0]])))
    the normalised train split has mean 300 and standard deviation 367 (largest value 900), where \
about 0 and 1 are expected: its scale is not that of these counts, as when constants of other data \
are used; fit the scaler on the train split ("per_minute" or "global")
    """
    if not np.isfinite(scaled).all():
        bad = int((~np.isfinite(scaled)).sum())
        return (
            f"the normalised train split holds {bad} values that are not finite: a minute without "
            "variation was divided by its deviation, or counts are missing"
        )
    mean = float(scaled.mean(dtype=np.float64))
    deviation = float(scaled.std(dtype=np.float64))
    if deviation < _FLAT:
        return (
            f"the normalised train split is {mean:.3g} everywhere: there is nothing to learn from; "
            "check that the files hold counts"
        )
    if abs(mean) <= MEAN_TOLERANCE and DEVIATION_RANGE[0] <= deviation <= DEVIATION_RANGE[1]:
        return None
    return (
        f"the normalised train split has mean {mean:.3g} and standard deviation {deviation:.3g} "
        f"(largest value {float(scaled.max()):.3g}), where about 0 and 1 are expected: its scale "
        "is not that of these counts, as when constants of other data are used; fit the scaler on "
        'the train split ("per_minute" or "global")'
    )


def _compressed(activity: Counts, *, log1p: bool) -> Counts:
    return np.log1p(activity).astype(np.float32) if log1p else activity


def _statistics(values: Counts, kind: Kind) -> tuple[Floats, Floats]:
    if kind == "fixed":
        return np.array(FIXED_MEAN), np.array(FIXED_DEVIATION)
    if kind in ("per_window", "per_participant"):
        return np.array(0.0), np.array(1.0)
    axis = 0 if kind == "per_minute" else None
    mean = np.asarray(values.mean(axis=axis, dtype=np.float64))
    return mean, _spread(np.asarray(values.std(axis=axis, dtype=np.float64)), mean)


def _of_groups(values: Counts, group: Numbers) -> tuple[Floats, Floats]:
    """Return mean and deviation of the group that each row belongs to, shape (n_windows, 1)."""
    _, place = np.unique(group, return_inverse=True)
    rows = np.bincount(place)
    mean = np.bincount(place, values.mean(axis=1, dtype=np.float64)) / rows
    apart = np.square(values - mean[place, None], dtype=np.float64).mean(axis=1)
    deviation = np.sqrt(np.bincount(place, apart) / rows)
    return mean[place, None], _spread(deviation, mean)[place, None]


def _spread(deviation: Floats, mean: Floats) -> Floats:
    """Return the deviation, or 1 where it is none but for rounding."""
    flat = deviation <= _FLAT * np.maximum(np.abs(mean), 1.0)
    return np.where(flat, 1.0, deviation)
