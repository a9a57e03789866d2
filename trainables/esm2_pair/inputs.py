"""From isolates, or from the generator, to the splits that a run uses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from search.errors import TrainableError
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.generated import generate
from trainables.esm2_pair.isolates import Isolates
from trainables.esm2_pair.pairs import Splits
from trainables.esm2_pair.splitting import make_splits
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

# The arms of a study run on the same seeds in turn.
_generated = lru_cache(maxsize=2)(generate)


def splits_of(
    config: DataConfig, data: Any, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH
) -> Splits:
    """Return the splits that a run uses.

    Parameters
    ----------
    config : DataConfig
    data : None, Isolates or Splits
        None draws isolates from the generator; ready splits are used as they are.
    seed
        Draws the isolates, or those that validate, and the negatives.
    sampling : Sampling
        What else a new seed draws anew.

    Raises
    ------
    TrainableError
        If `data` is none of these, or generated data are to be split again.
    DataError
        If isolates are too few for three splits, or too much alike for the mode.
    """
    if data is None:
        return _generated(
            config.generator,
            config.negatives,
            config.held_out,
            config.split,
            seed=seed,
            sampling=sampling,
        )
    if isinstance(data, Splits):
        return data
    if not isinstance(data, Isolates):
        raise TrainableError(
            "Esm2Pair takes data=None (generated), Isolates or Splits, got " + type(data).__name__
        )
    return make_splits(
        data, config.split, config.negatives, config.held_out, seed=seed, sampling=sampling
    )
