"""The job server of a Ray cluster, and its errors in words."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from search.engine.process import environment
from search.environment import TOKEN_PATH
from search.errors import EngineError, OptionError
from search.submission.sealing import TOKEN, read_token

ANSWER_S = 10.0
TALKERS = (  # the latter have levels of their own
    "ray",
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Ray lets these win over an address that is given
ELSEWHERE = {"RAY_API_SERVER_ADDRESS": "", "RAY_ADDRESS": ""}
HOW = (
    "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=<a copy of the file that the head node has, by "
    "default ~/.ray/auth_token>"
)


@dataclass(frozen=True)
class Connection:
    """A job server that answers, and knows this client.

    Parameters
    ----------
    client
        Ray's.
    address
        The server's URL.
    token
        What was shown to it; None where it asks for none.
    """

    client: JobSubmissionClient
    address: str
    token: str | None

    @property
    def is_open(self) -> bool:
        """Whether anybody who reaches the cluster may run anything on it."""
        return self.token is None

    @property
    def is_plain(self) -> bool:
        """Whether what is sent can be read on its way."""
        url = urlsplit(self.address)
        return url.scheme == "http" and url.hostname not in LOOPBACK


def connect(address: str) -> Connection:
    """Return a connection to a cluster's job server.

    Parameters
    ----------
    address
        URL of the head's dashboard, such as ``http://127.0.0.1:8265``.

    Raises
    ------
    OptionError
        If the address is no such URL.
    EngineError
        If nothing answers there, it is no Ray cluster, or it refuses this client.
    """
    address = check_address(address)
    asks = _authentication(address) != "disabled"
    token = read_token() if asks else None
    if asks and token is None:
        raise EngineError(
            f"the Ray cluster at {address} asks for its token, and there is none here: set {HOW}, "
            f"or {TOKEN}"
        )
    headers = {"Authorization": f"Bearer {token}"} if token else None
    with in_words(address), environment(ELSEWHERE):
        client = JobSubmissionClient(address, headers=headers)
    return Connection(client, address, token)


def check_address(address: str) -> str:
    """Return an address as it is used.

    Raises
    ------
    OptionError
        If it is no URL of a dashboard.
    """
    url = urlsplit(address)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise OptionError(
            "--address takes the URL of the cluster's dashboard, such as http://127.0.0.1:8265, "
            f"got {'a URL with a password' if url.password else address}"
        )
    if url.username or url.password:
        raise OptionError(f"--address takes no user or password; the token is {TOKEN_PATH}'s")
    return address.rstrip("/")


@contextmanager
def in_words(address: str) -> Iterator[None]:
    """Turn what Ray's client raises inside the block into one line, and keep it quiet.

    Raises
    ------
    EngineError
        In its stead.
    """
    try:
        with _quiet():
            yield
    except AuthenticationError:
        raise EngineError(
            f"the Ray cluster at {address} refuses this client's token: set {HOW}"
        ) from None
    except (OSError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise EngineError(f"the Ray cluster at {address}: {first}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in TALKERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _authentication(address: str) -> str:
    """Return how a cluster tells its clients apart: by "token", "disabled" or otherwise."""
    url = f"{address}/api/authentication_mode"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
            return str(json.load(answer)["authentication_mode"])
    except urllib.error.HTTPError as error:
        if error.code in (401, 403, 404):  # an older Ray, or a proxy before it
            return "unknown"
        raise EngineError(f"{address} answers {error.code}; is it a Ray dashboard?") from None
    except (OSError, ValueError, KeyError) as error:
        reason = getattr(error, "reason", error)
        raise EngineError(
            f"no Ray cluster answers at {address} ({reason}); the head's dashboard listens on "
            "its own loopback unless asked otherwise: a tunnel reaches it, ssh -L "
            "8265:127.0.0.1:8265 HEAD"
        ) from None
