"""The joint search: the space's domains and the techniques' switches in one Optuna study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, create_trial

from search.configuration import flatten
from search.engine.asha import draw_bracket, make_decider
from search.engine.samplers import derive_seed
from search.engine.shadow import Shadow
from search.parameters import Parameters
from search.pruner import NoPruning
from search.storage.ledger import Series
from search.storage.records import Asked, Result, TrialRecord
from search.study import Study


class JointSearch:
    """Proposes configurations until enough trials exist, and stops those that fall behind.

    Parameters
    ----------
    study
        The question.
    series
        Where the trials are stored.
    n_trials
        Trials in all, those of earlier commands and failed ones included; those that somebody
        else has put into the Optuna study are not.
    seed
        Of the sampler, of the brackets, and of every trial's training: all configurations are
        compared on the same seed, and the best one is confirmed on fresh seeds afterwards.
    priors
        Parameter values and scores of another search's trials: the sampler learns from them.
    """

    def __init__(
        self,
        study: Study,
        series: Series,
        *,
        n_trials: int,
        seed: int,
        priors: Sequence[tuple[Mapping[str, Any], Sequence[float]]] = (),
    ) -> None:
        self._study, self._series, self._n_trials, self._seed = study, series, n_trials, seed
        self._parameters = Parameters.of(study.space, study.techniques)
        self._pruner = study.pruner if len(study.goals) == 1 else NoPruning()
        self._decider = make_decider(self._pruner, study.max_steps, study.goals[0].sign)
        directions = [goal.direction for goal in study.goals]
        self._shadow = Shadow(study.sampler, directions, seed, series.study_notes())
        for params, values in priors:
            domains = dict[str, BaseDistribution](self._parameters.distributions(dict(params)))
            self._shadow.foreign(
                create_trial(params=dict(params), distributions=domains, values=values)
            )
        self._first = list(first_points(study, self._parameters))
        self._own = 0

    @property
    def wanted(self) -> int:
        """Trials in all."""
        return self._n_trials

    def propose(self, number: int) -> Asked | None:
        """Return trial `number`: a point to try first, or what the sampler suggests."""
        if self._own >= self._n_trials or self._shadow.exhausted:
            return None
        self._own += 1
        fixed = self._first.pop(0) if self._first else None
        params = self._shadow.ask(number, self._parameters, fixed)
        self._series.mirror_study(self._shadow.notes())
        changes = self._parameters.decode(params)
        # not built here: one that its own class refuses is a failed trial, and fails in the worker
        values = {**flatten(self._study.space.baseline), **changes}
        rng = np.random.default_rng(derive_seed(self._seed, number))
        return Asked(
            arm=arm_name(self._study, values),
            seed=self._seed,
            configuration=values,
            changes=changes,
            max_steps=self._study.max_steps,
            params=params,
            distributions=self._parameters.distributions(params),
            bracket=draw_bracket(self._pruner, self._study.max_steps, rng),
        )

    def halts(self, asked: Asked) -> tuple[int, ...] | None:
        """Return the rungs of the trial's bracket."""
        return self._decider.halts(asked.bracket)

    def predictions(self, number: int, asked: Asked) -> str | None:  # noqa: ARG002 - interface
        """Return None: what a trial predicts is not measured."""
        return None

    def stops(self, number: int, asked: Asked, step: int, value: float) -> bool:
        """Return whether the trial fails at this rung."""
        return self._decider.stops(number, asked.bracket, step, value)

    def told(self, number: int, asked: Asked, result: Result) -> None:
        """Let the sampler learn, and the rungs know of a breakdown."""
        if result.outcome == "diverged":
            self._decider.diverged(number, asked.bracket, result.step or 0)
        self._shadow.told(number, result)

    def restore(self, trial: FrozenTrial, record: TrialRecord) -> None:
        """Take over a trial of an earlier command."""
        metric, asked = self._study.goals[0].metric, record.asked
        # oldest last: at a rung a trial's first value is the one that counted
        steps = (*record.steps, *reversed(record.superseded))
        curve = [(step.step, step.metrics[metric]) for step in steps]
        self._decider.restore(record.number, asked.bracket, curve)
        if record.result is not None and record.result.outcome == "diverged":
            self._decider.diverged(record.number, asked.bracket, record.result.step or 0)
        self._own += 1
        self._shadow.restore(trial, record.result)
        self._first = [point for point in self._first if point != trial.params]

    def foreign(self, trial: FrozenTrial) -> None:
        """Learn from a trial that somebody else put into the Optuna study."""
        self._shadow.foreign(trial)

    def notes_on(self, number: int) -> Mapping[str, Any]:
        """Return what the sampler noted about a trial."""
        return self._shadow.notes_on(number)


def arm_name(study: Study, values: Mapping[str, Any]) -> str:
    """Return the techniques that are on, joined by " + "; "baseline" for none."""
    on = [technique.name for technique in study.techniques if technique.is_on(values)]
    return " + ".join(on) or "baseline"


def first_points(study: Study, parameters: Parameters) -> Sequence[Mapping[str, Any]]:
    """Return the parameter values of the points to try first: the baseline always."""
    points = [study.space.baseline]
    points += [study.space.configuration(point) for point in study.space.points]
    encoded = [parameters.encode(point) for point in points]
    return [point for i, point in enumerate(encoded) if point not in encoded[:i]]
