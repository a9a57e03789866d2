"""Reference lines: simple forecasts of the same targets, on the very splits that a seed gives HAN.

`persistence` is told what HAN is not, the targets of the days gone by; it is hard to beat where
regimes last for months.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch

from search.trainable import Predictions
from trainables.han.batch import AHEAD, MONTH, REGIMES, TASKS, Task
from trainables.han.columns import LEVELS
from trainables.han.config import HanConfig
from trainables.han.data_config import DataConfig
from trainables.han.handcrafted import rolling_mean
from trainables.han.inputs import series_of, splits_of
from trainables.han.linear import (
    fitted_class,
    fitted_count,
    fitted_numbers,
    summaries,
    within_range,
)
from trainables.han.metrics import evaluate
from trainables.han.panel import Doubles, Panel, Whole
from trainables.han.scaling import moments
from trainables.han.windows import Splits, targets_of
from trainables.techniques.reference_lines import Given, on_splits

RECENT: Final = 60  # days whose casualties are remembered
ENOUGH: Final = 10  # of them known
LEAST: Final = 1e-3  # a probability is never less
PLAIN: Final = HanConfig()

Said = dict[Task, Doubles]  # scores by task, their columns as in `columns`


@on_splits(splits_of, PLAIN)
def constant(given: Given[HanConfig, Splits]) -> dict[str, float]:
    """Return the metrics of what was usual in the training period, said on every day."""
    return _metrics(given.config.data, given.splits, _usual(given.config.data, given.splits))


@on_splits(splits_of, PLAIN)
def persistence(given: Given[HanConfig, Splits]) -> dict[str, float]:
    """Return the metrics of what was last observed, said again; see `constant`.

    Regime and anomaly are those last known. The quantiles of casualties are those of the two months
    gone by, forecasts the mean of the month, or of the week. Of transitions nothing is known but
    how frequent they are.
    """
    said = _usual(given.config.data, given.splits)
    for name in ("validation", "test"):
        said[name] |= _persistent(given.splits, given.splits.anchors(name), said[name])
    return _metrics(given.config.data, given.splits, said)


@on_splits(splits_of, PLAIN)
def ridge_and_logistic(given: Given[HanConfig, Splits]) -> dict[str, float]:
    """Return the metrics of linear models of recent means of the inputs; see `constant`."""
    series = series_of(given.config.data, given.splits, torch.device("cpu"))
    columns = {name: summaries(series, series.anchors(name)) for name in given.splits.periods}
    targets = _targets(given.config.data, given.splits)
    said = _usual(given.config.data, given.splits)
    for name in ("validation", "test"):
        train, truth, found = columns["train"], targets["train"], said[name]
        new = within_range(train, columns[name])
        found["regime"] = fitted_class(train, truth["regime"], new, found["regime"])
        two = np.column_stack([np.zeros(len(new)), found["transition"]])
        logits = fitted_class(train, truth["transition"], new, two)
        found["transition"] = logits[:, 1:] - logits[:, :1]
        found["casualty"] = fitted_count(train, truth["casualty"], new, found["casualty"])
        for task in ("anomaly", "forecast", "daily_forecast"):
            found[task] = fitted_numbers(train, truth[task], new, found[task])
    return _metrics(given.config.data, given.splits, said)


def _targets(config: DataConfig, splits: Splits) -> dict[str, dict[Task, Doubles]]:
    """Return targets by split and task, each of shape (n_windows, n_columns)."""
    every = targets_of(splits, config.windows)
    wide = {task: values.reshape(len(values), -1) for task, values in every.items()}
    return {
        name: {task: wide[task][splits.anchors(name)].astype(np.float64) for task in TASKS}
        for name in splits.periods
    }


def _usual(config: DataConfig, splits: Splits) -> dict[str, Said]:
    """Say for validation and test what was usual in training."""
    truth = _targets(config, splits)["train"]
    regime = truth["regime"][~np.isnan(truth["regime"])].astype(np.int64)
    share = np.bincount(regime, minlength=REGIMES) / max(1, len(regime))
    counts = truth["casualty"][~np.isnan(truth["casualty"])]
    quantiles = np.quantile(counts, LEVELS) if len(counts) else np.zeros(len(LEVELS))
    rate = np.clip(moments(truth["transition"])[0], LEAST, 1 - LEAST)
    lines: dict[Task, Doubles] = {
        "regime": np.log(np.maximum(share, LEAST)),
        "casualty": quantiles,
        "anomaly": moments(truth["anomaly"])[0],
        "transition": np.log(rate / (1 - rate)),
        "forecast": moments(truth["forecast"])[0],
        "daily_forecast": moments(truth["daily_forecast"])[0],
    }
    return {
        name: {task: np.tile(line, (len(splits.anchors(name)), 1)) for task, line in lines.items()}
        for name in ("validation", "test")
    }


def _persistent(splits: Splits, anchors: Whole, usual: Said) -> Said:
    panel = splits.panel
    values = panel.forecast_values
    month, week = rolling_mean(values, MONTH)[anchors], rolling_mean(values, AHEAD)[anchors]
    forecast = np.where(np.isnan(month), usual["forecast"], month)
    daily = np.tile(np.where(np.isnan(week), forecast, week), (1, AHEAD))
    regime = _last_known(panel, "regime", anchors)
    anomaly = _last_known(panel, "anomaly", anchors)[:, None]
    same = regime[:, None] == np.arange(REGIMES)
    certain = np.log(np.where(same, 0.9, 0.1 / (REGIMES - 1)))
    return {
        "regime": np.where(np.isnan(regime)[:, None], usual["regime"], certain),
        "casualty": _recent_quantiles(panel, anchors, usual["casualty"]),
        "anomaly": np.where(np.isnan(anomaly), usual["anomaly"], anomaly),
        "forecast": forecast,
        "daily_forecast": daily,
    }


def _last_known(panel: Panel, target: str, anchors: Whole) -> Doubles:
    """Return a target's last value that was known on each anchor day."""
    values = panel.targets[target]
    days = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, days))
    known = anchors - panel.reach
    place = np.where(known >= 0, last[np.maximum(known, 0)], -1)
    found: Doubles = np.where(place >= 0, values[np.maximum(place, 0)], np.nan)
    return found


def _recent_quantiles(panel: Panel, anchors: Whole, usual: Doubles) -> Doubles:
    found = usual.copy()
    for row, day in enumerate(anchors.tolist()):
        end = day - panel.reach + 1
        counts = panel.targets["casualty"][max(0, end - RECENT) : max(0, end)]
        counts = counts[~np.isnan(counts)]
        if len(counts) >= ENOUGH:
            found[row] = np.quantile(counts, LEVELS)
    return found


def _metrics(config: DataConfig, splits: Splits, said: Mapping[str, Said]) -> dict[str, float]:
    truth = _targets(config, splits)
    found: dict[str, float] = {}
    for prefix, name in (("val_", "validation"), ("test_", "test")):
        scores = np.concatenate([said[name][task] for task in TASKS], axis=1)
        targets = np.concatenate([truth[name][task] for task in TASKS], axis=1)
        metrics = evaluate(Predictions(scores, targets))
        found |= {prefix + metric: value for metric, value in metrics.items()}
    return found
