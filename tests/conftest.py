"""What tests share: databases of both kinds, and how hypothesis searches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from search.storage.database import Database
from search.storage.retry import Retry
from tests.buckets import NoBucket, s3_server
from tests.postgres import NoPostgres, Postgres

# Dozens of Ray sessions in one process, on clusters of the tests' own: see `cluster.OWN_NODE`.
os.environ.setdefault("RAY_enable_open_telemetry", "0")

settings.register_profile(
    "winnow",
    deadline=None,  # machines are busy
    max_examples=50,
    database=None,
    derandomize=bool(os.environ.get("CI")),  # the same change gets the same verdict twice
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("winnow")

SOON = Retry(bound_s=3.0, first_pause_s=0.05, longest_pause_s=0.5)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a PostgreSQL server of the tests' own, on loopback, with password authentication."""
    try:
        server = Postgres()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    yield server
    server.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield the environment by which an S3-compatible server of the tests' own is reached."""
    try:
        with s3_server(tmp_path_factory.mktemp("s3") / "log.txt") as environment:
            yield environment
    except NoBucket as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Yield the URL of a new PostgreSQL database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'study.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def database(storage_url: str) -> Iterator[Database]:
    """Yield an open, new study database, once of each kind, that gives up soon."""
    opened = Database(storage_url, retry=SOON, busy_timeout_s=1.0)
    yield opened
    opened.close()
