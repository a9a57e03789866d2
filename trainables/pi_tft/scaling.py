"""Compress heavy tails, impute, standardise: fitted on the train split, applied to every split."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainables.pi_tft.columns import Compression

Floats = NDArray[np.float64]


def compress(values: Floats, kinds: tuple[Compression, ...]) -> Floats:
    """Apply log1p or sign · log1p|·| to the columns (last axis) that ask for it; keep NaN."""
    out = np.array(values, dtype=np.float64)
    for column, kind in enumerate(kinds):
        if kind == "log":
            out[..., column] = np.log1p(np.maximum(out[..., column], 0.0))
        elif kind == "signed_log":
            out[..., column] = np.sign(out[..., column]) * np.log1p(np.abs(out[..., column]))
    return out


@dataclass(frozen=True)
class Scaler:
    """Train statistics of each column of a table.

    Attributes
    ----------
    median, mean, deviation : ndarray of shape (n_columns,)
        Median of the values that are there (0 where a column has none), and mean and standard
        deviation after imputing it (1 where a column is constant).
    """

    median: Floats
    mean: Floats
    deviation: Floats

    @classmethod
    def fit(cls, rows: Floats) -> "Scaler":
        """Fit on rows of shape (n_rows, n_columns) that may hold NaN."""
        known = ~np.isnan(rows)
        median = np.zeros(rows.shape[1])
        for column in np.flatnonzero(known.any(axis=0)):
            median[column] = np.median(rows[known[:, column], column])
        filled = np.where(known, rows, median)
        deviation = filled.std(axis=0)
        return cls(median, filled.mean(axis=0), np.where(deviation > 0.0, deviation, 1.0))

    def impute(self, values: Floats) -> Floats:
        """Replace NaN by the train median of its column (last axis)."""
        return np.where(np.isnan(values), self.median, values)

    def standardise(self, values: Floats) -> Floats:
        """Impute, then subtract the mean and divide by the deviation."""
        return (self.impute(values) - self.mean) / self.deviation
