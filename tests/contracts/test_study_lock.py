"""One driver per study, on every database: a lock that dies with its holder."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from search.errors import StorageError, StudyLocked
from search.storage.database import Database
from search.storage.lock import study_lock
from search.storage.retry import Retry
from tests.postgres import Postgres

SOON = Retry(bound_s=20.0, first_pause_s=0.05, longest_pause_s=0.2)


@contextlib.contextmanager
def another_driver(url: str, study: str, *how: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a second process and the line it says: that it holds the study, or not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.holding", url, study, *how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    try:
        yield process, line
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def assert_refused(rival: Database, study: str) -> None:
    """Assert that a study which this process drives is refused to another database object."""
    refused = pytest.raises(StudyLocked, match=f"'{study}' is driven by process {os.getpid()}")
    with refused, study_lock(rival, study):
        pytest.fail("two drivers at once")


def test_a_second_process_is_told_who_holds_the_study_and_is_served_after_a_kill(
    storage_url: str, database: Database
) -> None:
    started = time.time()
    with another_driver(storage_url, "mine") as (holder, line):
        assert line.startswith("held")
        with pytest.raises(StudyLocked) as refused, study_lock(database, "mine"):
            pytest.fail("two drivers at once")
        words = str(refused.value)
        assert f"process {holder.pid} on {socket.gethostname()}" in words
        since = re.search(r"since (\S+ \S+);", words)
        assert since is not None
        told = datetime.fromisoformat(since[1]).timestamp()
        assert started - 1 <= told <= time.time()
        assert "study 'mine'" in words

        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        took = _seconds_until_held(database, "mine")
    assert took < 5  # at once; a server needs a moment to see the socket close


def test_a_forked_child_does_not_keep_the_lock_of_a_killed_driver(
    storage_url: str, database: Database
) -> None:
    with another_driver(storage_url, "mine", "fork") as (holder, line):
        child = int(line.split()[1])
        assert child > 1
        try:
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait()
            os.kill(child, 0)  # the child lives on
            assert _seconds_until_held(database, "mine") < 5
        finally:
            os.kill(child, signal.SIGKILL)


def _seconds_until_held(database: Database, study: str) -> float:
    started = time.monotonic()
    while True:
        try:
            with study_lock(database, study):
                return time.monotonic() - started
        except StudyLocked:
            if time.monotonic() - started > 20:
                raise
            time.sleep(0.05)


def test_a_process_that_comes_second_is_refused_while_this_one_holds(
    storage_url: str, database: Database
) -> None:
    with (
        study_lock(database, "mine"),
        another_driver(storage_url, "mine") as (_, line),
    ):
        assert line.startswith("refused: study 'mine' is driven by process")
        assert f"process {os.getpid()} on" in line


def test_other_studies_of_the_database_are_not_held(storage_url: str, database: Database) -> None:
    rival = Database(storage_url)
    with study_lock(database, "mine"), study_lock(rival, "yours"):
        assert_refused(rival, "mine")
    rival.close()


def test_the_lock_is_free_again_after_the_block_and_after_an_error(
    storage_url: str, database: Database
) -> None:
    rival = Database(storage_url)
    with contextlib.suppress(ZeroDivisionError), study_lock(database, "mine"):
        _ = 1 / 0
    with study_lock(rival, "mine"):
        pass
    with study_lock(database, "mine"):
        pass
    rival.close()


def test_a_link_to_the_file_meets_the_same_lock(tmp_path: Path) -> None:
    real, other = tmp_path / "real", tmp_path / "other"
    real.mkdir()
    other.mkdir()
    first = Database(f"sqlite:///{real / 'study.db'}")
    (other / "link.db").symlink_to(real / "study.db")
    second = Database(f"sqlite:///{other / 'link.db'}")
    with study_lock(first, "mine"):
        assert_refused(second, "mine")
    first.close()
    second.close()


def test_a_lock_file_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'study.db'}")
    (tmp_path / "study.db.mine.lock").mkdir()
    expected = pytest.raises(StorageError, match="lock file of study 'mine'")
    with expected, study_lock(database, "mine"):
        pytest.fail("held a folder")
    database.close()


@pytest.mark.postgres
def test_no_pooled_connection_ever_holds_the_lock(postgres_url: str) -> None:
    database, rival = Database(postgres_url), Database(postgres_url)
    for _ in range(3):
        with study_lock(database, "mine"):
            connections = [database.engine.connect() for _ in range(5)]
            for connection in connections:
                connection.close()
            assert _advisory_locks(database) == 1
        assert _advisory_locks(rival) == 0
        with study_lock(rival, "mine"):
            assert _advisory_locks(database) == 1
    database.close()
    rival.close()


@pytest.mark.postgres
def test_a_restarted_server_is_locked_again_before_anything_is_written(
    postgres: Postgres, postgres_url: str
) -> None:
    database, rival = Database(postgres_url, retry=SOON), Database(postgres_url, retry=SOON)
    with study_lock(database, "mine"):
        for crash in (False, True):
            postgres.restart(crash=crash)
            assert _advisory_locks(rival) == 0
            database.write(lambda: None)
            assert _advisory_locks(rival) == 1
            assert_refused(rival, "mine")
    assert _advisory_locks(rival) == 0
    database.close()
    rival.close()


@pytest.mark.postgres
def test_a_driver_whose_lost_lock_was_taken_by_another_stops_before_it_writes(
    postgres: Postgres, postgres_url: str
) -> None:
    database, rival = Database(postgres_url, retry=SOON), Database(postgres_url, retry=SOON)
    written = []
    with study_lock(database, "mine"):
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        while _advisory_locks(rival):
            time.sleep(0.01)
        stopped = pytest.raises(StudyLocked, match="lost this process's lock, and meanwhile study")
        with study_lock(rival, "mine"), stopped:
            database.write(lambda: written.append("two drivers at once"))
        database.write(lambda: written.append("the rival has gone"))
    assert written == ["the rival has gone"]
    database.close()
    rival.close()


def _advisory_locks(database: Database) -> int:
    statement = (
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE locktype = 'advisory' AND d.datname = current_database()"
    )

    def read() -> int:
        with database.engine.connect() as connection:
            return int(connection.exec_driver_sql(statement).scalar_one())

    return database.write(read)
