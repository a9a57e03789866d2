"""A database that the first winnow left: read as it is, or brought up to date, never in between."""

from __future__ import annotations

import getpass
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial
from sqlalchemy.engine import Engine

from search.errors import StorageError
from search.reports import render, search_report
from search.storage import migrations
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.migrations import STEPS, bring_up_to_date
from search.storage.reader import read_series
from search.storage.tables import METADATA, SCHEMA_VERSION
from search.storage.url import parse_storage
from tests.contracts.records import asked, complete, contents, open_series, steps
from tests.search.storage.killed import killed_between_steps

SCHEMA_1 = Path(__file__).with_name("schema_1.sql")
OURS = {"owner", "tags", "archived"}


@pytest.fixture
def old_url(storage_url: str) -> str:
    """The URL of a database of schema 1, with what Optuna knows of it."""
    url = parse_storage(storage_url)
    optuna = Database(storage_url)  # Optuna's tables; ours are made again as they were
    METADATA.drop_all(optuna.engine)
    for name, states in (("old/search", "CPPC"), ("old/confirm", "CCCC")):
        study = optuna.optuna.create_new_study([StudyDirection.MAXIMIZE], name)
        for state in states:
            told = TrialState.COMPLETE if state == "C" else TrialState.PRUNED
            trial = create_trial(state=told, values=[0.5] if state == "C" else None)
            optuna.optuna.create_new_trial(study, trial)
    optuna.close()
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for statement in SCHEMA_1.read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    engine.dispose()
    return storage_url


@pytest.fixture
def engine(old_url: str) -> Iterator[Engine]:
    """An engine of the old database, without winnow's opening."""
    made = sqlalchemy.create_engine(parse_storage(old_url))
    yield made
    made.dispose()


def schema_of(engine: Engine) -> tuple[list[int], bool]:
    """Return the stamps, and whether the columns of schema 2 are there."""
    with engine.connect() as connection:
        stamps = connection.exec_driver_sql("SELECT version FROM winnow_schema").scalars().all()
    there = {column["name"] for column in sqlalchemy.inspect(engine).get_columns("winnow_studies")}
    assert there >= OURS or not there & OURS
    return list(stamps), there >= OURS


def what_reports_say(url: str, **options: Any) -> tuple[str, str]:
    """Return a report as a person and as a program read it."""
    database = Database(url, **options)
    try:
        report = search_report(database, "old")
        return render(report, "markdown"), render(report, "json")
    finally:
        database.close()


def test_the_stamp_counts_the_steps() -> None:
    assert 1 + len(STEPS) == SCHEMA_VERSION


def test_a_report_reads_an_old_database_and_leaves_it_as_it_is(
    old_url: str, engine: Engine
) -> None:
    markdown, _ = what_reports_say(old_url, create=False)
    assert "0.8949" in markdown
    reader = Database(old_url, create=False)
    series = read_series(reader, "old/search")
    reader.close()
    assert reader.schema == 1
    assert (series.owner, series.tags, series.archived) == (None, (), None)
    assert [trial.outcome for trial in series.trials] == [
        "complete",
        "pruned",
        "pruned",
        "complete",
    ]
    assert series.trials[3].steps[-1].metrics["val_ap"] == series.trials[3].result.values[0]  # type: ignore[union-attr]  # just seen to be complete
    assert schema_of(engine) == ([1], False)


def test_a_command_brings_it_up_to_date_and_nothing_is_lost(
    old_url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    old = Database(old_url, create=False)
    before, said = contents(old), what_reports_say(old_url, create=False)
    old.close()
    with caplog.at_level(logging.WARNING):
        database = Database(old_url)
    assert "from schema 1 to 2" in caplog.text
    assert schema_of(engine) == ([SCHEMA_VERSION], True)
    after = contents(database)
    assert after.pop("winnow_schema") == [(2,)]
    assert before.pop("winnow_schema") == [(1,)]
    assert after["winnow_studies"] == [(*row, None, None, None) for row in before["winnow_studies"]]
    before["winnow_studies"] = after["winnow_studies"]
    assert after == before
    assert what_reports_say(old_url) == said
    caplog.clear()
    Database(old_url).close()
    assert not caplog.text  # once is enough
    database.close()


def test_an_old_search_is_gone_on_with(old_url: str) -> None:
    database = Database(old_url)
    series = open_series(database, "old/search")
    number = series.ask(asked(), {})
    series.record(number, 0, steps(1, 3), result=complete())
    series.tell(number, complete(), {})
    found = read_series(database, "old/search")
    assert [trial.number for trial in found.trials] == [0, 1, 2, 3, 4]
    assert found.owner is None  # whoever goes on with it was not the first
    open_series(database, "new/search")
    assert read_series(database, "new/search").owner == getpass.getuser()
    database.close()


def test_who_has_no_name_owns_nothing_but_is_served(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)  # of nobody's entry
    series: Series = open_series(database)
    assert read_series(database, series.study).owner is None


def test_labels_are_read_back(database: Database) -> None:
    open_series(database)
    statement = 'UPDATE winnow_studies SET tags = \'["paper", "first"]\', archived = 1.5'
    with database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    found = read_series(database, "demo/search")
    assert (found.tags, found.archived) == (("paper", "first"), 1.5)


def test_programs_that_open_it_at_once_migrate_it_once(
    old_url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(6) as pool:
        for database in pool.map(lambda _: Database(old_url), range(6)):
            database.close()
    assert schema_of(engine) == ([SCHEMA_VERSION], True)
    assert caplog.text.count("from schema 1 to 2") == 1


def test_what_is_killed_between_two_steps_leaves_the_old_schema(
    old_url: str, engine: Engine
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", killed_between_steps.__module__, old_url],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert "columns are there" in done.stdout  # the first step was taken, inside the transaction
    assert schema_of(engine) == ([1], False)
    Database(old_url).close()
    assert schema_of(engine) == ([SCHEMA_VERSION], True)


def test_a_step_that_fails_leaves_the_old_schema(engine: Engine) -> None:
    def fail(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE nowhere ADD COLUMN x TEXT")

    with pytest.raises(sqlalchemy.exc.DBAPIError, match="nowhere"):
        bring_up_to_date(engine, [*STEPS, fail])
    assert schema_of(engine) == ([1], False)


def test_a_further_step_is_taken_from_where_a_database_stands(old_url: str, engine: Engine) -> None:
    def note(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE winnow_studies ADD COLUMN note TEXT")

    Database(old_url).close()
    bring_up_to_date(engine, [*STEPS, note])  # what a coming winnow does
    assert schema_of(engine) == ([3], True)
    for create in (True, False):
        with pytest.raises(StorageError, match=r"schema 3, this winnow knows 2: a newer .*upgrade"):
            Database(old_url, create=create)


def test_tables_that_were_never_stamped_are_of_the_first_schema(
    old_url: str, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM winnow_schema")
        connection.exec_driver_sql("DROP TABLE winnow_flags")  # younger than the first stamp
    Database(old_url).close()
    assert schema_of(engine) == ([SCHEMA_VERSION], True)
    assert sqlalchemy.inspect(engine).has_table("winnow_flags")


def test_a_newer_database_is_refused_before_anything_of_it_is_changed(storage_url: str) -> None:
    engine = sqlalchemy.create_engine(parse_storage(storage_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE winnow_schema (version INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO winnow_schema VALUES (99)")
    with pytest.raises(StorageError, match="has schema 99"):
        Database(storage_url)
    assert sqlalchemy.inspect(engine).get_table_names() == ["winnow_schema"]
    engine.dispose()


def test_the_lock_of_migrations_is_no_studys() -> None:
    assert -(2**63) <= migrations.LOCK < 2**63
