"""A database on another machine, and a link that is cut without a word to either end."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from search.errors import StudyLocked
from search.storage.database import Database
from search.storage.lock import study_lock
from search.storage.reader import read_series
from search.storage.retry import Retry
from tests.faults.network import Elsewhere, NoNetwork
from tests.postgres import NoPostgres, Postgres

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.postgres
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def elsewhere():
    try:
        with Elsewhere() as found:
            yield found
    except NoNetwork as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def server(elsewhere):
    try:
        started = Postgres(elsewhere.here)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    yield started
    started.close()


@pytest.fixture
def url(server):
    with server.database() as found:
        yield found


@contextlib.contextmanager
def started(elsewhere, module, *words):
    """Run a module on the other machine; afterwards it is gone, and the link is mended."""
    command = elsewhere.command(sys.executable, "-m", module, *words)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            elsewhere.mend()
            process.kill()


@slow
@pytest.mark.timeout(300)
def test_a_link_that_is_down_for_half_a_minute_loses_and_repeats_nothing(elsewhere, url):
    with started(elsewhere, "tests.faults.writing", elsewhere.url(url), 20) as driver:
        while driver.stdout.readline().strip() != "5":
            assert driver.poll() is None
        elsewhere.cut()
        time.sleep(30)
        elsewhere.mend()
        driver.communicate(timeout=180)
    assert driver.returncode == 0
    database = Database(url)
    (trial,) = read_series(database, "demo/search").trials
    database.close()
    assert [step.step for step in trial.steps] == list(range(1, 21))
    assert trial.superseded == ()
    assert trial.outcome == "complete"


@slow
@pytest.mark.timeout(400)
def test_the_lock_of_a_driver_whose_machine_is_gone_is_free_after_a_minute(elsewhere, url):
    with started(elsewhere, "tests.contracts.holding", elsewhere.url(url), "mine") as holder:
        assert holder.stdout.readline().startswith("held")
        elsewhere.cut()
        gone = time.monotonic()
        holder.kill()  # its end cannot be told to the server
        database = Database(url, retry=Retry(bound_s=2.0))
        with pytest.raises(StudyLocked, match="driven by process"), study_lock(database, "mine"):
            pass
        while not taken(database):
            assert time.monotonic() - gone < 240  # two hours, as servers are set up
            time.sleep(1.0)
        database.close()


def taken(database):
    """Return whether the lock could be had."""
    try:
        with study_lock(database, "mine"):
            return True
    except StudyLocked:
        return False


def test_either_end_looks_after_a_minute_whether_the_other_still_lives(postgres_url):
    database = Database(postgres_url)
    wanted = {"idle": "30", "interval": "10", "count": "3"}
    with database.engine.connect() as connection:
        for name, value in wanted.items():
            shown = connection.exec_driver_sql(f"SHOW tcp_keepalives_{name}").scalar_one()
            assert shown == value
        assert connection.exec_driver_sql("SHOW tcp_user_timeout").scalar_one() == "60000"
        told = connection.connection.dbapi_connection.info.get_parameters()
    database.close()
    assert {name: told[f"keepalives_{name}"] for name in wanted} == wanted
    assert told["tcp_user_timeout"] == "60000"
