from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from search.errors import OptionError
from search.storage.url import DEFAULT_STORAGE, parse_storage, redact, scrub, sqlite_path

VISIBLE = st.characters(categories=("L", "N", "P", "S"))
secrets = st.text(VISIBLE, min_size=6, max_size=20)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (DEFAULT_STORAGE, "sqlite:///winnow.db"),
        ("sqlite:////var/data/study.db", "sqlite:////var/data/study.db"),
        ("sqlite+pysqlite:///study.db", "sqlite:///study.db"),
        ("postgresql://ada:pw@db/winnow", "postgresql+psycopg://ada:***@db/winnow"),
        ("postgres://ada@db:5433/winnow", "postgresql+psycopg://ada@db:5433/winnow"),
        ("postgresql+asyncpg://db/winnow", "postgresql+psycopg://db/winnow"),
        ("postgresql:///winnow?host=%2Ftmp", "postgresql+psycopg:///winnow?host=%2Ftmp"),
    ],
)
def test_urls_of_both_databases(text: str, shown: str) -> None:
    url = parse_storage(text)
    assert redact(url) == shown
    assert parse_storage(url.render_as_string(hide_password=False)) == url


def test_the_file_of_a_url() -> None:
    assert sqlite_path(parse_storage("sqlite:///a/b.db")) == Path("a/b.db")
    assert sqlite_path(parse_storage("sqlite:////a/b.db")) == Path("/a/b.db")
    assert sqlite_path(parse_storage("sqlite:///~/b.db")) == Path.home() / "b.db"
    assert sqlite_path(parse_storage("postgresql://db/winnow")) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("winnow.db", "--storage takes a URL such as sqlite:///winnow.db"),
        ("", "--storage takes a URL such as"),
        ("mysql://ada:secretpw@db/winnow", "--storage takes sqlite or postgresql, got 'mysql'"),
        ("postgresq://ada@db/winnow", "got 'postgresq'; did you mean 'postgresql'?"),
        ("sqlite://", "--storage needs a file"),
        ("sqlite:///:memory:", "--storage needs a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "--storage needs a file"),
        ("postgresql://ada:secretpw/winnow", "--storage takes a URL such as"),
        ("postgresql://ada:secretpw@db:port/winnow", "--storage takes a URL such as"),
        ("postgresql://ada:sec@retpw@db/winnow", "inside a password, write @ as %40"),
        ("postgresql://ada:secretpw@db", "this one names no database"),
    ],
)
def test_wrong_urls_are_refused_without_repeating_a_password(text: str, reason: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_storage(text)
    assert reason in str(caught.value)
    assert "secretpw" not in str(caught.value)
    assert "retpw" not in str(caught.value)
    assert "secretpw" not in redact(text)
    assert "retpw" not in redact(text)


@given(secrets)
def test_no_password_is_ever_shown(secret: str) -> None:
    url = URL.create("postgresql+psycopg", "ada", secret, "db", 5432, "winnow")
    shown = redact(parse_storage(url.render_as_string(hide_password=False)))
    assert shown == "postgresql+psycopg://ada:***@db:5432/winnow"
    hidden = url.set(password=None, query={"password": secret, "sslpassword": secret})
    shown = redact(parse_storage(hidden.render_as_string(hide_password=False)))
    assert shown.endswith("?password=***&sslpassword=***")


@given(secrets, st.booleans())
def test_no_message_keeps_a_password(secret: str, in_query: bool) -> None:
    url = URL.create("postgresql+psycopg", "ada", secret, "db", None, "winnow")
    if in_query:
        url = url.set(password=None, query={"password": secret})
    message = f"failed: {secret} at {quote(secret, safe='')} or {quote_plus(secret)}"
    cleaned = scrub(message, url)
    assert cleaned.startswith("failed: ***")
    for form in (secret, quote(secret, safe=""), quote_plus(secret)):
        assert form in "failed: *** at *** or ***" or form not in cleaned


def test_a_message_without_a_password_stays() -> None:
    assert scrub("locked", parse_storage("sqlite:///x.db")) == "locked"
    assert scrub("locked", parse_storage("postgresql://ada@db/winnow")) == "locked"
