"""Reference lines: simple models of pairs, on the very splits that a seed gives the classifier.

- A logistic regression on concatenated embeddings: what either protein alone says, and the slots.
- One on the difference |a - b|: what a linear model makes of comparing them.
- The nearest train pair: how far looking pairs up goes. Where it does well, so will anything that
  remembers sequences (Park & Marcotte 2012, doi:10.1038/nmeth.2259).

Embeddings are means over tokens, standardised slot by slot on the train pairs: without that,
a difference is one of slots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from search.trainable import Predictions
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.metrics import evaluate
from trainables.esm2_pair.pairs import Pairs, Splits, Whole
from trainables.techniques.reference_lines import Given, on_splits

REGULARISATION: Final = 0.05  # C: hundreds of columns, some thousand pairs
ITERATIONS: Final = 1000
SHARPNESS: Final = 10.0  # of logits per cosine: neighbours' cosines differ by tenths
SMALLEST: Final = 1e-6  # deviation of a dimension that is constant within a slot
PLAIN: Final = Esm2PairConfig()

Floats = NDArray[np.float64]
Columns = Literal["concat", "difference"]


@on_splits(splits_of, PLAIN)
def concatenation(given: Given[Esm2PairConfig, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on (a, b)."""
    return _logistic(given.splits, "concat")


@on_splits(splits_of, PLAIN)
def difference(given: Given[Esm2PairConfig, Splits]) -> dict[str, float]:
    """Return the metrics of a logistic regression on |a - b|; see `concatenation`."""
    return _logistic(given.splits, "difference")


@on_splits(splits_of, PLAIN)
def nearest_neighbour(given: Given[Esm2PairConfig, Splits]) -> dict[str, float]:
    """Return the metrics of the nearest train pair's label; see `concatenation`.

    Near is by cosine of (a, b). The score is how much nearer the nearest positive is than the
    nearest negative, so that its sign is the nearest pair's label.
    """
    standard = _standardised(given.splits)
    known = _unit(_columns(standard(given.splits.train), "concat"))
    positive = given.splits.train.label == 1

    def scores(pairs: Pairs) -> Floats:
        cosine = _unit(_columns(standard(pairs), "concat")) @ known.T
        near = cosine[:, positive].max(axis=1) - cosine[:, ~positive].max(axis=1)
        return np.asarray(SHARPNESS * near)

    return _metrics(given.splits, scores)


def _logistic(splits: Splits, columns: Columns) -> dict[str, float]:
    standard = _standardised(splits)
    linear = LogisticRegression(C=REGULARISATION, max_iter=ITERATIONS)
    model = make_pipeline(StandardScaler(), linear)
    model.fit(_columns(standard(splits.train), columns), splits.train.label)

    def scores(pairs: Pairs) -> Floats:
        return np.asarray(model.decision_function(_columns(standard(pairs), columns)))

    return _metrics(splits, scores)


def _standardised(splits: Splits) -> Callable[[Pairs], Floats]:
    """Return what gives pairs' embeddings: shape (n_pairs, 2, n_dims)."""
    rows = np.unique(np.concatenate([_rows(part) for part in _parts(splits).values()]))
    pooled = np.zeros((len(splits.embeddings), splits.embeddings.shape[2]))
    pooled[rows] = splits.embeddings[rows].mean(axis=1, dtype=np.float64)
    slots = 1 + int(max(part.slots.max() for part in _parts(splits).values()))
    mean, deviation = np.zeros((slots, pooled.shape[1])), np.ones((slots, pooled.shape[1]))
    for slot in np.unique(splits.train.slots):
        mine = pooled[_rows(splits.train)[splits.train.slots == slot]]
        mean[slot], spread = mine.mean(axis=0), mine.std(axis=0)
        deviation[slot] = np.where(spread > SMALLEST, spread, 1.0)

    def standard(pairs: Pairs) -> Floats:
        return np.asarray((pooled[_rows(pairs)] - mean[pairs.slots]) / deviation[pairs.slots])

    return standard


def _columns(pairs: Floats, columns: Columns) -> Floats:
    if columns == "concat":
        return pairs.reshape(len(pairs), -1)
    return np.asarray(np.abs(pairs[:, 0] - pairs[:, 1]))


def _unit(columns: Floats) -> Floats:
    length = np.linalg.norm(columns, axis=1, keepdims=True)
    return np.asarray(columns / np.where(length > 0, length, 1.0))


def _rows(pairs: Pairs) -> Whole:
    return np.column_stack([pairs.first, pairs.second])


def _parts(splits: Splits) -> dict[str, Pairs]:
    return {"train_": splits.train, "val_": splits.validation, "test_": splits.test}


def _metrics(splits: Splits, scores: Callable[[Pairs], Floats]) -> dict[str, float]:
    found: dict[str, float] = {}
    for prefix, pairs in _parts(splits).items():
        if prefix != "train_":
            predictions = Predictions(scores(pairs), pairs.label, pairs.strata)
            found |= {prefix + name: value for name, value in evaluate(predictions).items()}
    return found
