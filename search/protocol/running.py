"""The command ``run``: tune, replicate look by look, rank, stack. The same call again resumes.

The stages come out of one generator, and every stage is computed from the database alone: whatever
was killed, the next call finds where the study stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.engine.policy import Policy
from search.engine.samplers import derive_seed
from search.engine.stream import Limits, Listener, Stream
from search.engine.trials import Trials
from search.loading import LoadedStudy
from search.protocol.arms import BASELINE, Arm, trained_arms
from search.protocol.deadline import Deadline
from search.protocol.fixed_runs import FixedRuns
from search.protocol.ownership import warn_of_strangers
from search.protocol.post_hoc import apply_post_hoc
from search.protocol.registering import Design, Registered, register
from search.protocol.replicating import (
    Settings,
    asked_run,
    missing,
    needed_ahead,
    needed_seeds,
    owners_of,
    runs_for,
)
from search.protocol.rerunning import Rerun
from search.protocol.searching import (
    Options,
    artifacts_place,
    check_options,
    on_data,
    open_engine,
    open_trials,
)
from search.protocol.specification import common_specification
from search.protocol.stacking import stack_arms
from search.protocol.tuning import TuneArm, TuningPlan, selected
from search.ranking import Priority, rank_study, stack_codes, stack_members
from search.ranking.measured import tuning_name
from search.ranking.priority import look_entries
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.lock import study_lock
from search.storage.reader import read_series
from search.storage.records import Asked
from search.storage.registrations import store_looks

TUNING_SEEDS = 20_000  # tuning seeds are derived from here on, disjoint from measuring ones


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: the table, and what ended it before its last look."""

    priority: Priority
    ended_by: str | None


def run_study(
    loaded: LoadedStudy,
    options: Options,
    design: Design,
    *,
    hours: float | None = None,
    rerun: Rerun | None = None,
    listener: Listener | None = None,
) -> RunOutcome:
    """Measure and rank a study's techniques.

    Parameters
    ----------
    loaded
        The study, from its file.
    options
        Where and how.
    design
        Looks, tuning, stack.
    hours
        Deadline: nothing is begun that would not be finished in time, and what goes on all the
        same is left to the next command.
    rerun
        Arms to be run again, and why.
    listener
        Called after every event.

    Raises
    ------
    StudyError, OptionError
        If the study or an option is wrong, before anything runs.
    StudyLocked
        If another driver holds the study.
    """
    check_options(loaded.study, options)
    study = on_data(loaded.study, options)
    loaded = replace(loaded, study=study)
    database = Database(options.storage)
    try:
        warn_of_strangers(database, study.name)
        with study_lock(database, study.name):
            registered = register(
                database,
                study,
                design,
                seed=options.seed,
                folder=loaded.path.parent,
                data=options.data,
                rerun=rerun,
            )
            deadline = Deadline(hours, options.workers)
            course = Course(database, loaded, options, design, registered, deadline)
            stages = course.stages()
            first = next(stages, ())
            limits = Limits(hours=hours, resumable=True)
            stream = Stream(first, limits, listener, lambda: next(stages, ()), course.ahead)
            if first:
                with open_engine(loaded, options) as engine:
                    engine(stream)
            ended_by = deadline.ended_by or stream.ended_by
            if ended_by:
                course.look()  # one may have become due with the very last run
            priority = rank_study(database, study.name, no_more_runs=ended_by is not None)
            return RunOutcome(priority, ended_by)
    finally:
        database.close()


class Course:
    """The way of one study through its stages.

    Parameters
    ----------
    database, loaded, options, design, registered
        As in `run_study`.
    deadline
        By when the last look must have been taken.
    """

    def __init__(
        self,
        database: Database,
        loaded: LoadedStudy,
        options: Options,
        design: Design,
        registered: Registered,
        deadline: Deadline,
    ) -> None:
        self._database, self._loaded, self._options = database, loaded, options
        self._design, self._registered = design, registered
        self._study = loaded.study
        self._folder = artifacts_place(database, options) / self._study.name / "predictions"
        self._deadline = deadline
        self._looking: FixedRuns | None = None

    def stages(self) -> Iterator[Sequence[Trials]]:
        """Yield the series of each stage; each is computed when the one before has ended."""
        if self._design.tuning == "once":
            yield [self._tuning(arm, 0) for arm in trained_arms(self._study)]
        while True:
            priority = self.look()
            needs = needed_seeds(priority)
            if self._deadline.ends(priority, self._n_todo(priority, needs), "the next look"):
                return
            if not needs:
                break
            if self._design.tuning == "per-seed":
                yield self._tunings(needs)
            settings = self._settings(needs)
            runs = missing(priority, runs_for(self._study, self._registered, settings, needs))
            if not runs:
                break
            self._looking = self._fixed(runs)
            yield [self._determinism(settings), self._replicates(self._looking)]
            self._looking = None
        if self._design.stack:
            yield from self._stack()

    def ahead(self) -> bool:
        """Give idle workers the next look's certain runs; return whether there are any.

        While a look's last runs are under way, an arm that they cannot settle goes on already; so
        does the baseline. Tuning per seed comes before a run, and is not done ahead.
        """
        if self._looking is None or self._design.tuning == "per-seed":
            return False
        priority = self.look()
        needs = needed_seeds(priority) | needed_ahead(priority)
        if not needs or self._deadline.ends(
            priority, self._n_todo(priority, needs), "the next look"
        ):
            return False
        settings = self._settings(needs)
        return self._looking.extend(
            missing(priority, runs_for(self._study, self._registered, settings, needs))
        )

    # -- stages -------------------------------------------------------------------------------

    def look(self) -> Priority:
        """Measure what needs no training, take the looks that are due, and store them."""
        priority = self._rank()
        if apply_post_hoc(self._database, self._study, self._registered, priority, self._folder):
            priority = self._rank()
        version, looks = priority.registration.version, look_entries(priority.table.looks)
        store_looks(self._database, self._study.name, version, looks)
        return priority

    def _rank(self) -> Priority:
        return rank_study(self._database, self._study.name)

    def _n_todo(self, priority: Priority, needs: Mapping[str, int]) -> int:
        """Return how many runs the next look lacks, whatever tuning chooses for them."""
        runs = runs_for(self._study, self._registered, Settings.stated(self._study), needs)
        return sum((run.arm, run.seed) not in priority.measured.runs for run in runs)

    def _tunings(self, needs: Mapping[str, int]) -> list[Trials]:
        arms = {arm.name: arm for arm in trained_arms(self._study)}
        return [self._tuning(arms[name], place) for name, n in needs.items() for place in range(n)]

    def _tuning(self, arm: Arm, repeat: int) -> Trials:
        owners = owners_of(self._registered.record.specification)
        codes = self._registered.record.specification["code"]
        plan = TuningPlan(
            arm=arm,
            n_trials=self._design.trials,
            seed=derive_seed(self._options.seed, TUNING_SEEDS + repeat),
            draw=derive_seed(self._options.seed, repeat),
            code=str(codes.get(owners[arm.name], self._registered.code)),
            data=self._registered.data,
        )
        return self._open(self._tune_name(arm.name, repeat), "tune", TuneArm(self._study, plan))

    def _tune_name(self, arm: str, repeat: int) -> str:
        specification = self._registered.record.specification
        return tuning_name(specification, self._study.name, arm, repeat)

    def _settings(self, needs: Mapping[str, int]) -> Settings:
        """Return what every arm is measured with, tuned as the design says."""
        arms = {arm.name: arm for arm in trained_arms(self._study)}
        chosen: dict[tuple[str, int | None], Mapping[str, Any]] = {}
        for name, n in needs.items():
            match self._design.tuning:
                case "once":
                    chosen[name, None] = self._chosen(arms[name], 0)
                case "per-seed":
                    for place in range(n):
                        chosen[name, place] = self._chosen(arms[name], place)
        return Settings(arms, chosen)

    def _chosen(self, arm: Arm, repeat: int) -> Mapping[str, Any]:
        best = selected(read_series(self._database, self._tune_name(arm.name, repeat), steps=False))
        return best.asked.changes if best else arm.settings

    def _fixed(self, runs: Sequence[Asked]) -> FixedRuns:
        predictions = self._folder if self._study.contract.predicts else None
        return FixedRuns(runs, predictions=predictions)

    def _replicates(self, runs: FixedRuns) -> Trials:
        return self._open(f"{self._study.name}/replicate", "replicate", runs)

    def _determinism(self, settings: Settings) -> Trials:
        """One baseline seed is run a second time, outside the rows."""
        seed = self._registered.seeds[0]
        run = asked_run(
            self._study, self._registered, BASELINE, BASELINE, settings.of(BASELINE, 0), seed
        )
        return self._open(f"{self._study.name}/aa", "aa", FixedRuns([run]))

    def _stack(self) -> Iterator[Sequence[Trials]]:
        priority = self._rank()
        membership = stack_members(priority)
        members = membership.members
        if len(members) < 2:
            return
        rows = {row.technique: row for row in priority.table.rows}
        columns = {member: rows[member].level or member for member in members}
        n = max(rows[member].n_seeds for member in members)
        needs = dict.fromkeys([BASELINE, *columns.values()], n)
        if self._design.tuning == "per-seed":
            yield self._tunings(needs)
        settings = self._settings(needs)
        codes = stack_codes(priority.specification, membership)
        runs: list[Asked] = []
        stacked: list[Asked] = []
        for place, seed in enumerate(self._registered.seeds[:n]):
            runs += [
                self._run(column, member, settings.of(column, place), seed)
                for member, column in columns.items()
            ]
            common = settings.of(BASELINE, place)
            own = {m: self._own(settings.of(column, place), m) for m, column in columns.items()}
            stacked += [
                replace(self._run(arm, BASELINE, {**common, **fields}, seed), code=codes[arm])
                for arm, fields in stack_arms(membership, own).items()
            ]
        runs = missing(priority, runs)
        if self._deadline.ends(priority, len(runs) + len(stacked), "the stack"):
            return
        yield [
            self._replicates(self._fixed(runs)),
            self._open(f"{self._study.name}/stack", "stack", FixedRuns(stacked)),
        ]

    def _own(self, changes: Mapping[str, Any], member: str) -> dict[str, Any]:
        """Return what a technique itself sets: in a stack the rest comes from the baseline."""
        nuisance = self._study.space.domains
        return {
            path: value
            for path, value in changes.items()
            if path not in nuisance or path in self._study.technique(member).on
        }

    def _run(self, arm: str, owner: str, changes: Mapping[str, Any], seed: int) -> Asked:
        return asked_run(self._study, self._registered, arm, owner, changes, seed)

    def _open(self, study: str, kind: str, policy: Policy) -> Trials:
        specification = common_specification(
            self._study, seed=self._options.seed, folder=Path(self._loaded.path).parent
        )
        directions = [goal.direction for goal in self._study.goals]
        series = Series(self._database, study, kind, directions, specification)
        return open_trials(self._loaded, self._options, series, policy)
