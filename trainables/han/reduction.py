"""Fewer columns: a filter of correlated ones, and principal components of regional sources.

Both are fitted to the training period. The order is: filter, scale, components.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainables.han.panel import Doubles, Floats, Whole
from trainables.techniques.limits import at_least, within

SECTION: Final = "data.reduction."
LEAST_ROWS: Final = 12  # observed together, for a correlation to be believed


@dataclass(frozen=True)
class ReductionConfig:
    """Which columns are dropped or merged."""

    correlation: float = 1.0  # above it, one column of a pair is dropped; 1 for none (.85)
    components: int = 0  # of each regional source, jointly over regions; 0 for its own columns (8)


def reduction_problems(reduction: ReductionConfig) -> Iterator[str]:
    """Yield what is wrong with a configuration of the reduction."""
    yield from within(reduction, 0.0, 1.0, "correlation", prefix=SECTION)
    yield from at_least(reduction, 0, "components", prefix=SECTION)


def kept_columns(values: Floats, threshold: float) -> Whole:
    """Return which columns of a source stay.

    Pairs are taken by their correlation, the strongest first; of a pair whose columns are both
    still there, the one that varies less, in its own unit, is dropped (the later one if equal).

    Parameters
    ----------
    values : ndarray of shape (..., n_features)
        NaN where not observed: a correlation is that of the rows where both columns were, if these
        are a dozen.
    threshold
        Absolute correlation that two columns may have; 1 keeps all.
    """
    columns = values.reshape(-1, values.shape[-1]).astype(np.float64)
    width = columns.shape[1]
    kept = np.ones(width, np.bool_)
    if threshold >= 1:
        return np.arange(width)
    correlation = np.abs(correlations(columns))
    spread = deviations(columns)
    first, second = np.triu_indices(width, 1)
    for pair in np.argsort(-correlation[first, second], kind="stable"):
        i, j = first[pair], second[pair]
        if correlation[i, j] > threshold and kept[i] and kept[j]:
            kept[i if spread[i] < spread[j] else j] = False
    return np.flatnonzero(kept)


def deviations(columns: Doubles) -> Doubles:
    """Return the standard deviation of each column's known values; 0 where there is none."""
    known = ~np.isnan(columns)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns, 0.0).sum(axis=0) / count
    squares: Doubles = np.square(np.where(known, columns - mean, 0.0)).sum(axis=0)
    return np.asarray(np.sqrt(squares / count))


def correlations(columns: Doubles) -> Doubles:
    """Return Pearson's correlation of each pair of columns over the rows where both are known.

    Zero where there are fewer than a dozen, or one does not vary.
    """
    known = ~np.isnan(columns)
    centre = np.where(known, columns, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    x = np.where(known, columns - centre, 0.0)
    m = known.astype(np.float64)
    count = np.maximum(m.T @ m, 1.0)
    sums = x.T @ m  # (i, j): of column i, where j is known
    squares = np.square(x).T @ m
    covariance = x.T @ x - sums * sums.T / count
    variance = np.maximum(squares - np.square(sums) / count, 0.0)
    scale = np.sqrt(variance * variance.T)
    fine = (count >= LEAST_ROWS) & (variance > 1e-12 * squares) & (variance.T > 1e-12 * squares.T)
    return np.where(fine & (scale > 0), covariance / np.where(scale > 0, scale, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Components:
    """Directions in which the rows of a source differ most.

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
    directions : ndarray of shape (n_features, n_components)
    """

    mean: Doubles
    directions: Doubles

    def apply(self, values: Floats) -> Floats:
        """Project rows; a row with a gap has no component, for nobody knows its place."""
        return ((values - self.mean) @ self.directions).astype(np.float32)


def fit_components(values: Floats, size: int) -> Components:
    """Find the principal components of all complete rows of a regional source.

    Parameters
    ----------
    values : ndarray of shape (n_days, n_regions, n_features)
        Of the training period, scaled.
    size
        Number of components, at most the number of columns.
    """
    rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
    rows = rows[~np.isnan(rows).any(axis=1)]
    mean = rows.mean(axis=0) if len(rows) else np.zeros(values.shape[-1])
    spread = (rows - mean).T @ (rows - mean)
    found = np.linalg.eigh(spread)[1][:, ::-1][:, :size]
    largest = np.abs(found).argmax(axis=0)
    sign = np.sign(found[largest, np.arange(found.shape[1])])  # else it is the library's whim
    return Components(mean, found * sign)
