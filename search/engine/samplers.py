"""Samplers ask from history: a study in memory that mirrors the database.

A sampler is built anew for every trial from (study seed, trial number), so that a rerun goes on as
an uninterrupted search would. Diverged trials rank below every healthy one: TPE sorts pruned
trials by their last step, so they are told without any; samplers that read completed trials only
are told the worst value there is.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

SELF_CONTAINED = (
    optuna.samplers.TPESampler,
    optuna.samplers.GPSampler,
    optuna.samplers.RandomSampler,
    optuna.samplers.CmaEsSampler,
)
GENETIC = (optuna.samplers.NSGAIISampler, optuna.samplers.NSGAIIISampler)


def derive_seed(seed: int, *path: int) -> int:
    """Return a 32-bit seed from a study's seed and, for instance, a trial's number."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1)[0])


class Independent(BaseSampler):
    """Random values that depend on the seed, the trial's number and the parameter's name alone.

    QMC and CMA-ES leave categorical and conditional parameters to such a sampler; with a generator
    of its own it would repeat itself after every restart.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002 - Optuna's signature
        trial: FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """Return nothing: every parameter is on its own."""
        return {}

    def sample_relative(
        self,
        study: optuna.Study,  # noqa: ARG002 - Optuna's signature
        trial: FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return nothing: every parameter is on its own."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return a random value."""
        seed = derive_seed(self._seed, trial.number, zlib.crc32(param_name.encode()))
        drawn = optuna.samplers.RandomSampler(seed=seed)
        return drawn.sample_independent(study, trial, param_name, param_distribution)


def make_sampler(sampler: str, seed: int, number: int) -> BaseSampler:
    """Return the sampler of this name that a trial is asked from.

    Parameters
    ----------
    sampler
        One of "tpe", "random", "gp", "cmaes", "qmc", "nsga2".
    seed
        The study's.
    number
        The trial's. A scrambled sequence and an evolution strategy go on from trial to trial, so
        they ignore it.
    """
    own, whole = derive_seed(seed, number), derive_seed(seed, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match sampler:
            case "random":
                return optuna.samplers.RandomSampler(seed=own)
            case "gp":
                return optuna.samplers.GPSampler(seed=own)
            case "nsga2":
                return optuna.samplers.NSGAIISampler(seed=own)
            case "qmc":
                return optuna.samplers.QMCSampler(
                    seed=whole,
                    scramble=True,
                    independent_sampler=Independent(seed),
                    warn_independent_sampling=False,
                )
            case "cmaes":
                return optuna.samplers.CmaEsSampler(
                    seed=whole,
                    independent_sampler=Independent(seed),
                    warn_independent_sampling=False,
                )
    return optuna.samplers.TPESampler(seed=own)


class Source:
    """Where samplers come from: a name, or a user's own Optuna sampler.

    Parameters
    ----------
    sampler
        A name, or an Optuna sampler.
    seed
        The study's.
    """

    def __init__(self, sampler: str | BaseSampler, seed: int) -> None:
        self._seed, self._name = seed, sampler if isinstance(sampler, str) else None
        self._fixed = None if isinstance(sampler, str) else sampler
        if self._name == "cmaes":
            self._fixed = make_sampler(self._name, seed, 0)

    def sampler(self, number: int) -> BaseSampler:
        """Return the sampler that trial `number` is asked from."""
        return self._fixed or make_sampler(str(self._name), self._seed, number)

    @property
    def replays(self) -> bool:
        """Whether it must see history happen: CMA-ES keeps its state in pickles, which we do not.

        Asked again for the trials that exist, in their order, it comes to the same state.
        """
        return isinstance(self._fixed, optuna.samplers.CmaEsSampler)

    @property
    def forgets(self) -> bool:
        """Whether a bounded part of the history is all it needs; a user's own gets all of it."""
        return self._name in ("tpe", "random")

    @property
    def needs_values(self) -> bool:
        """Whether it learns from completed trials only."""
        return self._name == "gp" or isinstance(
            self._fixed, optuna.samplers.GPSampler | optuna.samplers.CmaEsSampler
        )

    @property
    def keeps_notes(self) -> bool:
        """Whether what it notes about trials must be found again after a restart."""
        if self._fixed is None:
            return self._name in ("nsga2", "qmc")
        return not isinstance(self._fixed, SELF_CONTAINED)

    @property
    def keeps_study_notes(self) -> bool:
        """Whether what it notes about the study must be; genetic ones note ids of this process."""
        return self.keeps_notes and not isinstance(self.sampler(0), GENETIC)

    def resume(self) -> None:
        """Let a user's own sampler not repeat what it drew before a restart."""
        if self._fixed is not None and not self.replays:
            self._fixed.reseed_rng()


def kept_notes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sampler noted, without what Optuna itself did."""
    return {key: value for key, value in attributes.items() if key != "fixed_params"}
