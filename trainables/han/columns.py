"""Columns of predictions: which of them say what about which task."""

from __future__ import annotations

from typing import Final

from trainables.han.batch import AHEAD, REGIMES, TASKS, Task

LEVELS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the casualty count's quantiles
SINGLE: Final = 4  # tasks with one target each: regime, casualty, anomaly, transition


def forecast_features(n_target_columns: int) -> int:
    """Return how many features are forecast, from the number of columns of targets.

    Raises
    ------
    ValueError
        If no number of features has so many columns.

    Examples
    --------
    >>> forecast_features(4 + 8 * 24)
    24
    """
    features, rest = divmod(n_target_columns - SINGLE, 1 + AHEAD)
    if rest or features < 0:
        raise ValueError(
            f"targets need {SINGLE} columns and {1 + AHEAD} per feature that is forecast, "
            f"got {n_target_columns}"
        )
    return features


def score_columns(features: int) -> dict[Task, slice]:
    """Return each task's columns of scores.

    4 logits of the regime, 9 quantiles of the casualty count at `LEVELS`, the anomaly's mean, the
    logit of a transition, the forecast's features, and these again for each of the 7 days to come,
    day by day.
    """
    return _columns((REGIMES, len(LEVELS), 1, 1, features, AHEAD * features))


def target_columns(features: int) -> dict[Task, slice]:
    """Return each task's columns of targets; one each, forecasts as in `score_columns`."""
    return _columns((1, 1, 1, 1, features, AHEAD * features))


def _columns(widths: tuple[int, int, int, int, int, int]) -> dict[Task, slice]:
    columns: dict[Task, slice] = {}
    start = 0
    for name, width in zip(TASKS, widths, strict=True):
        columns[name] = slice(start, start + width)
        start += width
    return columns
