"""Tuning an arm: quasi-random samples with ASHA's rungs, the same budget for every arm.

Sobol points (Joe & Kuo 2008, doi:10.1137/070709359) sample every arm evenly; what arms share is
sampled at the same points, so that no arm is luckier than another. The first trial has the arm's
stated settings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial
from scipy.stats import qmc

from search.configuration import flatten, override
from search.engine.asha import make_decider
from search.parameters import Parameters
from search.protocol.arms import Arm
from search.space import Categorical, Domain, Int, Space
from search.storage.records import Asked, Result, SeriesRecord, TrialRecord
from search.study import Study


def arm_space(study: Study, arm: Arm) -> Space:
    """Return what an arm is tuned over: the nuisance hyperparameters and its own knobs."""
    baseline = override(study.space.baseline, arm.settings)
    return Space(baseline=baseline, domains={**study.space.domains, **arm.knobs})


@dataclass(frozen=True)
class TuningPlan:
    """One tuning of one arm.

    Parameters
    ----------
    arm
        Whose hyperparameters are chosen.
    n_trials
        The budget, the stated settings included.
    seed
        Of the training runs; never one of the measuring seeds.
    draw
        Of the sample points; the same for every arm.
    code, data
        Digests, as stored with every run.
    """

    arm: Arm
    n_trials: int
    seed: int
    draw: int
    code: str
    data: str


class TuneArm:
    """The policy of one tuning."""

    def __init__(self, study: Study, plan: TuningPlan) -> None:
        self._study, self._plan = study, plan
        self._parameters = Parameters.of(arm_space(study, plan.arm))
        self._points = sample_points(self._parameters, study, plan)
        self._decider = make_decider(study.pruner, study.max_steps, study.goals[0].sign)

    @property
    def wanted(self) -> int:
        """The budget."""
        return self._plan.n_trials

    def propose(self, number: int) -> Asked | None:
        """Return trial `number`."""
        if number >= self._plan.n_trials:
            return None
        arm_baseline = self._parameters.baseline
        if number == 0:
            params = self._parameters.encode(arm_baseline)
        else:
            point = self._points[number - 1]
            params = self._parameters.suggest(lambda name, domain: _at(domain, point[name]))
        changes = {**self._plan.arm.settings, **self._parameters.decode(params)}
        values = {**flatten(self._study.space.baseline), **changes}
        return Asked(
            arm=self._plan.arm.name,
            seed=self._plan.seed,
            configuration=values,
            changes=changes,
            max_steps=self._study.max_steps,
            params=params,
            distributions=self._parameters.distributions(params),
            code=self._plan.code,
            data=self._plan.data,
        )

    def halts(self, asked: Asked) -> tuple[int, ...] | None:
        """Return the rungs."""
        return self._decider.halts(asked.bracket)

    def predictions(self, number: int, asked: Asked) -> str | None:  # noqa: ARG002 - interface
        """Return None: what a trial predicts is not measured."""
        return None

    def stops(self, number: int, asked: Asked, step: int, value: float) -> bool:
        """Return whether the trial fails at this rung, among this arm's trials alone."""
        return self._decider.stops(number, asked.bracket, step, value)

    def told(self, number: int, asked: Asked, result: Result) -> None:
        """Let the rungs know of a breakdown."""
        if result.outcome == "diverged":
            self._decider.diverged(number, asked.bracket, result.step or 0)

    def restore(self, trial: FrozenTrial, record: TrialRecord) -> None:  # noqa: ARG002 - interface
        """Take over a trial of an earlier command."""
        metric = self._study.goals[0].metric
        steps = (*record.steps, *reversed(record.superseded))
        curve = [(step.step, step.metrics[metric]) for step in steps]
        self._decider.restore(record.number, record.asked.bracket, curve)
        if record.result is not None:
            self.told(record.number, record.asked, record.result)

    def foreign(self, trial: FrozenTrial) -> None:
        """Need nothing."""

    def notes_on(self, number: int) -> Mapping[str, Any]:  # noqa: ARG002 - the interface
        """Return nothing: the points are known beforehand."""
        return {}


def sample_points(parameters: Parameters, study: Study, plan: TuningPlan) -> list[dict[str, float]]:
    """Return points of the unit cube by parameter name; shared parameters first."""
    names = [parameter.name for parameter in parameters.parameters]
    shared = [name for name in names if name in study.space.domains]
    own = [name for name in names if name not in study.space.domains]
    columns: dict[str, NDArray[np.float64]] = {}
    for offset, group in enumerate((shared, own)):
        if group:
            sobol = qmc.Sobol(len(group), rng=np.random.default_rng([plan.draw, offset]))
            sample = sobol.random_base2(math.ceil(math.log2(max(2, plan.n_trials))))
            columns |= dict(zip(group, sample.T, strict=True))
    return [
        {name: float(column[i]) for name, column in columns.items()}
        for i in range(plan.n_trials - 1)
    ]


def _at(domain: Domain, share: float) -> Any:
    """Return the value of a domain at a share of its range, on its own scale."""
    share = min(max(share, 0.0), 1.0 - 1e-9)
    if isinstance(domain, Categorical):
        return domain.choices[int(share * len(domain.choices))]
    if isinstance(domain, Int):
        if domain.log:
            low, high = math.log(domain.low - 0.5), math.log(domain.high + 0.5)
            found = round(math.exp(low + share * (high - low)))
            return min(max(found, domain.low), domain.high)
        count = (domain.high - domain.low) // domain.step + 1
        return domain.low + domain.step * int(share * count)
    if domain.log:
        low, high = math.log(domain.low), math.log(domain.high)
        return min(max(math.exp(low + share * (high - low)), domain.low), domain.high)
    value = domain.low + share * (domain.high - domain.low)
    if domain.step is not None:
        value = domain.low + domain.step * round((value - domain.low) / domain.step)
    return min(max(value, domain.low), domain.high)


def selected(series: SeriesRecord) -> TrialRecord | None:
    """Return the trial a tuning chose; None when none was completed."""
    return series.best
