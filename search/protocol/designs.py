"""Other designs than one technique at a time: leave-one-out, screening, a ladder.

Each answers its own question, is registered on its own under ``STUDY/DESIGN``, and runs every arm
on the same seeds, full length, without looks in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from search.configuration import override
from search.engine.stream import Limits, Listener, Stream
from search.errors import OptionError, StudyError, WinnowError, near_miss
from search.loading import LoadedStudy
from search.protocol.arms import BASELINE, Arm, combined
from search.protocol.code import code_digest
from search.protocol.fitting import promising
from search.protocol.fixed_runs import FixedRuns
from search.protocol.ownership import warn_of_strangers
from search.protocol.registering import Registered, data_digest_of, draw_seeds
from search.protocol.replicating import asked_run
from search.protocol.searching import Options, check_options, on_data, open_engine, open_trials
from search.protocol.specification import common_specification
from search.statistics import combinations_of, screening_design
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.lock import study_lock
from search.storage.records import Asked
from search.storage.registrations import (
    RegistrationRecord,
    add_registration,
    read_registrations,
)
from search.study import Study

DesignKind = Literal["leave-one-out", "screen", "ladder"]
DESIGNS: tuple[DesignKind, ...] = ("leave-one-out", "screen", "ladder")
ALL = "all"  # the arm of a leave-one-out with everything on


@dataclass(frozen=True)
class Composition:
    """The arms of a design.

    Parameters
    ----------
    kind
        Which design.
    techniques
        Those that take part; for a ladder, from the ground up.
    arms
        Name to the techniques that are on, in the order in which runs are made.
    """

    kind: DesignKind
    techniques: tuple[str, ...]
    arms: Mapping[str, tuple[str, ...]]


def compose(study: Study, kind: DesignKind, names: Sequence[str] = ()) -> Composition:
    """Return a design's arms.

    Parameters
    ----------
    study
        The question.
    kind
        "leave-one-out" starts from everything on; "screen" is a fraction of resolution IV;
        "ladder" adds one after the other.
    names
        The techniques that take part; by default all that train. Their order is a ladder's; by
        default the most promising for their effort come first.

    Raises
    ------
    OptionError
        If a name is unknown, or there are fewer than two.
    StudyError
        If techniques exclude each other, or an arm cannot be configured.
    """
    chosen = _chosen(study, names)
    if kind == "ladder":
        rungs = [tuple(chosen[:n]) for n in range(len(chosen) + 1)]
        arms = {_name(rung): rung for rung in rungs}
    elif kind == "leave-one-out":
        arms = {ALL: tuple(chosen)}
        arms |= {f"{ALL} - {name}": tuple(n for n in chosen if n != name) for name in chosen}
    else:
        wanted = combinations_of(screening_design(len(chosen)), chosen)
        ordered = [tuple(name for name in chosen if name in on) for on in wanted]
        arms = {_name(on): on for on in ordered}
    if problems := [*_conflicts(study, chosen), *_misfits(study, arms)]:
        raise StudyError(problems)
    return Composition(kind, tuple(chosen), arms)


def run_design(
    loaded: LoadedStudy,
    options: Options,
    composition: Composition,
    *,
    n_seeds: int,
    alpha: float = 0.05,
    hours: float | None = None,
    listener: Listener | None = None,
) -> str | None:
    """Run a design to its end, or go on with it; return what has ended it before.

    Parameters
    ----------
    loaded
        The study, from its file.
    options
        Where and how.
    composition
        From `compose`.
    n_seeds
        Every arm runs on so many.
    alpha
        Familywise error rate.
    hours
        Wall time of this command; what it interrupts the next one goes on with.
    listener
        Called after every event.

    Raises
    ------
    OptionError, StudyError
        If the study or an option does not fit, before anything runs.
    """
    check_options(loaded.study, options)
    loaded = replace(loaded, study=on_data(loaded.study, options))
    database = Database(options.storage)
    try:
        warn_of_strangers(database, loaded.study.name)
        with study_lock(database, loaded.study.name):
            record = _register(database, loaded, options, composition, n_seeds, alpha)
            trials = open_trials(
                loaded, options, _series(database, loaded, options, composition, record),
                FixedRuns(_runs(loaded.study, composition, record)),
            )  # fmt: skip
            stream = Stream([trials], Limits(hours=hours, resumable=True), listener)
            if stream.begin():
                with open_engine(loaded, options) as engine:
                    engine(stream)
            return stream.ended_by
    finally:
        database.close()


def _chosen(study: Study, names: Sequence[str]) -> list[str]:
    known = {technique.name: technique for technique in promising(study)}
    for name in names:
        if name not in known:
            near = near_miss(name, known)
            raise OptionError(f"--technique: this study trains with no technique '{name}'{near}")
        if known[name].levels:
            raise OptionError(
                f"--technique '{name}' is measured at several levels; designs switch on and off"
            )
    chosen = list(dict.fromkeys(names)) or [n for n, one in known.items() if not one.levels]
    if len(chosen) < 2:
        raise OptionError(f"a design needs at least two techniques, got {chosen}")
    return chosen


def _conflicts(study: Study, names: Sequence[str]) -> list[str]:
    return [
        f"'{one}' and '{two}' exclude each other: name the ones that take part with --technique"
        for one, two in combinations(names, 2)
        if study.exclude_each_other(one, two)
    ]


def _misfits(study: Study, arms: Mapping[str, Sequence[str]]) -> list[str]:
    found = []
    for name, members in arms.items():
        try:
            override(study.space.baseline, combined(study, members).settings)
        except (WinnowError, ValueError, TypeError) as error:
            found.append(f"arm '{name}': {error}")
    return found


def _name(members: Sequence[str]) -> str:
    return " + ".join(members) or BASELINE


def _register(
    database: Database,
    loaded: LoadedStudy,
    options: Options,
    composition: Composition,
    n_seeds: int,
    alpha: float,
) -> RegistrationRecord:
    """Store a design before its first run; find it if it is the same."""
    study, name = loaded.study, f"{loaded.study.name}/{composition.kind}"
    if composition.kind == "leave-one-out" and study.smallest_gain is None:
        raise StudyError(
            "leave-one-out asks what is safe to remove: it needs Study(smallest_gain=…)"
        )
    common = common_specification(study, seed=options.seed, folder=loaded.path.parent)
    specification = {
        **{key: common[key] for key in ("evaluation", "objectives", "score_at", "max_steps")},
        **{key: common[key] for key in ("baseline", "split_seed", "replication", "smallest_gain")},
        "design": composition.kind,
        "techniques": list(composition.techniques),
        "arms": [{"name": arm, "on": list(on)} for arm, on in composition.arms.items()],
        "n_seeds": n_seeds,
        "seeds": list(draw_seeds(options.seed, composition.kind, n_seeds)),
        "alpha": alpha,
        "code": {BASELINE: code_digest(study.trainable)},
        "data": data_digest_of(options.data),
    }
    earlier = read_registrations(database, name)
    if not earlier:
        return add_registration(database, name, "first", "", specification)
    moved = [key for key in specification if specification[key] != earlier[-1].specification[key]]
    if not moved:
        return earlier[-1]
    reason = f"{', '.join(moved)} changed; runs made otherwise do not count"
    return add_registration(database, name, "amendment", reason, specification)


def _series(
    database: Database,
    loaded: LoadedStudy,
    options: Options,
    composition: Composition,
    record: RegistrationRecord,
) -> Series:
    common = common_specification(loaded.study, seed=options.seed, folder=Path(loaded.path).parent)
    directions = [goal.direction for goal in loaded.study.goals]
    name = f"{loaded.study.name}/{composition.kind}"
    return Series(database, name, "design", directions, {**common, "design": record.hash})


def _runs(study: Study, composition: Composition, record: RegistrationRecord) -> list[Asked]:
    """Return every run, seed by seed, so that complete seeds exist early."""
    specification = record.specification
    code, data = specification["code"][BASELINE], specification["data"]
    registered = Registered(record, tuple(specification["seeds"]), code, data)
    arms: dict[str, Arm] = {
        name: combined(study, members) for name, members in composition.arms.items()
    }
    return [
        asked_run(study, registered, name, name, arm.settings, seed)
        for seed in registered.seeds
        for name, arm in arms.items()
    ]
