"""What a post-hoc technique makes of predictions: of one run's, or of several seeds' together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search.errors import TrainableError
from search.technique import Technique
from search.trainable import Predictions

Combine = Callable[[Sequence[Predictions]], Predictions]


def combination(technique: Technique, validation: Sequence[Predictions]) -> Combine:
    """Fit a technique on the validation predictions of one run, or of an ensemble's members.

    Returns
    -------
    callable
        From the runs' predictions on one split to the technique's.
    """
    fit = technique.fit
    if technique.members == 1 and fit is not None:
        alone = fit(validation[0])
        return lambda found: alone(found[0])
    together: Combine = mean_of if fit is None else fit(validation)
    return lambda found: together(_voting(found))


def mean_of(members: Sequence[Predictions]) -> Predictions:
    """Return the mean of the members' scores on the same rows."""
    scores = np.mean([member.scores for member in members], axis=0)
    return Predictions(scores, members[0].targets, members[0].groups)


def same_rows(members: Sequence[Predictions]) -> bool:
    """Return whether predictions are about the same rows, by their targets and groups."""
    first = members[0]
    return all(
        _equal(first.targets, member.targets)
        and first.scores.shape == member.scores.shape
        and _equal(first.groups, member.groups)
        for member in members[1:]
    )


def _equal(one: object, other: object) -> bool:
    if one is None or other is None:
        return one is other
    first, second = np.asarray(one), np.asarray(other)
    missing = first.dtype.kind == second.dtype.kind == "f"  # what is not known is NaN
    return np.array_equal(first, second, equal_nan=missing)


def _voting(members: Sequence[Predictions]) -> Sequence[Predictions]:
    if not same_rows(members):
        raise TrainableError(
            "the members of an ensemble vote on the same rows, and these seeds have rows of "
            "their own: predict() must return the same held-out rows for every seed"
        )
    return members
