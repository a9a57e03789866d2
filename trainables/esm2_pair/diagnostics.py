"""Pictures of a run: calibration, false alarms by shared metadata, leakage, and its course.

All are made from training and validation pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from search.trainable import Predictions
from trainables.esm2_pair.metrics import false_positive_rates
from trainables.techniques import pictures

COURSE: Final = {  # what is drawn over epochs: metric, title, axis
    "loss": ("train_loss", "Training loss", "loss, as trained"),
    "validation_loss": ("val_nll", "Validation loss", "cross-entropy"),
    "f1": ("val_f1", "F1 on validation data", "F1 at probability 1/2"),
}

Columns = Mapping[str, Sequence[float]]
Figure = dict[str, Any]


def figures(
    validation: Predictions, history: Columns, leakage: Mapping[str, float]
) -> dict[str, Figure]:
    """Return what explains a run, as a study's reports draw it.

    Parameters
    ----------
    validation : Predictions
        Logits, labels and strata.
    history : mapping of metric to sequence of float
        One value per epoch.
    leakage : mapping of str to float
        What the splits share, by name.
    """
    arrays = {**pictures.calibration(validation), **pictures.precision_recall(validation)}
    return {
        **pictures.figures(arrays),
        "false_positives": _false_positives(validation),
        "leakage": _leakage(leakage),
        **dict(_course(history)),
    }


def _false_positives(validation: Predictions) -> Figure:
    rates = false_positive_rates(validation)
    names = [name.removeprefix("fpr_matches_").replace("3_up", "3 or more") for name in rates]
    return {
        "kind": "bars",
        "title": "False alarms by metadata fields in common",
        "value_name": "share of negatives called positive",
        "note": "rising bars: the classifier goes by metadata",
        "names": names,
        "values": list(rates.values()),
    }


def _leakage(leakage: Mapping[str, float]) -> Figure:
    note = "shares and areas, as measured on the pairs" if leakage else "nothing was measured"
    return {
        "kind": "bars",
        "title": "What the splits share",
        "value_name": "share",
        "note": note,
        "names": list(leakage),
        "values": list(leakage.values()),
    }


def _course(history: Columns) -> Iterator[tuple[str, Figure]]:
    for name, (metric, title, axis) in COURSE.items():
        column = history.get(metric, ())
        yield (
            name,
            {
                "kind": "curve",
                "title": title,
                "x_name": "epoch",
                "y_name": axis,
                "x": np.arange(1, len(column) + 1),
                "y": np.asarray(column, np.float64),
            },
        )
