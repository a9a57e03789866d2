"""From recorded pairs, or from the generator, to the splits that a run uses."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, Final

import numpy as np

from search.errors import TrainableError
from trainables.gen5_prime.cache import cached
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.negatives import with_negatives
from trainables.gen5_prime.real_data import Recorded
from trainables.gen5_prime.splitting import absent, make_splits, without_bricks
from trainables.gen5_prime.stamps import Splits
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

logger = logging.getLogger(__name__)

NEGATIVES: Final = 7  # sets the draw of negatives apart from others of the same seed

# The arms of a study run on the same seeds in turn; one seed's stamps take 250 MB.
_generated = lru_cache(maxsize=1)(cached)


def splits_of(
    config: DataConfig, data: Any, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH
) -> Splits:
    """Return the splits that a run uses: without excluded bricks, with its train negatives.

    Parameters
    ----------
    config : DataConfig
    data : None, Recorded or Splits
        None draws pairs from the generator; of ready splits, bricks and negatives are chosen.
    seed
        Draws the pairs, or the bricks that validate, and the negatives.
    sampling : Sampling
        What else a new seed draws anew.

    Raises
    ------
    TrainableError
        If `data` is none of these, or generated data are to be split again.
    DataError
        If pairs are too few for four splits, or for the negatives.
    """
    splits = _drawn(config, data, seed, sampling)
    dropped = dict(splits.dropped)
    parts = {}
    for role, part in splits.parts.items():
        parts[role], counts = without_bricks(part, config.exclude_bricks)
        for name, count in counts.items():
            dropped[name] = dropped.get(name, 0) + count
    rng = np.random.default_rng([seed, NEGATIVES])
    parts["train"] = with_negatives(config.negatives, parts["train"], rng)
    return Splits.of(parts, dropped)


def _drawn(config: DataConfig, data: Any, seed: int, sampling: Sampling) -> Splits:
    if data is None:
        return _generated(config.generator, seed=seed, sampling=sampling)
    if isinstance(data, Splits):
        return data
    if not isinstance(data, Recorded):
        raise TrainableError(
            "Gen5Prime takes data=None (generated), Recorded or Splits, got " + type(data).__name__
        )
    for problem in absent(data.stamps, config.exclude_bricks):
        logger.warning("%s", problem)
    return make_splits(data.stamps, exclude=config.exclude_bricks, seed=seed, sampling=sampling)
