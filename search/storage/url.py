"""Storage URLs: checked, and printed without their password."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from search.errors import OptionError, did_you_mean

DEFAULT_STORAGE = "sqlite:///winnow.db"
RULE = (
    "--storage takes a URL such as sqlite:///winnow.db or postgresql+psycopg://user@host/database"
)
HIDDEN = "***"


def parse_storage(text: str) -> URL:
    """Return a storage URL.

    Raises
    ------
    OptionError
        If it is no URL, names another database than SQLite or PostgreSQL, or keeps nothing.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # the text itself may hold a password: say the rule, not the value
        raise OptionError(RULE) from None
    backend = url.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return _server(url)
    if backend != "sqlite":
        near = did_you_mean(backend, ("sqlite", "postgresql"))
        raise OptionError(f"--storage takes sqlite or postgresql, got '{backend}'{near}")
    return _file(url)


def _server(url: URL) -> URL:
    if "@" in (url.host or ""):  # then what follows the first @ is still the password
        raise OptionError(f"{RULE}; inside a password, write @ as %40 and / as %2F")
    if not url.database:
        raise OptionError(f"{RULE}; this one names no database")
    return url.set(drivername="postgresql+psycopg")


def _file(url: URL) -> URL:
    name = url.database or ""
    if name in ("", ":memory:") or name.startswith("file:"):
        raise OptionError("--storage needs a file: a study in memory would lose every trial")
    return url.set(drivername="sqlite", database=str(Path(name).expanduser()))


def redact(text: str | URL) -> str:
    """Return a storage URL with its password hidden, wherever in it that is.

    Examples
    --------
    >>> redact("postgresql+psycopg://ada:secret@db/winnow")
    'postgresql+psycopg://ada:***@db/winnow'
    >>> redact("postgresql+psycopg://db/winnow?user=ada&password=secret")
    'postgresql+psycopg://db/winnow?password=***&user=ada'
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return HIDDEN
    if "@" in (url.host or ""):
        return HIDDEN
    shown = url.render_as_string(hide_password=True)
    for secret in _query_secrets(url):
        shown = shown.replace(f"={quote_plus(secret)}", f"={HIDDEN}")
    return shown


def scrub(message: str, url: URL) -> str:
    """Return a message with the URL's password removed, wherever a driver may have put it."""
    secrets = [str(url.password)] if url.password else []
    for secret in (*secrets, *_query_secrets(url)):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            message = message.replace(form, HIDDEN)
    return message


def _query_secrets(url: URL) -> list[str]:
    found = [(key.lower(), value) for key, value in url.query.items()]
    values = [v if isinstance(v, tuple) else (v,) for key, v in found if "password" in key]
    return [value for group in values for value in group if value]


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite URL, or None for a server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
