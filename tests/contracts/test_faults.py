"""Databases that are locked, full, away or gone: bounded retries, then a clear error."""

from __future__ import annotations

import contextlib
import logging
import socket
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import sqlalchemy
from optuna.trial import TrialState
from sqlalchemy import event

from search.errors import StorageError
from search.storage.database import Database
from search.storage.ledger import ASKED
from search.storage.reader import read_series
from search.storage.retry import Retry
from search.storage.tables import SCHEMA_VERSION
from search.storage.url import parse_storage
from tests.contracts.records import asked, attempt, complete, contents, open_series, steps
from tests.postgres import PASSWORD, Postgres
from tests.proxy import LosingProxy

SOON = Retry(bound_s=2.0, first_pause_s=0.05, longest_pause_s=0.2)
PATIENT = Retry(bound_s=30.0, first_pause_s=0.05, longest_pause_s=0.5)
SECRETS = {PASSWORD, quote(PASSWORD, safe=""), quote_plus(PASSWORD), quote(PASSWORD, safe=" +")}


@contextlib.contextmanager
def locked(url: str, table: str) -> Iterator[Callable[[], None]]:
    """Hold a table (or the file that it is in) from a second connection until released."""
    parsed = parse_storage(url)
    if parsed.get_backend_name() == "sqlite":
        connection: Any = sqlite3.connect(
            str(parsed.database), isolation_level=None, check_same_thread=False
        )
        connection.execute("BEGIN IMMEDIATE")
    else:
        plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = psycopg.connect(plain)
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
    try:
        yield connection.rollback
    finally:
        connection.rollback()
        connection.close()


def test_a_lock_that_lasts_a_moment_is_waited_for(
    storage_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(storage_url, retry=PATIENT, busy_timeout_s=0.2)
    series = open_series(database)
    number = series.ask(asked(), {})
    with locked(storage_url, "winnow_steps") as release, caplog.at_level(logging.WARNING):
        timer = threading.Timer(0.8, release)
        timer.start()
        series.record(number, 0, steps(1, 3))
        timer.join()
    (trial,) = read_series(database, "demo/search").trials
    assert trial.steps == steps(1, 3)
    assert "the study database does not answer" in caplog.text
    database.close()


def test_a_lock_that_lasts_is_a_clear_error_and_nothing_is_lost(storage_url: str) -> None:
    database = Database(storage_url, retry=SOON, busy_timeout_s=0.2)
    series = open_series(database)
    number = series.ask(asked(), {})
    series.record(number, 0, steps(1, 3))
    with locked(storage_url, "winnow_steps"):
        started = time.monotonic()
        with pytest.raises(StorageError, match=r"study database .*(lock|Lock)") as caught:
            series.record(number, 0, steps(4, 6))
        assert time.monotonic() - started < 20  # busy machines
    assert len(str(caught.value).splitlines()) == 1
    series.record(number, 0, steps(4, 6))
    (trial,) = read_series(database, "demo/search").trials
    assert trial.steps == steps(1, 6)
    database.close()


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'study.db'}", retry=Retry(bound_s=0.2))
    series = open_series(database)
    number = series.ask(asked(), {})
    series.record(number, 0, steps(1, 3))
    before = contents(database)

    limit = [_pages(database)]  # SQLite keeps it per connection, so it is set at every checkout

    def fill(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    event.listen(database.engine, "checkout", fill)
    many = steps(4, 4000)
    with pytest.raises(StorageError, match="full"):
        series.record(number, 0, many, result=complete())
    assert contents(database) == before  # all or nothing
    limit[0] = 10**6
    series.record(number, 0, many, result=complete())
    (trial,) = read_series(database, "demo/search").trials
    assert len(trial.steps) == 4000
    assert trial.result == complete()
    database.close()


def _pages(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


@pytest.mark.postgres
def test_a_restarted_server_is_survived_by_every_kind_of_call(
    postgres: Postgres, postgres_url: str
) -> None:
    database = Database(postgres_url, retry=PATIENT)
    series = open_series(database)
    number = -1

    def ask() -> None:
        nonlocal number
        number = series.ask(asked(), {})

    calls: list[Callable[[], object]] = [
        ask,
        lambda: series.start(number, attempt()),
        lambda: series.record(number, 0, steps(1, 3)),
        lambda: series.draw(number, {1: 0.1, 3: 0.3}),
        lambda: series.mirror(number, {"note": 1}),
        lambda: series.tell(number, complete(), {"outcome": "complete"}),
        lambda: open_series(database),
        series.optuna_trials,
        lambda: read_series(database, "demo/search"),
    ]
    for place, call in enumerate(calls):
        postgres.restart(crash=place % 2 == 0)
        call()
    (trial,) = series.optuna_trials()
    assert trial.state == TrialState.COMPLETE
    assert trial.intermediate_values == {1: 0.1, 3: 0.3}
    database.close()


@pytest.mark.postgres
def test_a_server_that_is_away_for_a_while_is_waited_for(
    postgres: Postgres, postgres_url: str
) -> None:
    database = Database(postgres_url, retry=PATIENT)
    series = open_series(database)
    number = series.ask(asked(), {})
    postgres.stop()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(series.record, number, 0, steps(1, 3))
        time.sleep(1.0)
        assert not writing.done()
        postgres.start()
        writing.result()
    (trial,) = read_series(database, "demo/search").trials
    assert trial.steps == steps(1, 3)
    database.close()


@pytest.mark.postgres
def test_a_server_that_stays_away_is_a_clear_error_without_the_password(
    postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(postgres_url, retry=SOON)
    series = open_series(database)
    number = series.ask(asked(), {})
    postgres.stop()
    try:
        with (
            caplog.at_level(logging.DEBUG),
            pytest.raises(StorageError, match="Connection refused") as caught,
        ):
            series.record(number, 0, steps(1, 3))
    finally:
        postgres.start()
    told = "".join(traceback.format_exception(caught.value))
    assert_no_password(told, caplog.text, str(caught.value), repr(database), database.name)
    assert "winnow:***@127.0.0.1" in str(caught.value)
    series.record(number, 0, steps(1, 3))
    database.close()


@pytest.mark.postgres
def test_an_answer_that_is_lost_makes_no_second_trial(
    postgres: Postgres, postgres_url: str
) -> None:
    name = str(parse_storage(postgres_url).database)
    with LosingProxy(postgres.port) as proxy:
        database = Database(postgres.url(name, port=proxy.port), retry=PATIENT)
        series = open_series(database)
        assert series.ask(asked(seed=1), {}) == 0
        proxy.lose_answer_to(b"COMMIT")
        number = series.ask(asked(seed=2), {})
        assert proxy.lost == 1
        ours = [t for t in series.optuna_trials() if t.system_attrs.get(ASKED)]
        assert [(t.number, t.state) for t in ours] == [
            (0, TrialState.RUNNING),
            (1, TrialState.RUNNING),
        ]
        assert number == 1
        others = [t for t in series.optuna_trials() if t not in ours]
        assert all(t.state == TrialState.FAIL for t in others)
        seeds = [t.asked.seed for t in read_series(database, "demo/search").trials]
        assert seeds == [1, 2]
        database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("lost", ["INSERT INTO winnow_steps", "COMMIT"])
def test_an_answer_that_is_lost_stores_nothing_twice(
    postgres: Postgres, postgres_url: str, lost: str
) -> None:
    name = str(parse_storage(postgres_url).database)
    with LosingProxy(postgres.port) as proxy:
        database = Database(postgres.url(name, port=proxy.port), retry=PATIENT)
        series = open_series(database)
        number = series.ask(asked(), {})
        proxy.lose_answer_to(lost.encode())
        series.record(number, 0, steps(1, 3), result=complete())
        assert proxy.lost == 1
        proxy.lose_answer_to(b"COMMIT")
        series.tell(number, complete(), {"outcome": "complete"})
        assert proxy.lost == 2
        assert len(contents(database)["winnow_steps"]) == 3
        (trial,) = series.optuna_trials()
        assert trial.state == TrialState.COMPLETE
        database.close()


@pytest.mark.postgres
def test_what_cannot_be_reached_is_told_at_once_and_without_the_password(
    postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = str(parse_storage(postgres_url).database)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]  # bound, and not listening
        cases = {
            postgres.url(name, password=f"{PASSWORD}x"): "password authentication failed",
            postgres.url("absent"): 'database "absent" does not exist',
            postgres.url(name, port=nobody): "Connection refused",
        }
        for url, reason in cases.items():
            with caplog.at_level(logging.DEBUG), pytest.raises(StorageError, match=reason) as why:
                Database(url, retry=Retry(bound_s=0.5))
            told = "".join(traceback.format_exception(why.value))
            assert_no_password(told, caplog.text, str(why.value))
            assert len(str(why.value).splitlines()) == 1


@pytest.mark.postgres
def test_a_password_in_the_query_is_hidden_too(postgres_url: str) -> None:
    url = parse_storage(postgres_url)
    query = {"user": "winnow", "password": PASSWORD}
    asked_for = url.set(username=None, password=None, query=query)
    database = Database(asked_for.render_as_string(hide_password=False))
    assert_no_password(repr(database), database.name)
    wrong = asked_for.update_query_dict({"password": f"{PASSWORD}x"})
    with pytest.raises(StorageError, match="password authentication failed") as caught:
        Database(wrong.render_as_string(hide_password=False))
    assert_no_password("".join(traceback.format_exception(caught.value)))
    database.close()


def assert_no_password(*texts: str) -> None:
    """Assert that no text holds the password, in any of the forms that URLs give it."""
    for text in texts:
        for secret in SECRETS:
            assert secret not in text


def test_processes_may_create_a_database_at_the_same_moment(storage_url: str) -> None:
    def create(place: int) -> tuple[int, ...]:
        database = Database(storage_url, retry=PATIENT, busy_timeout_s=5.0)
        open_series(database, f"demo{place}/search")
        with database.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT version FROM winnow_schema")
            versions = tuple(found.scalars())
        database.close()
        return versions

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(create, range(6))) == [(SCHEMA_VERSION,)] * 6


def test_a_newer_schema_is_refused(storage_url: str, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE winnow_schema SET version = 99")
    with pytest.raises(
        StorageError, match=r"has schema 99, this winnow knows 2: a newer .* upgrade winnow"
    ):
        Database(storage_url)


def test_another_optunas_schema_is_refused_in_words(storage_url: str, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v9.9.9'")
    with pytest.raises(StorageError, match=r"Optuna's schema v9.9.9, .*: upgrade Optuna"):
        Database(storage_url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    with pytest.raises(StorageError, match=r"v3.0.0.d, .*: run `optuna storage upgrade` on it"):
        Database(storage_url)


def test_a_report_never_creates_tables(storage_url: str) -> None:
    url = parse_storage(storage_url)
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE places (name TEXT)")
    with pytest.raises(StorageError, match="is no study database"):
        Database(storage_url, create=False)
    assert sqlalchemy.inspect(engine).get_table_names() == ["places"]
    engine.dispose()


def test_a_report_opens_what_is_there(storage_url: str, database: Database) -> None:
    open_series(database)
    reader = Database(storage_url, create=False)
    assert read_series(reader, "demo/search").trials == ()
    reader.close()


def test_errors_of_a_statement_keep_the_connection_usable(database: Database) -> None:
    def fail() -> None:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("SELECT 1 FROM nowhere")

    with pytest.raises(StorageError, match="nowhere"):
        database.write(fail)
    open_series(database)
    assert read_series(database, "demo/search").trials == ()


def test_the_driver_is_the_only_writer_for_as_long_as_others_read(storage_url: str) -> None:
    writer, reader = Database(storage_url), Database(storage_url, create=False)
    series = open_series(writer)
    number = series.ask(asked(), {})
    for last in range(1, 6):
        series.record(number, 0, steps(last, last))
        assert read_series(reader, "demo/search").trials[0].steps == steps(1, last)
    writer.close()
    reader.close()


def test_sqlite_is_set_up_for_one_writer_and_many_readers(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'study.db'}")
    connected: list[object] = []
    event.listen(database.engine, "checkout", lambda *_: connected.append(1))
    with database.engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert found == ["wal", 1, 60_000]  # 1 is NORMAL
    assert connected
    database.close()
