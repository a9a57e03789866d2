"""Reference lines to see a network against: gradient-boosted trees, and the latest risk itself.

Trees on hand-made summaries are the strong simple model of tabular data (Grinsztajn et al.,
arXiv:2207.08815), and predicting that the risk will stay what it is was hard to beat in the
challenge (Uriot et al., arXiv:2008.03069). Both are scores on the same splits as a network's, so
the same metrics and post-hoc steps apply.
"""

from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from trainables.pi_tft import physics
from trainables.pi_tft.sequences import Events, Splits

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TreesConfig:
    """Hyperparameters of the trees."""

    learning_rate: float = 0.03  # slow: hundreds of trees where the data allow
    max_trees: int = 500  # an upper bound: validation stops earlier
    patience: int = 40  # trees without a better validation score before stopping
    leaves: int = 4  # small trees: a thousand events hold a few dozen positives
    min_events_per_leaf: int = 20  # LightGBM's default
    feature_share: float = 0.5  # columns seen by a tree; the summaries are strongly correlated
    positive_weight: float = 1.0


@dataclass(frozen=True)
class ReferenceScores:
    """Scores of a reference line, in the order of the splits' events.

    Attributes
    ----------
    validation, test : ndarray of float64, shape (n_events,)
        Larger means riskier; 0 is the natural threshold. Log odds for trees, log10 Pc + 6 for the
        latest risk.
    n_trees : int
        Trees kept after early stopping; 0 where there are none.
    """

    validation: Floats
    test: Floats
    n_trees: int = 0


def summaries(events: Events) -> Floats:
    """Hand-made columns of each event.

    Returns
    -------
    ndarray of shape (n_events, 5 · n_temporal + n_static + 7)
        Per temporal column its latest value, minimum, maximum, mean and latest change; the static
        columns; number of messages, first and last time, and the latest known inputs of the closed
        forms.
    """
    temporal = events.temporal.astype(np.float64)
    there = events.mask[:, :, None]
    count = events.mask.sum(axis=1)
    latest = temporal[:, -1]
    before = temporal[:, -2] if temporal.shape[1] > 1 else latest
    change = np.where((count > 1)[:, None], latest - before, 0.0)
    return np.column_stack(
        [
            latest,
            np.where(there, temporal, np.inf).min(axis=1),
            np.where(there, temporal, -np.inf).max(axis=1),
            temporal.sum(axis=1) / count[:, None],  # padding is 0
            change,
            events.static,
            count,
            events.time_to_tca.max(axis=1),
            events.time_to_tca[:, -1],
            events.max_risk_estimate,
            events.mahalanobis,
            events.log_miss_latest,
            events.log_sigma,
        ]
    )


def fit_trees(splits: Splits, *, seed: int, config: TreesConfig | None = None) -> ReferenceScores:
    """Train boosted trees on the train split, stopped by average precision on the validation split.

    Parameters
    ----------
    splits : Splits
        The test split is scored, never fitted or stopped on.
    seed : int
        Drives the choice of columns; one thread and deterministic sums make the result repeatable.
    config : TreesConfig, optional
        Hyperparameters.
    """
    config = config or TreesConfig()
    train = lightgbm.Dataset(summaries(splits.train), label=splits.train.label, free_raw_data=True)
    validation = train.create_valid(summaries(splits.validation), label=splits.validation.label)
    booster = lightgbm.train(
        _parameters(config, seed),
        train,
        num_boost_round=config.max_trees,
        valid_sets=[validation],
        callbacks=[lightgbm.early_stopping(config.patience, verbose=False)],
    )
    scores = [
        np.asarray(booster.predict(summaries(events), raw_score=True), dtype=np.float64)
        for events in (splits.validation, splits.test)
    ]
    return ReferenceScores(scores[0], scores[1], booster.best_iteration)


def latest_risk(splits: Splits) -> ReferenceScores:
    """Predict that the risk stays what the latest input says: the challenge's own baseline.

    It is rebuilt from the latest maximum and Mahalanobis distance (`physics.risk_from_maximum`),
    which gives it back in log10 units; a column that was standardised would not.
    """
    validation, test = (
        physics.risk_from_maximum(events.max_risk_estimate, events.mahalanobis) - physics.HIGH_RISK
        for events in (splits.validation, splits.test)
    )
    return ReferenceScores(validation, test)


def _parameters(config: TreesConfig, seed: int) -> dict[str, object]:
    return {
        "objective": "binary",
        "metric": "average_precision",
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_events_per_leaf,
        "feature_fraction": config.feature_share,
        "scale_pos_weight": config.positive_weight,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
