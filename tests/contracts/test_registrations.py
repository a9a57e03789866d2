"""Registrations are kept, version by version, on every database."""

from __future__ import annotations

from search.configuration import digest
from search.storage.database import Database
from search.storage.registrations import add_registration, read_registrations, store_looks

SPECIFICATION = {"techniques": [{"name": "Focal loss"}], "alpha": 0.05, "limit": None}


def test_every_version_is_kept_with_its_looks(database: Database) -> None:
    assert read_registrations(database, "demo") == ()
    first = add_registration(database, "demo", "first", "", SPECIFICATION)
    assert (first.version, first.hash) == (1, digest(SPECIFICATION))
    look = {"look": 1, "columns": [{"name": "Focal loss", "p": 0.04}]}
    store_looks(database, "demo", 1, [look])
    store_looks(database, "demo", 1, [look])  # repeated: no change
    second = add_registration(database, "demo", "amendment", "+1 technique", SPECIFICATION)
    third = add_registration(database, "demo", "new", "delta changed", {"alpha": 0.1})
    add_registration(database, "other", "first", "", SPECIFICATION)
    found = read_registrations(database, "demo")
    assert [record.version for record in found] == [1, 2, 3]
    assert found[0].looks == [look]
    assert found[1] == second
    assert second.looks == [look]  # an amendment keeps the looks
    assert found[2] == third
    assert third.looks == []
    assert found[0].specification == SPECIFICATION
