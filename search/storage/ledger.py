"""Writing the study database: ours first, then Optuna's; every write may be repeated.

One exception: a trial's number comes from Optuna, so Optuna's row is made first there, with all
that is needed to make ours again from it.
"""

from __future__ import annotations

import getpass
import math
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import delete, update
from sqlalchemy.engine import Connection

from search.errors import StorageError
from search.storage import journal
from search.storage.database import Database, insert_new
from search.storage.drawing import Allowance, Drawing
from search.storage.records import Asked, Attempt, Checkpoint, Result, RunFlag, Step
from search.storage.rows import (
    asked_row,
    attempt_row,
    checkpoint_rows,
    dumps,
    flag_rows,
    step_rows,
)
from search.storage.tables import (
    ATTEMPTS,
    CHECKPOINTS,
    DIAGNOSTICS,
    FLAGS,
    STEPS,
    STUDIES,
    TRIALS,
)

STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
ASKED = "winnow:asked"  # Optuna's copy of what was asked, out of the dashboard's sight


class Series:
    """One Optuna study in the database, with our tables beside it.

    Parameters
    ----------
    database
        An open database.
    study
        Optuna's study name, such as ``pi-tft/search``.
    kind
        search, tune, replicate, …
    directions
        One per objective.
    specification
        What was asked, as JSON can hold it; kept from the first time.
    """

    def __init__(
        self,
        database: Database,
        study: str,
        kind: str,
        directions: Sequence[str],
        specification: Mapping[str, Any],
    ) -> None:
        self.database = database
        self.study = study
        self._ids: dict[int, int] = {}
        self._drawings: dict[int, Drawing] = {}
        self._allowance = Allowance(time.monotonic())
        self._study_id: int = database.write(lambda: self._open(directions))
        self.database.write(lambda: self._register(kind, specification))

    def _open(self, directions: Sequence[str]) -> int:
        storage = self.database.optuna
        wanted = [StudyDirection[direction.upper()] for direction in directions]
        try:
            study_id = storage.get_study_id_from_name(self.study)
        except KeyError:
            return storage.create_new_study(wanted, self.study)
        if storage.get_study_directions(study_id) != wanted:
            raise StorageError(
                f"study '{self.study}' exists in {self.database.name} with other directions; "
                "give this study another name"
            )
        return study_id

    def _register(self, kind: str, specification: Mapping[str, Any]) -> None:
        row = {
            "study": self.study,
            "name": self.study.partition("/")[0],
            "kind": kind,
            "specification": dumps(specification),
            "created": time.time(),
            "owner": user(),
        }
        with self.database.engine.begin() as connection:
            insert_new(connection, STUDIES, [row])

    def specify(self, specification: Mapping[str, Any]) -> None:
        """Replace what was asked (a search that was extended)."""

        def write() -> None:
            with self.database.engine.begin() as connection:
                connection.execute(
                    update(STUDIES)
                    .where(STUDIES.c.study == self.study)
                    .values(specification=dumps(specification))
                )

        self.database.write(write)

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        """Keep something for later commands on this study, out of the dashboard's sight."""
        storage = self.database.optuna
        self.database.write(lambda: storage.set_study_system_attr(self._study_id, key, dict(value)))

    def remembered(self, key: str) -> list[Mapping[str, Any]]:
        """Return what was kept in any series of this study."""
        name = self.study.partition("/")[0]
        studies = self.database.optuna.get_all_studies()
        ours = [s for s in studies if s.study_name.partition("/")[0] == name]
        return [s.system_attrs[key] for s in ours if key in s.system_attrs]

    def ask(self, asked: Asked, attributes: Mapping[str, Any]) -> int:
        """Store a new running trial; return its number.

        Raises
        ------
        StorageError
            If the Optuna study holds trials of another space.
        """
        token = {**asked_row(asked), "token": uuid.uuid4().hex}
        trial = create_trial(
            state=TrialState.RUNNING,
            params=dict(asked.params),
            distributions=dict(asked.distributions),
            user_attrs=dict(attributes),
            system_attrs={ASKED: dumps(token)},
        )
        number = self._create(trial)
        self.adopt(number, asked, time.time())
        return number

    def _create(self, trial: FrozenTrial) -> int:
        """Create a trial once, though the database's answer may be lost and the call repeated."""
        storage, faults = self.database.optuna, self.database.faults

        try:
            trial_id = self.database.write(lambda: storage.create_new_trial(self._study_id, trial))
        except ValueError as error:  # Optuna's, of a parameter whose choices have changed
            raise StorageError(
                f"study '{self.study}' in {self.database.name} was begun with another space "
                f"({error}); give this study another name, or the database another file"
            ) from error
        number = self._number_of(trial_id)
        if self.database.faults > faults:
            number, *twins = self._twins(trial)
            for twin in twins:
                self._withdraw(twin)
        return number

    def _number_of(self, trial_id: int) -> int:
        """Return a new trial's number: most often the one after the last, which is cheap to see."""
        number, storage = max(self._ids, default=-1) + 1, self.database.optuna
        try:
            expected = self._trial_id(number)
        except KeyError:
            expected = None
        if expected != trial_id:
            number = self.database.write(lambda: storage.get_trial_number_from_id(trial_id))
            self._ids[number] = trial_id
        return number

    def _twins(self, trial: FrozenTrial) -> list[int]:
        """Return the numbers of the running trials that one call of `ask` has made."""
        return [
            other.number
            for other in self.optuna_trials()
            if other.state == TrialState.RUNNING
            and other.system_attrs.get(ASKED) == trial.system_attrs[ASKED]
        ]

    def _withdraw(self, number: int) -> None:
        storage, trial_id = self.database.optuna, self._trial_id(number)

        def write() -> None:
            storage.set_trial_user_attr(trial_id, "reason", "made twice: an answer was lost")
            storage.set_trial_system_attr(trial_id, ASKED, None)
            storage.set_trial_state_values(trial_id, TrialState.FAIL)

        with suppress(UpdateFinishedTrialError):
            self.database.write(write)

    def adopt(self, number: int, asked: Asked, created: float) -> None:
        """Store our row of a trial that Optuna already knows."""
        row = {"study": self.study, "number": number, "created": created, **asked_row(asked)}

        def write() -> None:
            with self.database.engine.begin() as connection:
                insert_new(connection, TRIALS, [row])

        self.database.write(write)

    def start(self, number: int, attempt: Attempt) -> None:
        """Store that an attempt has started."""
        self.record(number, attempt.number, begun=attempt)

    def record(
        self,
        number: int,
        attempt: int,
        steps: Sequence[Step] = (),
        checkpoints: Sequence[Checkpoint] = (),
        *,
        flags: Sequence[RunFlag] = (),
        diagnostics: str | None = None,
        begun: Attempt | None = None,
        ended: Attempt | None = None,
        result: Result | None = None,
        kept: Checkpoint | None = None,
        lost: Sequence[int] = (),
    ) -> None:
        """Store what came of an attempt, its beginning, its end and the trial's: all or nothing.

        A trial that has ended has no checkpoints any more but the one that is `kept`, and those
        trials none that have `lost` theirs to it.
        """
        trial = {"study": self.study, "number": number}
        key = {**trial, "attempt": attempt}
        rows = (
            (ATTEMPTS, [] if begun is None else [attempt_row(trial, begun)]),
            (STEPS, step_rows(key, steps)),
            (CHECKPOINTS, checkpoint_rows(key, checkpoints)),
            (FLAGS, flag_rows(trial, flags)),
            (DIAGNOSTICS, [] if diagnostics is None else [{**trial, "content": diagnostics}]),
        )

        def write() -> None:
            with self.database.engine.begin() as connection:
                for table, new in rows:
                    insert_new(connection, table, new)
                if ended is not None:
                    self._end_attempt(connection, number, ended)
                if result is not None:
                    self._end_trial(connection, number, result)
                    self._forget_checkpoints(connection, (number, *lost))
                if kept is not None:
                    insert_new(connection, CHECKPOINTS, checkpoint_rows(key, [kept]))

        self.database.write(write)
        if begun is not None:
            journal.begun(self.study, number, begun)
        journal.ended(self.study, number, ended, result)

    def _end_attempt(self, connection: Connection, number: int, attempt: Attempt) -> None:
        connection.execute(
            update(ATTEMPTS)
            .where(
                ATTEMPTS.c.study == self.study,
                ATTEMPTS.c.number == number,
                ATTEMPTS.c.attempt == attempt.number,
            )
            .values(
                ended=attempt.ended,
                end=attempt.end,
                error=attempt.error,
                log=attempt.log,
                peak_memory=attempt.peak_memory,
            )
        )

    def _end_trial(self, connection: Connection, number: int, result: Result) -> None:
        connection.execute(
            update(TRIALS)
            .where(TRIALS.c.study == self.study, TRIALS.c.number == number)
            .values(
                outcome=result.outcome,
                step=result.step,
                values=dumps(result.values),
                reason=result.reason,
                finished=result.finished,
            )
        )

    def _forget_checkpoints(self, connection: Connection, numbers: Sequence[int]) -> None:
        ours = CHECKPOINTS.c.study == self.study
        connection.execute(delete(CHECKPOINTS).where(ours, CHECKPOINTS.c.number.in_(numbers)))

    def draw(self, number: int, values: Mapping[int, float]) -> None:
        """Give Optuna a trial's intermediate values (thinned): what its dashboard draws."""
        drawing, now = self._drawings.setdefault(number, Drawing()), time.monotonic()
        self._draw(number, drawing.take(values, now, allowed=self._allowance.is_left(now)))

    def _draw(self, number: int, values: Mapping[int, float]) -> None:
        draw, started = self.database.optuna.set_trial_intermediate_value, time.monotonic()
        for step, value in values.items():
            self.database.write(partial(draw, self._trial_id(number), step, value))
        self._allowance.spend(time.monotonic() - started)

    def tell(self, number: int, result: Result, attributes: Mapping[str, Any]) -> None:
        """Finish a trial in Optuna, after ours; nothing happens if it is finished already.

        Raises
        ------
        StorageError
            If it is complete, pruned or stopped with values that Optuna cannot compare.
        """
        scored = result.outcome not in ("failed", "diverged")
        missing = result.outcome == "complete" and not result.values
        if missing or (scored and not all(map(math.isfinite, result.values))):
            raise StorageError(
                f"trial {number} of '{self.study}' is {result.outcome} with values {result.values}"
            )
        trial_id = self._trial_id(number)
        with suppress(UpdateFinishedTrialError):
            drawing = self._drawings.pop(number, Drawing())
            if self._allowance.is_left(time.monotonic()):
                self._draw(number, drawing.rest())
            drawn = drawing.has(result.step or 0)
            self.database.write(lambda: self._tell(trial_id, result, attributes, drawn=drawn))

    def _tell(
        self, trial_id: int, result: Result, attributes: Mapping[str, Any], *, drawn: bool
    ) -> None:
        storage = self.database.optuna
        for key, value in attributes.items():
            storage.set_trial_user_attr(trial_id, key, value)
        if result.outcome in ("pruned", "stopped") and len(result.values) == 1 and not drawn:
            storage.set_trial_intermediate_value(trial_id, result.step or 0, result.values[0])
        values = None if result.outcome in ("failed", "diverged") else result.values
        storage.set_trial_state_values(trial_id, STATES[result.outcome], values or None)

    def mirror(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Keep what a sampler noted about a running trial, so that a rerun's sampler finds it."""
        for key, value in attributes.items():
            self.database.write(
                partial(
                    self.database.optuna.set_trial_system_attr, self._trial_id(number), key, value
                )
            )

    def mirror_study(self, attributes: Mapping[str, Any]) -> None:
        """Keep what a sampler noted about the whole study."""
        for key, value in attributes.items():
            self.database.write(
                partial(self.database.optuna.set_study_system_attr, self._study_id, key, value)
            )

    def study_notes(self) -> dict[str, Any]:
        """Return what samplers noted about the whole study."""
        return self.database.write(
            lambda: self.database.optuna.get_study_system_attrs(self._study_id)
        )

    def optuna_trials(self) -> list[FrozenTrial]:
        """Return Optuna's trials by number."""
        return self.database.write(
            lambda: self.database.optuna.get_all_trials(self._study_id, deepcopy=False)
        )

    def _trial_id(self, number: int) -> int:
        if number not in self._ids:
            find = self.database.optuna.get_trial_id_from_study_id_trial_number
            self._ids[number] = self.database.write(lambda: find(self._study_id, number))
        return self._ids[number]


def user() -> str | None:
    """Return who runs this process; None where a container's user has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None
