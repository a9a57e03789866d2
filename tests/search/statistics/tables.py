"""Tables of made-up studies: scores whose effects are known, ranked under given rules."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from search.statistics import Arm, Registration, Replicates, rank_table
from search.statistics.arrays import BoolArray, FloatArray

NAMES = ("focal", "swa", "pooling", "mixup", "sam")
EFFECTS = (2.5, 1.2, 0.0, -0.4, -2.0)


def scores_of(
    effects: Sequence[float] = EFFECTS, n: int = 20, seed: int = 0, sigma: float = 1.0
) -> FloatArray:
    """Return scores of the baseline and of arms with these effects, one row a seed."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 1))
    y = np.sqrt(0.5) * (shared + rng.normal(size=(n, len(effects) + 1)))
    y[:, 1:] += effects
    return sigma * np.asarray(y)


def table_of(
    scores: FloatArray,
    names: Sequence[str] = NAMES,
    *,
    arms: tuple[Arm, ...] | None = None,
    failed: BoolArray | None = None,
    table: dict[str, Any] | None = None,
    curves_vary: bool = False,
    **rules: Any,
) -> Any:  # fields are None where the table has nothing to say; tests say which
    """Return the table of these scores; `rules` are those of the registration."""
    registration = Registration(
        tuple(Arm(name) for name in names) if arms is None else arms,
        **{"smallest_gain": 1.0, **rules},
    )
    failed = np.zeros(scores.shape, bool) if failed is None else failed
    columns = ("base", *(column for arm in registration.arms for column in arm.columns))
    scores = np.where(failed, np.nan, scores)
    replicates = Replicates(columns[: scores.shape[1]], scores, failed, curves_vary)
    return rank_table(registration, replicates, rng=np.random.default_rng(9), **(table or {}))
