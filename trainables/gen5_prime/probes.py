"""Shortcut diagnostics: what a network's answers rest on, told without looking into it.

Three kinds. *Linear probes* are of data: what a logistic regression makes of the core, of
brightness, of variance, no arc needed. *Hidden cores* and *hard negatives* are of the network: how
much its area falls where the core shows nothing, and whether it tells arcs from the same light
shuffled around the centre. *Deployed controls* are of the task: a survey has no image without the
arc, so that the stamp itself or the median galaxy takes the control's place.

References
----------
Geirhos et al. 2020, "Shortcut learning in deep neural networks", arXiv:2004.07780.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trainables.gen5_prime.metrics import auroc
from trainables.gen5_prime.normalisation import Normalisation, Pair
from trainables.gen5_prime.reference import (
    ITERATIONS,
    REGULARISATION,
    Columns,
    brightness_columns,
    core_columns,
    variance_columns,
)
from trainables.gen5_prime.rows import Rows, as_rows
from trainables.gen5_prime.shortcuts import mask_cores, shuffle_around
from trainables.gen5_prime.stamps import Floats, Stamps, Whole
from trainables.techniques.randomness import RandomStream

CORE: Final = 5  # pixels: the source document's core
SHUFFLE_BINS: Final = 16  # rings within which hard negatives are shuffled
SHUFFLE_SEED: Final = 0  # the same hard negatives for every run
LINEAR: Final[Mapping[str, Columns]] = MappingProxyType(
    {
        "core": core_columns,
        "brightness": brightness_columns,
        "variance": variance_columns,
    }
)
Answer = Callable[[Rows], Floats]
"""A network's logits of some pairs."""


def linear_probes(train: Pair, train_label: Whole, held: Pair, label: Whole) -> dict[str, float]:
    """Return the areas of linear models that see no shape.

    Parameters
    ----------
    train, held : tuple of two ndarrays of float32, shape (n, 3, 64, 64)
        Scaled stamps and controls.
    train_label, label : ndarray of int64, shape (n,)

    Returns
    -------
    dict
        ``core_lr_auroc``, ``brightness_lr_auroc``, ``variance_lr_auroc``; 0.5 where the train split
        has one class.
    """
    found = {}
    for name, columns in LINEAR.items():
        known, asked = (np.asarray(columns(pair), np.float64) for pair in (train, held))
        found[f"{name}_lr_auroc"] = _regression_auroc(known, train_label, asked, label)
    return found


def core_masked_auroc(answer: Answer, rows: Rows) -> float:
    """Return the area where the core of stamp and control shows nothing."""
    stamp, ctrl = mask_cores(rows.stamp, CORE), mask_cores(rows.ctrl, CORE)
    return _auroc_of(answer, Rows(stamp, ctrl, rows.label))


def hard_negative_auroc(answer: Answer, rows: Rows) -> float:
    """Return the area of arcs against the same stamps shuffled around the centre."""
    arcs = rows.batch(torch.nonzero(rows.label > 0.5).flatten())
    with RandomStream(SHUFFLE_SEED, rows.device).active():
        shuffled = shuffle_around(arcs.stamp, SHUFFLE_BINS)
    both = Rows(
        torch.cat([arcs.stamp, shuffled]),
        torch.cat([arcs.ctrl, arcs.ctrl]),
        torch.cat([arcs.label, torch.zeros_like(arcs.label)]),
    )
    return _auroc_of(answer, both)


def deployed(
    answer: Answer, scaler: Normalisation, stamps: Stamps, template: NDArray[np.float32], like: Rows
) -> dict[str, float]:
    """Return area and recall of pairs whose controls are what a survey has instead.

    Parameters
    ----------
    answer
    scaler : Normalisation
    stamps : Stamps
    template : ndarray of float32, shape (3, 64, 64)
        Of a median galaxy, unscaled.
    like : Rows
        Where to compute.

    Returns
    -------
    dict
        ``deploy_duplicate_auroc``, ``deploy_median_auroc`` and likewise ``…_recall``.
    """
    found = {}
    controls = {
        "duplicate": stamps.stamp,
        "median": np.broadcast_to(template, stamps.stamp.shape),
    }
    for name, ctrl in controls.items():
        rows = as_rows(scaler.apply(stamps.stamp, ctrl), stamps, like.device)
        logits = answer(rows)
        found[f"deploy_{name}_auroc"] = auroc(logits, stamps.label)
        found[f"deploy_{name}_recall"] = float((logits[stamps.label == 1] >= 0).mean())
    return found


def median_template(train: Stamps) -> NDArray[np.float32]:
    """Return the median control of the train split, pixel by pixel, shape (3, 64, 64)."""
    return np.asarray(np.median(train.ctrl, axis=0), np.float32)


def _auroc_of(answer: Answer, rows: Rows) -> float:
    return auroc(answer(rows), rows.label.cpu().numpy())


def _regression_auroc(train: Floats, train_label: Whole, held: Floats, label: Whole) -> float:
    if len(np.unique(train_label)) < 2:
        return 0.5
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
    )
    model.fit(train, train_label)
    return auroc(model.decision_function(held), label)
