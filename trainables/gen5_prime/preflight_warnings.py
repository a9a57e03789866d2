"""Telling what preflight checks found before anything trains."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Final

from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.preflight import preflight
from trainables.gen5_prime.stamps import Splits
from trainables.techniques.reference_lines import Given, on_splits

logger = logging.getLogger(__name__)

LOOKED_AT: Final = 64  # pairs: a quarter of what the checks would look at, for a run takes seconds
REMEMBERED: Final = 256  # configurations that have been spoken of
PLAIN: Final = Gen5Config()


@on_splits(splits_of, PLAIN)
def sentences(given: Given[Gen5Config, Splits]) -> list[str]:
    """Return what every check found in the baseline's pairs, for a study to say it at its start."""
    return [
        f"{check.name}, {'as it should be' if check.passed else 'FAILED'}: {check.sentence}"
        for check in preflight(given.config.data, given.splits)
    ]


def tell(config: DataConfig, splits: Splits) -> None:
    """Warn of every check that fails; the runs of a process that share a configuration warn once.

    Nothing is refused: what fails may be what a study asks about.
    """
    told = _told(config)
    for check in preflight(config, splits, most=LOOKED_AT):
        if not check.passed and check.name not in told:
            told.add(check.name)
            logger.warning("preflight, %s: %s", check.name, check.sentence)


@lru_cache(maxsize=REMEMBERED)
def _told(config: DataConfig) -> set[str]:  # noqa: ARG001 - the cache's key
    """Return the names of the checks that a configuration has been warned of, to be added to."""
    return set()
