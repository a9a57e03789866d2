"""The study in memory that a sampler asks from; it mirrors the database."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.engine.samplers import Source, kept_notes
from search.engine.window import Bound, Window
from search.parameters import Parameters, ask_trial
from search.storage.records import Result
from search.study import Direction

FIXED = "winnow:fixed"  # noted on a trial whose values no sampler proposed
_NAME = "shadow"
BOUND = Bound()


class _Memory(optuna.Study):
    """A study whose sampler may say that it has nothing left to propose."""

    exhausted = False

    def stop(self) -> None:
        """Take note: a grid is used up."""
        self.exhausted = True


class Shadow:
    """A study in memory that mirrors the database, for a sampler to ask from.

    Its trials may have other numbers than the database's, when somebody else has put trials into
    the Optuna study.

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
    bound
        How many trials TPE by name is fitted to, with one objective.
    """

    def __init__(
        self,
        sampler: str | BaseSampler,
        directions: Sequence[Direction],
        seed: int,
        notes: Mapping[str, Any],
        *,
        bound: Bound = BOUND,
    ) -> None:
        self._ways = [StudyDirection[direction.upper()] for direction in directions]
        self._source = Source(sampler, seed)
        self._bound = bound if self._source.forgets and len(directions) == 1 else None
        self._open(notes)
        self._places: dict[int, int] = {}
        self._asked, self._fixed = -1, False
        self._resumed = False
        self._unscored: list[int] = []
        self._ended = 0  # trials, since some were forgotten last

    def _open(self, notes: Mapping[str, Any]) -> None:
        """Begin an empty study."""
        self._memory = Window(self._bound) if self._bound else optuna.storages.InMemoryStorage()
        self._id = self._memory.create_new_study(self._ways, _NAME)
        self._study = _Memory(_NAME, self._memory, sampler=self._source.sampler(0))
        for key, value in notes.items():
            self._memory.set_study_system_attr(self._id, key, value)

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has nothing left to propose."""
        return self._study.exhausted

    def restore(self, trial: FrozenTrial, result: Result | None) -> None:
        """Take over a trial from the database, in the order of the numbers."""
        self._resumed = True
        if self._source.replays:
            self._replay(trial)
        else:
            self._add(
                create_trial(
                    state=TrialState.RUNNING,
                    params=trial.params,
                    distributions=trial.distributions,
                    system_attrs=trial.system_attrs,
                )
            )
        self._places[trial.number] = self._asked
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
        if self._resumed:
            self._source.resume()
            self._resumed = False
        with _quiet():
            return parameters.suggest(ask_trial(self._ask(number, fixed)))

    def notes_on(self, number: int) -> dict[str, Any]:
        """Return what the sampler noted about the trial just asked; it got this number."""
        self._places[number] = self._asked
        if self._source.replays:
            return {FIXED: True} if self._fixed else {}
        if not self._source.keeps_notes:
            return {}
        return kept_notes(self._memory.get_trial(self._trial_id(number)).system_attrs)

    def notes(self) -> dict[str, Any]:
        """Return what the sampler noted about the whole study."""
        if not self._source.keeps_study_notes:
            return {}
        return dict(self._memory.get_study_system_attrs(self._id))

    def told(self, number: int, result: Result) -> None:
        """Tell the sampler how a trial ended."""
        match result.outcome:
            case "complete":
                self._tell(self._places[number], TrialState.COMPLETE, result.values)
            case "failed":
                self._tell(self._places[number], TrialState.FAIL)
            case "diverged" if self._source.needs_values:
                self._unscored.append(self._places[number])
            case _:
                if result.outcome != "diverged" and len(result.values) == 1:
                    self._memory.set_trial_intermediate_value(
                        self._trial_id(number), result.step or 0, result.values[0]
                    )
                self._tell(self._places[number], TrialState.PRUNED)
        self._score_diverged()
        self._ended += 1
        if self._bound is not None and self._ended > self._bound.total:
            self._forget()

    def _forget(self) -> None:
        """Begin again with the trials that are still shown; no suggestion changes by that."""
        shown = self._memory.get_all_trials(self._id, deepcopy=False)
        self._open(self._memory.get_study_system_attrs(self._id))
        self._ended = 0
        places = {trial.number: self._place(trial) for trial in shown}
        self._places = {n: places[place] for n, place in self._places.items() if place in places}
        self._asked = places.get(self._asked, -1)

    def _place(self, trial: FrozenTrial) -> int:
        """Return the number that a trial gets here."""
        return self._memory.get_trial_number_from_id(self._memory.create_new_trial(self._id, trial))

    def _ask(self, number: int, fixed: Mapping[str, Any] | None) -> optuna.Trial:
        if fixed is not None:
            self._study.enqueue_trial(dict(fixed))
        self._study.sampler = self._source.sampler(number)
        trial = self._study.ask()
        self._asked, self._fixed = trial.number, fixed is not None
        return trial

    def _replay(self, trial: FrozenTrial) -> None:
        with _quiet():
            again = self._ask(trial.number, trial.params)
            if FIXED not in trial.system_attrs:
                _ = again.relative_params  # here the sampler proposed, and took note of it
            for name, domain in trial.distributions.items():
                ask_trial(again)(name, domain)  # type: ignore[arg-type]  # one of our three

    def _add(self, trial: FrozenTrial) -> None:
        self._asked = self._place(trial)

    def _tell(self, place: int, state: TrialState, values: Sequence[float] | None = None) -> None:
        with _quiet():
            self._study.tell(place, values, state=state)

    def _score_diverged(self) -> None:
        """Tell diverged trials the worst value, as soon as there is one."""
        worst = self._worst() if self._unscored else None
        while worst is not None and self._unscored:
            self._tell(self._unscored.pop(0), TrialState.COMPLETE, worst)

    def _worst(self) -> list[float] | None:
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not done:
            return None
        columns = zip(*(trial.values for trial in done), strict=True)
        pairs = zip(columns, self._study.directions, strict=True)
        return [max(c) if way == StudyDirection.MINIMIZE else min(c) for c, way in pairs]

    def _trial_id(self, number: int) -> int:
        place = self._places[number]
        return self._memory.get_trial_id_from_study_id_trial_number(self._id, place)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
