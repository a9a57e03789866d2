"""The part of a long history that TPE is fitted to: the best trials and the most recent ones.

TPE's time for a suggestion grows with the trials that it is fitted to. It models the good ones, at
most 25 of them, and all others (Watanabe 2023, arXiv:2304.11127); of those others the oldest have
almost no weight. So the good ones are the same with this bound as without it, the rest is
represented by what is nearly good and by what is recent, and neither time nor memory grows with
the number of trials. With several objectives TPE calls a tenth of all trials good: those searches
are not bounded.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

LEARNT = (TrialState.COMPLETE, TrialState.PRUNED)  # what TPE learns from; a failed trial never


@dataclass(frozen=True)
class Bound:
    """How many of the trials that have ended TPE is fitted to.

    Parameters
    ----------
    best
        How many of the best, as TPE ranks them: four times what it ever calls good.
    recent
        How many of the most recent: from 250 on, TPE calls 25 good, however many there are.
    """

    best: int = 100
    recent: int = 500

    @property
    def total(self) -> int:
        """How many it is at most."""
        return self.best + self.recent


class Window(InMemoryStorage):
    """A study in memory that shows its sampler a bounded part of its trials.

    Shown are all trials under way, the best that have ended, and the most recent that have.

    Parameters
    ----------
    bound
        How many are shown.
    """

    def __init__(self, bound: Bound) -> None:
        super().__init__()
        self._bound = bound
        self._hidden: frozenset[int] | None = None

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Add a trial."""
        if template_trial is not None and template_trial.state.is_finished():
            self._hidden = None
        return super().create_new_trial(study_id, template_trial)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Change a trial's state; one that has ended may hide another."""
        self._hidden = None
        return super().set_trial_state_values(trial_id, state, values)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # noqa: FBT001, FBT002 - Optuna's signature
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Return the trials that are shown, in the order of their numbers."""
        hidden = self._hide(study_id)
        found = [
            trial
            for trial in super().get_all_trials(study_id, deepcopy=False)
            if trial.number not in hidden and (states is None or trial.state in states)
        ]
        return copy.deepcopy(found) if deepcopy else found

    def _hide(self, study_id: int) -> frozenset[int]:
        """Return the numbers of the trials that are not shown."""
        if self._hidden is None:
            trials = super().get_all_trials(study_id, deepcopy=False)
            direction = self.get_study_directions(study_id)[0]
            shown = select(trials, direction, self._bound)
            self._hidden = frozenset(trial.number for trial in trials) - shown
        return self._hidden


def select(
    trials: Iterable[FrozenTrial], direction: StudyDirection, bound: Bound
) -> frozenset[int]:
    """Return the numbers of the trials that are shown.

    A trial that is not among them will never be again: the best only become better, the most
    recent only more recent.

    Parameters
    ----------
    trials
        In the order of their numbers.
    direction
        Of the one objective.
    bound
        How many of those that have ended; the most recent ones have the highest numbers.
    """
    trials = list(trials)
    under_way = [trial for trial in trials if not trial.state.is_finished()]
    learnt = [trial for trial in trials if trial.state in LEARNT]
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    sign = -1.0 if direction == StudyDirection.MAXIMIZE else 1.0
    ranked = sorted(learnt, key=lambda trial: _rank(trial, sign))[: bound.best]
    recent = learnt[-bound.recent :] + failed[-bound.recent :]
    return frozenset(trial.number for trial in (*under_way, *ranked, *recent))


def _rank(trial: FrozenTrial, sign: float) -> tuple[int, float, float]:
    """Return what sorts trials as TPE does: the longer a pruned one ran, the better it was."""
    if trial.state == TrialState.COMPLETE:
        return 0, 0.0, sign * (trial.value or 0.0)
    if not trial.intermediate_values:
        return 2, 0.0, 0.0
    step, value = max(trial.intermediate_values.items())
    return 1, -float(step), math.inf if math.isnan(value) else sign * value
