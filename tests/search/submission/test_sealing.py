"""Secrets on their way: only the token opens them; no URL that travels openly has a password."""

from __future__ import annotations

import os

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from search.environment import trials_secrets
from search.errors import EngineError
from search.submission.launch import open_secrets
from search.submission.sealing import (
    SEALED,
    read_token,
    seal,
    unseal,
    url_secrets,
    without_secrets,
)
from tests.postgres import PASSWORD

variables = st.dictionaries(st.text(min_size=1), st.text())


@given(variables, st.text(min_size=1))
def test_what_was_sealed_comes_back(secrets, token):
    assert unseal(seal(secrets, token), token) == secrets


@given(st.text(min_size=1), st.text(min_size=1))
def test_another_token_opens_nothing(token, other):
    assume(token != other)
    with pytest.raises(EngineError, match="another token"):
        unseal(seal({"A": "b"}, token), other)


def test_a_sealed_text_shows_nothing_and_is_another_one_every_time():
    one, two = (seal({"PASSWORD": "quite-secret"}, "token") for _ in range(2))
    assert one != two
    assert "quite-secret" not in one
    with pytest.raises(EngineError, match="another token"):
        unseal(one[:-4] + two[-4:], "token")


def test_a_head_without_a_token_says_what_it_needs():
    with pytest.raises(EngineError, match="RAY_AUTH_TOKEN_PATH"):
        unseal(seal({"A": "b"}, "token"), None)


def test_the_token_is_taken_from_where_ray_takes_it(tmp_path):
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    both = {"RAY_AUTH_TOKEN": "given", "RAY_AUTH_TOKEN_PATH": str(file)}
    assert read_token(both) == "given"
    assert read_token({"RAY_AUTH_TOKEN_PATH": str(file)}) == "from-a-file"
    with pytest.raises(EngineError, match=r"RAY_AUTH_TOKEN_PATH: .*nothing cannot be read"):
        read_token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "nothing")})


def test_without_variables_the_token_is_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_token({}) is None
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("at-home")
    assert read_token({}) == "at-home"


def test_a_driver_opens_its_secrets_and_hides_the_seal(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "token")
    monkeypatch.setenv(SEALED, seal({"WINNOW_TEST_SECRET": "opened"}, "token"))
    monkeypatch.setenv("WINNOW_TEST_SECRET", "not yet")
    open_secrets()
    assert os.environ["WINNOW_TEST_SECRET"] == "opened"
    assert SEALED not in os.environ


def test_trials_get_what_was_named_and_nothing_that_opens_the_database(monkeypatch):
    given = {"HUB_TOKEN": "hub", "PGPASSWORD": "no", "WINNOW_STORAGE": "no", "AWS_REGION": "eu"}
    for name in (*given, "WINNOW_SECRETS"):
        monkeypatch.setenv(name, "")  # and as it was afterwards
    monkeypatch.setenv("RAY_AUTH_TOKEN", "token")
    monkeypatch.setenv(SEALED, seal(given, "token"))
    open_secrets()
    assert os.environ["WINNOW_STORAGE"] == "no"
    assert trials_secrets() == {"HUB_TOKEN": "hub", "AWS_REGION": "eu"}


@pytest.mark.parametrize(
    ("url", "open_url"),
    [
        (
            "postgresql+psycopg://u:{}@h:5/d?sslmode=require",
            "postgresql+psycopg://u@h:5/d?sslmode=require",
        ),
        ("postgresql+psycopg://h/d?user=u&password={}", "postgresql+psycopg://h/d?user=u"),
        ("postgresql+psycopg://u@h/d?sslpassword={}", "postgresql+psycopg://u@h/d"),
    ],
)
def test_a_password_is_found_wherever_it_stands(url, open_url):
    given_url = make_url(url.format("s3cret%20word"))
    assert url_secrets(given_url) == ["s3cret word"]
    assert without_secrets(given_url) == open_url


def test_the_hardest_password_is_taken_out(postgres):
    given_url = make_url(postgres.url("study"))
    assert url_secrets(given_url) == [PASSWORD]
    assert "s3cret" not in without_secrets(given_url)
    assert make_url(without_secrets(given_url)).set(password=PASSWORD) == given_url
