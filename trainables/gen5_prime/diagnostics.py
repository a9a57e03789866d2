"""Pictures of a run: calibration, areas by radius, errors at a chosen threshold, and its course.

All are made from training and validation pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from search.trainable import Predictions
from trainables.gen5_prime.stamps import Stamps
from trainables.gen5_prime.strata import BINS, by_radius
from trainables.techniques import pictures
from trainables.techniques.calibration import fit_threshold

COURSE: Final = {  # what is drawn over epochs: metric, title, axis
    "loss": ("train_loss", "Training loss", "loss, as trained"),
    "validation_loss": ("val_nll", "Validation loss", "cross-entropy"),
    "auroc": ("val_auroc", "AUROC on validation data", "AUROC"),
    "gradient": ("grad_norm_max", "Largest gradient norm of an epoch", "norm"),
    "rate": ("lr", "Learning rate at the end of an epoch", "learning rate"),
    "attention": ("val_on_arc", "Grad-CAM on the arc", "share in the ring, over a flat map's"),
}

Columns = Mapping[str, Sequence[float]]
Figure = dict[str, Any]


def figures(validation: Predictions, stamps: Stamps, history: Columns) -> dict[str, Figure]:
    """Return what explains a run, as a study's reports draw it.

    Parameters
    ----------
    validation : Predictions
    stamps : Stamps
        Of the validation split.
    history : mapping of metric to sequence of float
        One value per epoch.
    """
    arrays = {**pictures.calibration(validation), **pictures.precision_recall(validation)}
    return {
        **pictures.figures(arrays),
        "radius": _radius(validation, stamps),
        "confusion": _confusion(validation),
        **dict(_course(history)),
    }


def _radius(validation: Predictions, stamps: Stamps) -> Figure:
    areas = by_radius(np.asarray(validation.scores, np.float64), stamps)
    names = [name for name in BINS if f"auroc_theta_{name}" in areas]
    return {
        "kind": "bars",
        "title": "AUROC by Einstein radius, on validation data",
        "value_name": "AUROC against all pairs without an arc",
        "note": "rising bars are expected: larger arcs are apart from the galaxy",
        "names": [name.replace("p", ".").replace("_", " to ") + " arcsec" for name in names],
        "values": [areas[f"auroc_theta_{name}"] for name in names],
    }


def _confusion(validation: Predictions) -> Figure:
    threshold = -fit_threshold(validation).offset
    called = np.asarray(validation.scores) >= threshold
    label = np.asarray(validation.targets) > 0
    counts = {
        "arcs found": called & label,
        "arcs missed": ~called & label,
        "false alarms": called & ~label,
        "rightly left": ~called & ~label,
    }
    return {
        "kind": "bars",
        "title": "Decisions at the best threshold by F1, on validation data",
        "value_name": "pairs",
        "note": f"threshold {1 / (1 + np.exp(-threshold)):.2f}",
        "names": list(counts),
        "values": [int(rows.sum()) for rows in counts.values()],
    }


def _course(history: Columns) -> Iterator[tuple[str, Figure]]:
    for name, (metric, title, axis) in COURSE.items():
        column = np.asarray(history.get(metric, ()), np.float64)
        epoch, known = np.arange(1, len(column) + 1), ~np.isnan(column)
        yield (
            name,
            {
                "kind": "curve",
                "title": title,
                "x_name": "epoch",
                "y_name": axis,
                "x": epoch[known],
                "y": column[known],
            },
        )
