from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from search.storage.retry import Retry, database_error, is_transient

QUICK = Retry(bound_s=0.2, first_pause_s=0.01, longest_pause_s=0.02)


def operational(text: str) -> OperationalError:
    """Return the error that SQLAlchemy makes of a driver's."""
    return OperationalError("INSERT", {}, Exception(text))


def wrapped(cause: SQLAlchemyError) -> StorageInternalError:
    """Return the error that Optuna makes of SQLAlchemy's."""
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = cause
    return error


def failing(times: int, error: Exception) -> tuple[Callable[[], str], list[int]]:
    """Return an action that fails a few times, and the list of its calls."""
    calls: list[int] = []

    def action() -> str:
        calls.append(len(calls))
        if len(calls) <= times:
            raise error
        return "done"

    return action, calls


@pytest.mark.parametrize(
    "error",
    [operational("database is locked"), wrapped(operational("database is locked"))],
)
def test_what_may_pass_is_tried_again(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    action, calls = failing(3, error)
    with caplog.at_level(logging.WARNING):
        assert QUICK(action) == "done"
    assert len(calls) == 4
    messages = [record.getMessage() for record in caplog.records]
    assert (
        messages
        == ["the study database does not answer (OperationalError); trying again for 0 s"] * 3
    )


def test_the_bound_is_kept() -> None:
    action, calls = failing(10**6, operational("database is locked"))
    with pytest.raises(OperationalError):
        QUICK(action)
    assert 2 <= len(calls) <= 21


@pytest.mark.parametrize(
    "error",
    [
        operational("no such table: x"),
        operational("unable to open database file"),
        operational("attempt to write a readonly database"),
        operational('FATAL: password authentication failed for user "ada"'),
        operational('FATAL: database "x" does not exist'),
        wrapped(operational("no such table: x")),
        IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed")),
        wrapped(IntegrityError("INSERT", {}, Exception("value too long"))),
        ValueError("not a database's"),
    ],
)
def test_what_will_not_pass_is_raised_at_once(error: Exception) -> None:
    action, calls = failing(1, error)
    with pytest.raises(type(error)):
        QUICK(action)
    assert calls == [0]
    assert not is_transient(error)


def test_the_databases_own_error_is_found() -> None:
    cause = operational("x")
    assert database_error(cause) is cause
    assert database_error(wrapped(cause)) is cause
    alone = StorageInternalError("x")
    assert database_error(alone) is alone
