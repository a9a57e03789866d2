"""Reference lines: linear models that cannot see an arc's shape, on the very splits of a seed.

What they reach, a lens finder may reach for the wrong reason. Columns are of stamps scaled as the
study's baseline scales them; metrics are of validation, of the clean test split, and of "shift".

- The core alone: what a leak of light, a galaxy's colour and arcs of small radius say there.
- Brightness alone, and variance alone.
- Rings of stamp minus control: what pairs say without shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from search.trainable import Predictions
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.normalisation import Normalisation, Pair
from trainables.gen5_prime.radial import disc, rings
from trainables.gen5_prime.stamps import Floats, Splits
from trainables.techniques.binary import evaluate
from trainables.techniques.reference_lines import Given, HasData, on_splits

CORE: Final = 5  # pixels: the radius of the source document's core
RINGS: Final = range(2, 12)  # pixels from the centre: where arcs are
REGULARISATION: Final = 0.05  # C: hundreds of columns, some hundred pairs
ITERATIONS: Final = 2000
PREFIXES: Final = {"validation": "val_", "test": "test_", "shift": "test_shift_"}

Columns = Callable[[Pair], NDArray[np.floating]]


@dataclass(frozen=True)
class Baseline:
    """A configuration of nothing but data."""

    data: DataConfig = field(default_factory=DataConfig)


PLAIN: Final[HasData] = Baseline()


def core_columns(pair: Pair) -> NDArray[np.floating]:
    """Return the pixels of each stamp's core, all bands: shape (n, 3 · n_pixels)."""
    return pair[0][..., disc(CORE)].reshape(len(pair[0]), -1)


def brightness_columns(pair: Pair) -> NDArray[np.floating]:
    """Return the mean of each stamp's bands: shape (n, 3)."""
    return np.asarray(pair[0].mean(axis=(2, 3)))


def variance_columns(pair: Pair) -> NDArray[np.floating]:
    """Return the logarithm of each band's variance: shape (n, 3)."""
    return np.asarray(np.log(np.maximum(pair[0].var(axis=(2, 3)), 1e-12)))


def residual_columns(pair: Pair) -> NDArray[np.floating]:
    """Return mean and deviation of stamp minus control in rings: shape (n, 2 · 3 · n_rings)."""
    difference, place = pair[0] - pair[1], rings()
    columns = [difference[..., place == ring] for ring in RINGS]
    return np.concatenate(
        [part for column in columns for part in (column.mean(axis=-1), column.std(axis=-1))], axis=1
    )


@on_splits(splits_of, PLAIN)
def core(given: Given[HasData, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on the core's pixels."""
    return linear(given, core_columns)


@on_splits(splits_of, PLAIN)
def brightness(given: Given[HasData, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on brightness; see `core`."""
    return linear(given, brightness_columns)


@on_splits(splits_of, PLAIN)
def variance(given: Given[HasData, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on variance; see `core`."""
    return linear(given, variance_columns)


@on_splits(splits_of, PLAIN)
def residual_rings(given: Given[HasData, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on rings of stamp minus control; see `core`."""
    return linear(given, residual_columns)


def linear(given: Given[HasData, Splits], columns: Columns) -> dict[str, float]:
    """Return the metrics of a logistic regression on some columns, fitted on the train split."""
    splits = given.splits
    train = splits.train
    scaler = Normalisation.fit(given.config.data.norm, train.stamp, train.ctrl)
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
    )
    model.fit(_of(columns, scaler.apply(train.stamp, train.ctrl)), train.label)
    found: dict[str, float] = {}
    for role, prefix in PREFIXES.items():
        part = splits.parts[role]
        logits = model.decision_function(_of(columns, scaler.apply(part.stamp, part.ctrl)))
        predictions = Predictions(logits, part.label, part.brick)
        found |= {prefix + name: value for name, value in evaluate(predictions).items()}
    return found


def _of(columns: Columns, pair: Pair) -> Floats:
    return np.asarray(columns(pair), np.float64)
