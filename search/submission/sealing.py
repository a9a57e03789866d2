"""Secrets on their way to a job: sealed with the token that this machine and the cluster share.

Ray (2.60) shows a job's environment variables to everybody who asks for the job: ``ray job list``,
``JobSubmissionClient.get_job_info`` and ``GET /api/jobs/`` print them as they are (only browsers
get ``<redacted>``), and every trial's worker has them in its environment. So no secret is among
them. What must not be read is encrypted with a key derived from the cluster's authentication token
(Fernet: AES-128-CBC and HMAC-SHA256; the key by HKDF-SHA256), and opened by the job's driver, in
memory: listings and logs only ever hold what is sealed. What was named with ``--secret`` it hands
to its trials through Ray's object store; the database's password it keeps to itself. Whoever has
the token may run code on the cluster anyway; nobody else gains anything by reading a listing.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import URL

from search.environment import TOKEN_PATH, token_file
from search.errors import EngineError

SEALED = "WINNOW_SEALED"
PURPOSE = b"winnow: environment variables of a job"
TOKEN = "RAY_AUTH_TOKEN"


def read_token(environment: Mapping[str, str] | None = None) -> str | None:
    """Return the authentication token, from where Ray takes it; None where there is none.

    That is ``RAY_AUTH_TOKEN``, else the file that ``RAY_AUTH_TOKEN_PATH`` names, else
    ``~/.ray/auth_token``.

    Raises
    ------
    EngineError
        If a file was named and cannot be read.
    """
    variables = os.environ if environment is None else environment
    if given := variables.get(TOKEN, "").strip():
        return given
    path = token_file(variables)
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        if variables.get(TOKEN_PATH):
            raise EngineError(f"{TOKEN_PATH}: {path} cannot be read ({error.strerror})") from None
        return None


def seal(secrets: Mapping[str, str], token: str) -> str:
    """Return secrets as text that only the token opens.

    Examples
    --------
    >>> sealed = seal({"PASSWORD": "quite secret"}, token="the cluster's")
    >>> "secret" in sealed, unseal(sealed, token="the cluster's")
    (False, {'PASSWORD': 'quite secret'})
    """
    return Fernet(_key(token)).encrypt(json.dumps(dict(secrets)).encode()).decode()


def unseal(text: str, token: str | None) -> dict[str, str]:
    """Return the secrets of a sealed text.

    Raises
    ------
    EngineError
        If there is no token here, or another one than it was sealed with.
    """
    if token is None:
        raise EngineError(
            "this job's secrets were sealed with the cluster's token, which its head does not "
            f"have: start the head with {TOKEN_PATH}, or in the home folder with .ray/auth_token"
        )
    try:
        found: dict[str, str] = json.loads(Fernet(_key(token)).decrypt(text.encode()))
    except InvalidToken:
        raise EngineError("this job's secrets were sealed with another token") from None
    return found


def url_secrets(url: URL) -> list[str]:
    """Return what must not be read in a storage URL: its password, wherever that stands."""
    values = [url.query[key] for key in _secret_keys(url)]
    groups = [value if isinstance(value, tuple) else (value,) for value in values]
    return [str(secret) for secret in (url.password, *itertools.chain(*groups)) if secret]


def without_secrets(url: URL) -> str:
    """Return a storage URL that everybody may read.

    Examples
    --------
    >>> from sqlalchemy.engine import make_url
    >>> without_secrets(make_url("postgresql+psycopg://ada:secret@db/winnow?sslmode=require"))
    'postgresql+psycopg://ada@db/winnow?sslmode=require'
    """
    query = url.difference_update_query(_secret_keys(url)).query
    bare = URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, query
    )  # `set` keeps a password that is set to None
    return bare.render_as_string(hide_password=False)


def _secret_keys(url: URL) -> list[str]:
    return [key for key in url.query if "password" in key.lower()]


def _key(token: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(token.encode())
    return base64.urlsafe_b64encode(derived)
