"""The priority table of a study, from its database alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from search.configuration import digest
from search.errors import StorageError, near_miss
from search.ranking.measured import BASELINE, Measured, measured_runs
from search.statistics import (
    Arm,
    ColumnLook,
    Look,
    Membership,
    Registration,
    Table,
    Verdict,
    choose_members,
    rank_table,
)
from search.storage.database import Database
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import SeriesRecord
from search.storage.registrations import RegistrationRecord, read_registrations

SERIES = ("replicate", "post-hoc")


@dataclass(frozen=True)
class Priority:
    """A study's table, and what it was made from.

    Parameters
    ----------
    name
        The study.
    registrations
        Every version, oldest first; the last is in force.
    seeds
        The seed list in force.
    measured
        The runs that count.
    table
        The statistics.
    bugs
        Arms paused as "bug, mend and rerun", and the exception.
    """

    name: str
    registrations: tuple[RegistrationRecord, ...]
    seeds: tuple[int, ...]
    measured: Measured
    table: Table
    bugs: Mapping[str, str]

    @property
    def registration(self) -> RegistrationRecord:
        """The version in force."""
        return self.registrations[-1]

    @property
    def specification(self) -> Mapping[str, Any]:
        """What was fixed."""
        return self.registration.specification

    def entry(self, technique: str) -> Mapping[str, Any]:
        """Return a technique as it was registered."""
        entries: Sequence[Mapping[str, Any]] = self.specification["techniques"]
        return next(entry for entry in entries if entry["name"] == technique)


def rank_study(database: Database, name: str, *, no_more_runs: bool = False) -> Priority:
    """Rank a study's techniques by what the database holds.

    Parameters
    ----------
    database
        An open database.
    name
        The study.
    no_more_runs
        Give every row its verdict now.

    Raises
    ------
    StorageError
        If the study was never registered.
    """
    registrations = read_registrations(database, name)
    if not registrations:
        known = study_names(database)
        raise StorageError(f"{database.name} holds no table of '{name}'{near_miss(name, known)}")
    specification = registrations[-1].specification
    measured = measured_runs(_series(database, name), specification, specification["seeds"])
    return rank_runs(name, registrations, measured, no_more_runs=no_more_runs)


def rank_runs(
    name: str,
    registrations: Sequence[RegistrationRecord],
    measured: Measured,
    *,
    no_more_runs: bool = False,
) -> Priority:
    """Rank runs that have been read already; see `rank_study`."""
    specification = registrations[-1].specification
    bugs = measured.bugs()
    table = rank_table(
        statistics_registration(specification, bugs, measured.apart),
        measured.replicates(),
        measured=measured.measurements(),
        rng=np.random.default_rng(int(registrations[-1].hash, 16)),
        history=[look_of(look) for look in registrations[-1].looks],
        no_more_runs=no_more_runs,
    )
    if not specification.get("verdicts", True):
        table = _without_verdicts(table)
    return Priority(name, tuple(registrations), measured.seeds, measured, table, bugs)


def _without_verdicts(table: Table) -> Table:
    """Return a scout's table: estimates and intervals, and nothing is judged."""
    rows = [
        replace(row, verdict=None, worth_it=None, p_adjusted=None, q_value=None)
        for row in table.rows
    ]
    return replace(table, rows=tuple(rows), status="provisional")


def stack_members(priority: Priority) -> Membership:
    """Return the adopted trained techniques that enter the stack, by shrunken effect."""
    conflicts = {
        entry["name"]: set(entry["conflicts"])
        for entry in priority.specification["techniques"]
        if entry["stage"] == "training"
    }
    shrunken = {
        row.technique: float(row.shrunken_effect or 0.0)
        for row in priority.table.rows
        if row.verdict == Verdict.ADOPT and row.technique in conflicts
    }
    requires = {entry["name"]: entry["requires"] for entry in priority.specification["techniques"]}
    return choose_members(shrunken, lambda one, two: two in conflicts[one], requires)


def stack_codes(specification: Mapping[str, Any], membership: Membership) -> dict[str, str]:
    """Return the code by arm of a stack: the baseline's, unless a member was run again apart."""
    codes, found = specification["code"], dict[str, str]()
    for members in (membership.members, *membership.rests.values()):
        own = [codes.get(member, codes[BASELINE]) for member in members]
        same = all(code == codes[BASELINE] for code in own)
        found[" + ".join(members)] = codes[BASELINE] if same else digest([codes[BASELINE], *own])
    return found


def statistics_registration(
    specification: Mapping[str, Any],
    bugs: Mapping[str, str],
    apart: Mapping[str, str] = MappingProxyType({}),
) -> Registration:
    """Return a registration as the statistics see it.

    Parameters
    ----------
    specification
        What was registered.
    bugs
        Arms paused as "bug, mend and rerun".
    apart
        Columns whose runs cannot be compared, and why. What is still in the study file is measured
        again; of what was withdrawn, it is the last word.
    """
    return Registration(
        arms=tuple(_arm(entry, bugs, apart) for entry in specification["techniques"]),
        direction=specification["evaluation"]["direction"],
        smallest_gain=specification["smallest_gain"],
        looks=tuple(specification["looks"]),
        alpha=specification["alpha"],
        also_registered=specification["also_registered"],
        test_train_ratio=specification.get("test_train_ratio", 0.0),
    )


def has_bug(entry: Mapping[str, Any], bugs: Mapping[str, str]) -> bool:
    """Return whether a technique, or one of its levels, is paused as a bug."""
    return any(column in bugs for column in (entry["name"], *entry["levels"]))


def _arm(entry: Mapping[str, Any], bugs: Mapping[str, str], apart: Mapping[str, str]) -> Arm:
    reasons = [apart.get(column) for column in entry["levels"] or [entry["name"]]]
    return Arm(
        name=entry["name"],
        smallest_gain=entry["smallest_gain"],
        effort_hours=entry["effort_hours"],
        effort_weight=entry["effort_weight"],
        levels=tuple(entry["levels"]),
        block=entry["members"],
        as_good_but_cheaper=bool(entry.get("cheaper")),
        # an arm with a bug gets no more runs, and no score
        withdrawn=bool(entry.get("withdrawn")) or has_bug(entry, bugs),
        planned=entry["status"] == "planned",
        not_comparable=reasons[0] if entry.get("withdrawn") and all(reasons) else None,
    )


def _series(database: Database, name: str) -> list[SeriesRecord]:
    existing = series_names(database, name)
    wanted = [f"{name}/{kind}" for kind in SERIES]
    return [read_series(database, study) for study in wanted if study in existing]


def look_of(stored: Mapping[str, Any]) -> Look:
    """Return a look as the statistics know it, from what is stored."""
    columns = tuple(ColumnLook(**entry) for entry in stored["columns"])
    return Look(stored["n_seeds"], stored["sigma_b"], columns)


def look_entries(looks: Sequence[Look]) -> list[dict[str, Any]]:
    """Return looks as they are stored."""
    return [asdict(look) for look in looks]
