"""Linear models of recent means of the inputs: what a network has to beat."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from torch import Tensor

from trainables.han.batch import Observed
from trainables.han.columns import LEVELS
from trainables.han.panel import YEAR, Doubles
from trainables.han.series import Series

SPANS: Final = (7, 28)  # days that means are taken over
MONTHS: Final = 3
PENALTY: Final = 300.0  # windows overlap: few of them are news
REGULARISATION: Final = 0.02  # C of the logistic regression
FOLDS: Final = 5
AT_ONCE: Final = 256  # windows that are gathered
ENOUGH: Final = 10  # known targets, for a fit


def summaries(series: Series, anchors: Tensor) -> Doubles:
    """Return hand-made columns of some windows.

    Returns
    -------
    ndarray of shape (n_windows, n_columns)
        The means of every input's observed values in the last week and the last four (regions taken
        together), and in the last three months of monthly sources; the season's sine and cosine.
    """
    starts = range(0, len(anchors), AT_ONCE)
    parts = [_part(series, anchors[start : start + AT_ONCE]) for start in starts]
    return torch.cat(parts).double().cpu().numpy()


def _part(series: Series, anchors: Tensor) -> Tensor:
    batch = series.batch(anchors)
    columns = []
    for span in SPANS:
        columns += [_mean(seen, span) for seen in batch.daily.values()]
        columns += [_mean(_by_day(seen), span) for seen in batch.regional.values()]
    # the anchor's own month is in the window, but not over
    columns += [_mean(seen, MONTHS + 1) for seen in batch.monthly.values()]
    angle = 2 * torch.pi * batch.season[:, -1:] / YEAR
    return torch.cat([*columns, angle.sin(), angle.cos()], dim=1)


def _by_day(seen: Observed) -> Observed:
    """Average regions: (n, n_days, n_regions, n_features) to (n, n_days, n_features)."""
    count = seen.mask.sum(dim=2)
    return Observed((seen.values * seen.mask).sum(dim=2) / count.clamp(min=1), count > 0)


def _mean(seen: Observed, steps: int) -> Tensor:
    values, mask = seen.values[:, -steps:], seen.mask[:, -steps:]
    return (values * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def within_range(train: Doubles, new: Doubles) -> Doubles:
    """Clip columns to the range they had in training: a line goes on for ever, claims do not."""
    return np.clip(new, train.min(axis=0), train.max(axis=0))


def fitted_class(train: Doubles, truth: Doubles, new: Doubles, usual: Doubles) -> Doubles:
    """Return the logits of classes by a logistic regression.

    Parameters
    ----------
    train, new : ndarray of shape (n_windows, n_columns)
    truth : ndarray of shape (n_windows, 1)
        Class of each training window, NaN where it is not known.
    usual : ndarray of shape (n_new, n_classes)
        What is said where there is nothing to learn: of all if one class only is known, of a class
        that does not occur.
    """
    known = ~np.isnan(truth[:, 0])
    labels = truth[known, 0].astype(np.int64)
    if len(np.unique(labels)) < 2:
        return usual
    model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit(train[known], labels)
    found = usual.copy()
    found[:, model.classes_] = model.predict_log_proba(new)
    return found


def fitted_numbers(train: Doubles, truth: Doubles, new: Doubles, usual: Doubles) -> Doubles:
    """Return a ridge regression's forecast of every column of the truth; see `fitted_class`."""
    found = usual.copy()
    patterns, pattern = np.unique(~np.isnan(truth), axis=1, return_inverse=True)
    for place, known in enumerate(patterns.T):  # columns of a source are silent together
        columns = np.flatnonzero(pattern.ravel() == place)
        if known.sum() >= ENOUGH:
            model = Ridge(PENALTY).fit(train[known], truth[np.ix_(known, columns)])
            found[:, columns] = model.predict(new).reshape(len(new), -1)
    return found


def fitted_count(train: Doubles, truth: Doubles, new: Doubles, usual: Doubles) -> Doubles:
    """Return the quantiles of a count, by a ridge regression of its logarithm and its errors.

    Errors are those on stretches of the training period that a fit has not seen.
    """
    known = ~np.isnan(truth[:, 0])
    if known.sum() < ENOUGH:
        return usual
    logs = np.log1p(truth[known, 0])
    error = logs - cross_val_predict(Ridge(PENALTY), train[known], logs, cv=KFold(FOLDS))
    centre = Ridge(PENALTY).fit(train[known], logs).predict(new)
    found: Doubles = np.expm1(centre[:, np.newaxis] + np.quantile(error, LEVELS))
    return np.maximum(found, 0.0)
