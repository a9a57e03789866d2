"""Registrations: what was fixed before any run, every version of it, and the looks taken."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from search.configuration import digest
from search.storage.database import Database, insert_new
from search.storage.rows import dumps
from search.storage.tables import REGISTRATIONS


@dataclass(frozen=True)
class RegistrationRecord:
    """One version of a study's registration.

    Parameters
    ----------
    version
        From 1 on.
    kind
        "first", "amendment" (runs are reused), "new" (fresh seeds, no run reused) or "rerun".
    reason
        In words, for the report.
    hash
        Of the specification.
    specification
        Everything that was fixed.
    looks
        The looks taken under it, as first computed.
    created
        Seconds since the epoch.
    """

    version: int
    kind: str
    reason: str
    hash: str
    specification: Mapping[str, Any]
    looks: Sequence[Mapping[str, Any]]
    created: float


def read_registrations(database: Database, name: str) -> tuple[RegistrationRecord, ...]:
    """Return every version of a study's registration, oldest first."""
    query = select(REGISTRATIONS).where(REGISTRATIONS.c.study == name)

    def read() -> list[RegistrationRecord]:
        with database.engine.connect() as connection:
            rows = connection.execute(query.order_by(REGISTRATIONS.c.version)).mappings()
            return [
                RegistrationRecord(
                    row["version"],
                    row["kind"],
                    row["reason"],
                    row["hash"],
                    json.loads(row["specification"]),
                    json.loads(row["looks"]),
                    row["created"],
                )
                for row in rows
            ]

    return tuple(database.write(read))


def add_registration(
    database: Database,
    name: str,
    kind: str,
    reason: str,
    specification: Mapping[str, Any],
    *,
    anew: Sequence[str] = (),
) -> RegistrationRecord:
    """Store a further version; an amendment keeps the looks taken, but for arms measured anew."""
    earlier = read_registrations(database, name)
    looks = [] if kind in ("first", "new") or not earlier else list(earlier[-1].looks)
    if "baseline" in anew:
        looks = []
    looks = [{**look, "columns": _without(look["columns"], anew)} for look in looks]
    record = RegistrationRecord(
        version=len(earlier) + 1,
        kind=kind,
        reason=reason,
        hash=digest(specification),
        specification=specification,
        looks=looks,
        created=time.time(),
    )
    row = {
        "study": name,
        "version": record.version,
        "kind": kind,
        "reason": reason,
        "hash": record.hash,
        "specification": dumps(specification),
        "looks": json.dumps(looks),
        "created": record.created,
    }

    def write() -> None:
        with database.engine.begin() as connection:
            insert_new(connection, REGISTRATIONS, [row])

    database.write(write)
    return record


def store_looks(
    database: Database, name: str, version: int, looks: Sequence[Mapping[str, Any]]
) -> None:
    """Keep the looks taken under a version."""

    def write() -> None:
        with database.engine.begin() as connection:
            connection.execute(
                update(REGISTRATIONS)
                .where(REGISTRATIONS.c.study == name, REGISTRATIONS.c.version == version)
                .values(looks=json.dumps(list(looks)))
            )

    database.write(write)


def _without(columns: Sequence[Mapping[str, Any]], arms: Sequence[str]) -> list[Mapping[str, Any]]:
    """Drop the columns of some arms, levels included."""
    return [
        entry
        for entry in columns
        if not any(entry["column"] == arm or entry["column"].startswith(f"{arm} [") for arm in arms)
    ]
