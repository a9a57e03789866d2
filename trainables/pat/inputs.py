"""From windows to tensors: what a run trains on, scaled by its own train split."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from search.errors import TrainableError
from trainables.pat.actigraphs import draw
from trainables.pat.config import DataConfig
from trainables.pat.nonwear import handle
from trainables.pat.normalisation import Normalisation, check_normalised
from trainables.pat.pretraining import smoothed
from trainables.pat.splits import Splits, generate_splits, make_splits
from trainables.pat.windows import Numbers, Recordings, Windows
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

logger = logging.getLogger(__name__)

# Drawing people takes as long as some epochs; the arms of a study run on the same seeds in turn.
_generated = lru_cache(maxsize=2)(generate_splits)


@dataclass(frozen=True)
class Rows:
    """Windows as tensors of one device.

    Attributes
    ----------
    activity : Tensor of shape (n_windows, minutes)
        Scaled.
    label : Tensor of shape (n_windows,)
        1 where the participant is depressed.
    participant : ndarray of shape (n_windows,)
    """

    activity: Tensor
    label: Tensor
    participant: Numbers

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True)
class Inputs:
    """The three splits of a run, and what an encoder may be pre-trained on.

    Attributes
    ----------
    train, validation, test : Rows
    unlabelled : Tensor of shape (n, minutes) or None
        Scaled by its own statistics, as another device's counts have to be.
    problem
        What is wrong with the scale of the train split; None if nothing is.
    """

    train: Rows
    validation: Rows
    test: Rows
    unlabelled: Tensor | None
    problem: str | None


def splits_of(
    config: DataConfig, data: Any, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH
) -> Splits:
    """Return the splits that a run uses.

    Parameters
    ----------
    config : DataConfig
    data : None, Recordings or Splits
        None draws people from the generator; ready splits are used as they are.
    seed
        Draws the people, or those who validate.
    sampling : Sampling
        What else a new seed draws anew.

    Raises
    ------
    TrainableError
        If `data` is none of these, or generated data are to be split again.
    """
    if data is None:
        generator = replace(config.generator, n_unlabelled=0)  # drawn once, for all seeds
        return _generated(
            generator, seed=seed, nonwear=config.nonwear, test_seed=sampling.test_seed
        )
    if isinstance(data, Splits):
        return data
    if not isinstance(data, Recordings):
        raise TrainableError(
            "Pat takes data=None (generated), Recordings, or Splits, got " + type(data).__name__
        )
    return make_splits(
        data,
        seed=seed,
        sampling=sampling,
        days=config.days,
        nonwear=config.nonwear,
    )


def scale_problem(config: DataConfig, splits: Splits) -> str | None:
    """Say what is wrong with the scale of the train split; None if nothing is."""
    return _problem(_fitted(config, splits.train), splits.train)


def inputs_of(config: DataConfig, splits: Splits, device: torch.device) -> Inputs:
    """Scale splits and put them on a device; a wrong scale is said before anything trains on it."""
    scaler = _fitted(config, splits.train)
    problem = _problem(scaler, splits.train)
    if problem is not None:
        logger.warning("%s", problem)
    unlabelled = splits.unlabelled
    return Inputs(
        _rows(config, scaler, splits.train, device),
        _rows(config, scaler, splits.validation, device),
        _rows(config, scaler, splits.test, device),
        None if unlabelled is None else _by_itself(config, unlabelled, device),
        problem,
    )


def unlabelled_of(config: DataConfig, seed: int, device: torch.device) -> Tensor | None:
    """Draw the generator's unlabelled cohort, scaled by its own statistics."""
    generator = config.generator
    if not generator.n_unlabelled:
        return None
    rng = np.random.default_rng(seed)
    cohort = draw(generator, generator.n_unlabelled, role="unlabelled", rng=rng).windows
    return _by_itself(config, handle(cohort, config.nonwear)[0], device)


def _by_itself(config: DataConfig, windows: Windows, device: torch.device) -> Tensor:
    return _scaled(config, _fitted(config, windows), windows, device)


def _problem(scaler: Normalisation, train: Windows) -> str | None:
    return check_normalised(scaler.apply(train.activity, train.participant))


def _fitted(config: DataConfig, windows: Windows) -> Normalisation:
    clip = config.clip or None
    return Normalisation.fit(windows.activity, config.norm, log1p=config.log1p, clip=clip)


def _scaled(
    config: DataConfig, scaler: Normalisation, windows: Windows, device: torch.device
) -> Tensor:
    activity = torch.as_tensor(scaler.apply(windows.activity, windows.participant))
    return (smoothed(activity) if config.smooth else activity).to(device)


def _rows(
    config: DataConfig, scaler: Normalisation, windows: Windows, device: torch.device
) -> Rows:
    label = torch.as_tensor(windows.label, dtype=torch.float32, device=device)
    return Rows(_scaled(config, scaler, windows, device), label, windows.participant)
