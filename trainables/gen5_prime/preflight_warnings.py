"""Telling what preflight checks found before anything trains."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Final

import numpy as np

from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.preflight import (
    Check,
    arc_visible,
    bricks_apart,
    channel_order,
    excluded_bricks,
    negatives_differ,
    paired_augmentation,
)
from trainables.gen5_prime.stamps import Splits

logger = logging.getLogger(__name__)

LOOKED_AT: Final = 64  # pairs: a quarter of what the checks would look at, for a run takes seconds
REMEMBERED: Final = 256  # configurations that have been spoken of


def tell(config: DataConfig, splits: Splits) -> None:
    """Warn of every check that fails; the runs of a process that share a configuration warn once.

    Nothing is refused: what fails may be what a study asks about.
    """
    told = _told(config)
    for check in quick_preflight(config, splits):
        if not check.passed and check.name not in told:
            told.add(check.name)
            logger.warning("preflight, %s: %s", check.name, check.sentence)


def quick_preflight(config: DataConfig, splits: Splits) -> tuple[Check, ...]:
    """Return the checks of `preflight.preflight`, on the first train pairs alone."""
    some = splits.train.take(np.arange(min(LOOKED_AT, len(splits.train))))
    return (
        channel_order(some),
        paired_augmentation(config.augmentation, some),
        arc_visible(config.norm, some),
        excluded_bricks(config.exclude_bricks, splits),
        bricks_apart(splits),
        negatives_differ(some),
    )


@lru_cache(maxsize=REMEMBERED)
def _told(config: DataConfig) -> set[str]:  # noqa: ARG001 - the cache's key
    """Return the names of the checks that a configuration has been warned of, to be added to."""
    return set()
