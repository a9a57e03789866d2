"""Storage URLs: checked, and printed without their password."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from search.errors import OptionError

DEFAULT_STORAGE = "sqlite:///winnow.db"


def parse_storage(text: str) -> URL:
    """Return a storage URL.

    Raises
    ------
    OptionError
        If it is no URL, names another database than SQLite or PostgreSQL, or keeps nothing.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        # the text itself may hold a password: say the rule, not the value
        raise OptionError(
            "--storage takes a URL such as sqlite:///winnow.db or "
            "postgresql+psycopg://user@host/database"
        ) from None
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise OptionError(f"--storage takes sqlite or postgresql, got '{backend}'")
    if url.database in (None, "", ":memory:"):
        raise OptionError("--storage needs a file: a study in memory would lose every trial")
    return url


def redact(text: str | URL) -> str:
    """Return a storage URL with its password hidden.

    Examples
    --------
    >>> redact("postgresql+psycopg://ada:secret@db/winnow")
    'postgresql+psycopg://ada:***@db/winnow'
    """
    return make_url(text).render_as_string(hide_password=True)


def scrub(message: str, url: URL) -> str:
    """Return a message with the URL's password removed, wherever a driver may have put it."""
    secrets = [str(url.password)] if url.password else []
    secrets += [str(value) for key, value in url.query.items() if "password" in key.lower()]
    for secret in secrets:
        message = message.replace(secret, "***")
    return message


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite URL, or None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
