"""Trials, attempts and steps to store, and everything that a database then holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy

from search.space import Categorical, Float, Int
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.records import Asked, Attempt, Checkpoint, Result, Step

EPOCH = 1_790_000_000.0
SPECIFICATION = {
    "objectives": [{"metric": "val_ap", "direction": "maximize"}],
    "max_steps": 9,
    "nested": {"widths": [64, 32], "limit": None, "lr": 1e-3},
}
DOMAINS = {
    "lr": Float(1e-5, 1e-1, log=True),
    "width": Int(8, 64),
    "pooling": Categorical(("mean", "max")),
}


def open_series(database: Database, study: str = "demo/search", kind: str = "search") -> Series:
    """Return a series of one maximised objective."""
    return Series(database, study, kind, ["maximize"], SPECIFICATION)


def asked(seed: int = 7, **changes: Any) -> Asked:
    """Return a trial as a search asks for it."""
    params = {"lr": 0.01, "width": 32, "pooling": "max"}
    found = Asked(
        arm="Focal loss",
        seed=seed,
        configuration={**params, "focal": True, "gamma": 2.0, "clip": float("inf")},
        changes={**params, "focal": True},
        max_steps=9,
        params=params,
        distributions=DOMAINS,
        bracket=1,
        code="0123456789abcdef",
        data="fedcba9876543210",
    )
    return replace(found, **changes)


def attempt(number: int = 0, start_step: int = 0, **changes: Any) -> Attempt:
    """Return an attempt under way."""
    started = EPOCH + 100 * number
    versions = {"python": "3.11.7", "git_commit": "abc+"}
    token = f"{number:032x}"
    found = Attempt(number, token, "ada", 4711, start_step, started, 0.5, versions)
    return replace(found, **changes)


def steps(first: int, last: int, **metrics: float) -> tuple[Step, ...]:
    """Return steps whose validation metric rises."""
    return tuple(
        Step(n, {"val_ap": n / 10, "test_ap": n / 20, **metrics}, 0.25, EPOCH + n)
        for n in range(first, last + 1)
    )


def checkpoint(step: int) -> Checkpoint:
    """Return a checkpoint of 5 GB."""
    return Checkpoint(step, f"/artifacts/step-{step:08d}", "ab" * 32, 5 * 10**9, EPOCH + step)


def complete(value: float = 0.9, step: int = 9) -> Result:
    """Return the result of a run that reached its end."""
    return Result("complete", (value,), step, None, EPOCH + step)


def contents(database: Database) -> Mapping[str, list[tuple[Any, ...]]]:
    """Return every row of every table, sorted."""
    tables = sqlalchemy.MetaData()
    tables.reflect(database.engine)
    found = {}
    with database.engine.connect() as connection:
        for table in tables.sorted_tables:
            rows = [tuple(row) for row in connection.execute(table.select())]
            found[table.name] = sorted(rows, key=repr)
    return found
