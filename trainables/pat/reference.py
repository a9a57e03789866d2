"""Reference lines: simple models of a day's course, on the very splits that a seed gives PAT.

Circadian summaries with a linear model or a forest are what actigraphy was read with before, and
on few people they are hard to beat (Garcia-Ceja et al. 2018, "Depresjon: a motor activity database
of depression episodes in unipolar and bipolar patients", doi:10.1145/3204949.3208125).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from search.trainable import Predictions
from trainables.pat.config import PatConfig
from trainables.pat.inputs import splits_of
from trainables.pat.splits import Splits
from trainables.pat.windows import DAY, Windows
from trainables.techniques.binary import evaluate
from trainables.techniques.reference_lines import Given, on_splits

HOURS: Final = 24
TREES: Final = 300
REGULARISATION: Final = 0.05  # C of the linear model: more columns than a hundred people can tell
SMALLEST_LEAF: Final = 3
LEAST: Final = 0.5 / TREES  # a probability of 0 is half a tree's vote
PLAIN: Final = PatConfig()

Floats = NDArray[np.float64]


def summaries(windows: Windows) -> Floats:
    """Return hand-made columns of each window, from its counts.

    Returns
    -------
    ndarray of shape (n_windows, 3 · 24 + 4)
        By hour of the day: mean log count, its standard deviation, share of minutes without a
        count. Over the window: mean log count and standard deviation, how much one minute says
        about the next, and how much one hour of a day differs from the next.
    """
    counts = np.log1p(windows.activity.astype(np.float64))
    days = counts.reshape(len(counts), -1, HOURS, DAY // HOURS)
    hourly = days.mean(axis=(1, 3))
    deviation = counts.std(axis=1)
    safe = np.where(deviation > 0, deviation, 1.0)
    steps = np.square(np.diff(counts, axis=1)).mean(axis=1) / (2 * safe**2)
    return np.column_stack(
        [
            hourly,
            days.std(axis=(1, 3)),
            (days == 0).mean(axis=(1, 3)),
            counts.mean(axis=1),
            deviation,
            1 - steps,
            np.square(np.diff(hourly, axis=1)).mean(axis=1),
        ]
    )


@on_splits(splits_of, PLAIN)
def logistic_regression(given: Given[PatConfig, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on summaries of each window."""
    linear = LogisticRegression(C=REGULARISATION, max_iter=2000)
    model = make_pipeline(StandardScaler(), linear)
    return _metrics(model, model.decision_function, given.splits)


@on_splits(splits_of, PLAIN)
def random_forest(given: Given[PatConfig, Splits]) -> dict[str, float]:
    """Return the metrics of a random forest on the same summaries; see `logistic_regression`."""
    forest = RandomForestClassifier(TREES, min_samples_leaf=SMALLEST_LEAF, random_state=given.seed)

    def logits(columns: Floats) -> Floats:
        positive = forest.predict_proba(columns)[:, 1]
        clipped: Floats = logit(np.clip(positive, LEAST, 1 - LEAST))
        return clipped

    return _metrics(forest, logits, given.splits)


def _metrics(model: Any, logits: Callable[[Floats], Floats], splits: Splits) -> dict[str, float]:
    model.fit(summaries(splits.train), splits.train.label)
    found: dict[str, float] = {}
    parts: Mapping[str, Windows] = {"val_": splits.validation, "test_": splits.test}
    for prefix, windows in parts.items():
        predictions = Predictions(logits(summaries(windows)), windows.label, windows.participant)
        found |= {prefix + name: value for name, value in evaluate(predictions).items()}
    return found
