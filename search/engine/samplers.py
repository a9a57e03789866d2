"""Samplers ask from history: a study in memory that mirrors the database.

A sampler is built anew for every trial from (study seed, trial number), so that a rerun goes on as
an uninterrupted search would. Diverged trials rank below every healthy one: TPE sorts pruned
trials by their last step, so they are told without any; samplers that read completed trials only
are told the worst value so far.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.parameters import Parameters, ask_trial
from search.storage.records import Result
from search.study import Direction

NEED_VALUES = (optuna.samplers.GPSampler, optuna.samplers.CmaEsSampler)
MIRRORED = (optuna.samplers.NSGAIISampler, optuna.samplers.QMCSampler)
_NAME = "shadow"


def derive_seed(seed: int, number: int) -> int:
    """Return a 32-bit seed from a study's seed and a trial's number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def make_sampler(
    sampler: str | optuna.samplers.BaseSampler, seed: int, history: Sequence[FrozenTrial] = ()
) -> optuna.samplers.BaseSampler:
    """Return a sampler by its name; an Optuna sampler is returned as it is.

    Parameters
    ----------
    sampler
        One of "tpe", "random", "gp", "cmaes", "qmc", "nsga2", or an Optuna sampler.
    seed
        Of everything random in it.
    history
        Completed trials, for CMA-ES, whose own state would need pickles in the database: it starts
        from them instead (Nomura et al. 2021, arXiv:2012.06932).
    """
    if not isinstance(sampler, str):
        return sampler
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match sampler:
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed)
            case "qmc":
                return optuna.samplers.QMCSampler(
                    seed=seed, scramble=True, warn_independent_sampling=False
                )
            case "nsga2":
                return optuna.samplers.NSGAIISampler(seed=seed)
            case "cmaes":
                return optuna.samplers.CmaEsSampler(
                    seed=seed,
                    warn_independent_sampling=False,
                    source_trials=list(history) or None,
                )
    return optuna.samplers.TPESampler(seed=seed)


class Shadow:
    """A study in memory that mirrors the database, for a sampler to ask from.

    Parameters
    ----------
    sampler
        A name, or an Optuna sampler.
    directions
        One per objective.
    seed
        The study's seed.
    notes
        What the sampler noted about the whole study, from an earlier run.
    """

    def __init__(
        self,
        sampler: str | optuna.samplers.BaseSampler,
        directions: Sequence[Direction],
        seed: int,
        notes: Mapping[str, Any],
    ) -> None:
        self._memory = optuna.storages.InMemoryStorage()
        self._sampler, self._seed = sampler, seed
        self._study = optuna.create_study(
            storage=self._memory, study_name=_NAME, directions=list(directions)
        )
        self._id = self._memory.get_study_id_from_name(_NAME)
        for key, value in notes.items():
            self._memory.set_study_system_attr(self._id, key, value)
        self._fixed: optuna.samplers.BaseSampler | None = None

    def restore(self, trial: FrozenTrial, result: Result | None) -> None:
        """Take over a trial from the database, in the order of the numbers."""
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params=trial.params,
                distributions=trial.distributions,
                system_attrs=trial.system_attrs,
            )
        )
        if result is not None:
            self.told(trial.number, result)

    def foreign(self, trial: FrozenTrial) -> None:
        """Learn from a finished trial that somebody else made; keep the numbers in step."""
        finished = trial.state.is_finished()
        self._study.add_trial(trial if finished else create_trial(state=TrialState.FAIL))

    def ask(
        self, number: int, parameters: Parameters, fixed: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return the parameter values of trial `number`: the sampler's, or the fixed ones."""
        if fixed is not None:
            self._study.enqueue_trial(dict(fixed))
        self._study.sampler = self._sampler_for(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return parameters.suggest(ask_trial(self._study.ask()))

    def told(self, number: int, result: Result) -> None:
        """Tell the sampler how a trial ended."""
        state, values = self._as_sampler_sees(result)
        if state == TrialState.PRUNED and result.outcome != "diverged" and result.values:
            trial_id = self._memory.get_trial_id_from_study_id_trial_number(self._id, number)
            if len(result.values) == 1:
                self._memory.set_trial_intermediate_value(
                    trial_id, result.step or 0, result.values[0]
                )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.tell(number, values, state=state)

    def notes_on(self, number: int) -> dict[str, Any]:
        """Return what the sampler noted about a trial and must find again after a restart."""
        if not isinstance(self._sampler_for(number), MIRRORED):
            return {}
        trial_id = self._memory.get_trial_id_from_study_id_trial_number(self._id, number)
        return self._memory.get_trial(trial_id).system_attrs

    def notes(self) -> dict[str, Any]:
        """Return what the sampler noted about the whole study."""
        if self._sampler != "qmc":
            return {}
        return dict(self._memory.get_study_system_attrs(self._id))

    def _sampler_for(self, number: int) -> optuna.samplers.BaseSampler:
        if self._sampler in ("tpe", "random", "gp", "nsga2"):
            return make_sampler(self._sampler, derive_seed(self._seed, number))
        if self._fixed is None:
            done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            self._fixed = make_sampler(self._sampler, derive_seed(self._seed, 0), done)
        return self._fixed

    def _as_sampler_sees(self, result: Result) -> tuple[TrialState, list[float] | None]:
        if result.outcome == "complete":
            return TrialState.COMPLETE, list(result.values)
        if result.outcome == "failed":
            return TrialState.FAIL, None
        if result.outcome == "diverged" and self._needs_values():
            worst = self._worst()
            if worst is not None:
                return TrialState.COMPLETE, worst
        return TrialState.PRUNED, None

    def _needs_values(self) -> bool:
        return self._sampler in ("gp", "cmaes") or isinstance(self._sampler, NEED_VALUES)

    def _worst(self) -> list[float] | None:
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not done:
            return None
        columns = zip(*(trial.values for trial in done), strict=True)
        pairs = zip(columns, self._study.directions, strict=True)
        minimize = optuna.study.StudyDirection.MINIMIZE
        return [max(column) if way == minimize else min(column) for column, way in pairs]
