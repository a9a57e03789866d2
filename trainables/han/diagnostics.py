"""Pictures of a run: losses by task, weights and gradients over time, parameters, attention.

All are made from training and validation windows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from search.trainable import Predictions
from trainables.han.batch import TASKS, Task
from trainables.han.columns import LEVELS, forecast_features, score_columns, target_columns

INTERVALS = (0.5, 0.8, 0.9, 0.95)  # nominal coverage of symmetric intervals

Columns = Mapping[str, Sequence[float]]
Figure = dict[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is to be drawn.

    Parameters
    ----------
    history : mapping of metric to sequence of float
        One value per epoch.
    parameters : mapping of str to int
        Number of parameters by component.
    windows
        Number of training windows.
    fusion : ndarray of shape (n_sources,) or None
        Mean weight of each daily source, where there is a gate.
    sources
        Names of the daily sources.
    aggregation : ndarray of shape (n_days,) or None
        Mean attention of the last month to the days of the window.
    predictions : Predictions
        Of the validation windows.
    deviations : ndarray of shape (n_windows,) or None
        Of the anomaly score, as the network says it, in the score's own unit.
    dropped : mapping of source to sequence of str
        Columns that the correlation filter left out.
    """

    history: Columns
    parameters: Mapping[str, int]
    windows: int
    fusion: Floats | None
    sources: Sequence[str]
    aggregation: Floats | None
    predictions: Predictions
    deviations: Floats | None
    dropped: Mapping[str, Sequence[str]]


def figures(evidence: Evidence) -> dict[str, Figure]:
    """Return what explains a run, as a study's reports draw it."""
    found = {
        "losses": _losses(evidence.history),
        "loss_ratio": _ratios(evidence.history),
        "gradient_share": _shares(evidence.history),
        **dict(_weights(evidence.history)),
        "parameters": _parameters(evidence),
        "casualty_coverage": _quantile_coverage(evidence.predictions),
    }
    if evidence.deviations is not None:
        found["anomaly_coverage"] = _anomaly_coverage(evidence.predictions, evidence.deviations)
    if evidence.fusion is not None:
        names, values = list(evidence.sources), evidence.fusion
        found["source_gate"] = _bars("Weight of each daily source", "mean weight", names, values)
    if evidence.aggregation is not None:
        found["month_attention"] = _attention(evidence.aggregation)
    if evidence.dropped:
        found["dropped"] = _dropped(evidence.dropped)
    return found


def _bars(title: str, unit: str, names: Sequence[str], values: Any, note: str = "") -> Figure:
    told = {"note": note} if note else {}
    figure = {"kind": "bars", "title": title, "value_name": unit, "names": names, "values": values}
    return figure | told


def _losses(history: Columns) -> Figure:
    names, values = [], []
    for task in TASKS:
        for split, prefix in (("training", "train_"), ("validation", "val_")):
            if column := history.get(f"{prefix}loss_{task}"):
                names.append(f"{task} {split}")
                values.append(math.log10(column[-1]) if column[-1] > 0 else math.nan)
    note = "a step to the right is ten times the loss"
    return _bars("Loss of each task at the last epoch", "log10 of the loss", names, values, note)


def _ratios(history: Columns) -> Figure:
    names, values = [], []
    for task in TASKS:
        train, held = history.get(f"train_loss_{task}"), history.get(f"val_loss_{task}")
        if train and held and train[-1]:
            names.append(task)
            values.append(held[-1] / train[-1])
    note = "the source document hopes for less than 5"
    return _bars("Validation loss over training loss", "ratio", names, values, note)


def _shares(history: Columns) -> Figure:
    names = [task for task in TASKS if f"gradient_share_{task}" in history]
    columns = [np.asarray(history[f"gradient_share_{task}"]) for task in names]
    known = [column[np.isfinite(column)] for column in columns]
    values = [float(column.mean()) if len(column) else math.nan for column in known]
    note = "at what all tasks share, before surgery, mean over epochs"
    return _bars("Share of each task in the gradient", "share of the norms", names, values, note)


def _weights(history: Columns) -> Iterator[tuple[str, Figure]]:
    """Yield the weights that tasks had over time, where they were not all the same."""
    for task in TASKS:
        column = np.asarray(history.get(f"weight_{task}", ()), np.float64)
        if column.size and not np.all(column == 1.0):
            yield (
                f"weight_{task}",
                {
                    "kind": "curve",
                    "title": f"Weight of the task {task}",
                    "x_name": "epoch",
                    "y_name": "weight of its loss",
                    "x": np.arange(1, len(column) + 1),
                    "y": column,
                },
            )


def _parameters(evidence: Evidence) -> Figure:
    names, values = list(evidence.parameters), list(evidence.parameters.values())
    total = sum(values)
    note = f"{total:,} in all, {total / evidence.windows:.0f} per training window"
    return _bars("Parameters of each component", "parameters", names, values, note)


def _known(predictions: Predictions, task: Task) -> tuple[Floats, Floats]:
    """Return scores and truth of one of the tasks with a single target, where it is known."""
    features = forecast_features(predictions.targets.shape[1])
    truth = predictions.targets[:, target_columns(features)[task]][:, 0]
    scores = predictions.scores[:, score_columns(features)[task]]
    known = ~np.isnan(truth)
    return scores[known], truth[known]


def _quantile_coverage(predictions: Predictions) -> Figure:
    scores, truth = _known(predictions, "casualty")
    below = (truth[:, None] <= scores).mean(axis=0) if len(truth) else np.full(len(LEVELS), np.nan)
    return {
        "kind": "curve",
        "title": "Casualties at or below each predicted quantile",
        "note": "counts are whole numbers: above the diagonal by their ties",
        "x_name": "level of the quantile",
        "y_name": "share of validation windows",
        "diagonal": True,
        "x": LEVELS,
        "y": below,
    }


def _anomaly_coverage(predictions: Predictions, deviations: Floats) -> Figure:
    features = forecast_features(predictions.targets.shape[1])
    truth = predictions.targets[:, target_columns(features)["anomaly"]][:, 0]
    said = predictions.scores[:, score_columns(features)["anomaly"]][:, 0]
    known = ~np.isnan(truth)
    distance = np.abs(truth[known] - said[known]) / deviations[known]
    limits = np.asarray(stats.norm.ppf([(1 + level) / 2 for level in INTERVALS]))
    inside = [float((distance <= limit).mean()) for limit in limits] if len(distance) else []
    return {
        "kind": "curve",
        "title": "Anomalies inside the predicted intervals",
        "x_name": "nominal coverage",
        "y_name": "share of validation windows",
        "diagonal": True,
        "x": INTERVALS[: len(inside)],
        "y": inside,
    }


def _attention(shares: Floats) -> Figure:
    return {
        "kind": "curve",
        "title": "Attention of the last month to its days",
        "x_name": "days before the window's last one",
        "y_name": "mean share",
        "x": np.arange(len(shares))[::-1],
        "y": shares,
    }


def _dropped(dropped: Mapping[str, Sequence[str]]) -> Figure:
    note = "; ".join(f"{source}: {', '.join(names)}" for source, names in dropped.items())
    counts = [len(names) for names in dropped.values()]
    return _bars(
        "Columns that the correlation filter left out", "columns", list(dropped), counts, note
    )
