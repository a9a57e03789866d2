"""News of a study as JSON, posted to a webhook.

The address may hold a secret (the path of a chat's webhook is one): it is neither stored nor
printed, only its host is.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from search.errors import OptionError
from search.mirrors.outbox import Letter, UndeliveredError
from search.mirrors.staying import staying

SCHEMA = 1
TIMEOUT_S = 5.0
RULE = "--notify takes an address that begins with http:// or https://"


def parse_webhook(text: str) -> str:
    """Return the address of a webhook.

    Raises
    ------
    OptionError
        If it is none of HTTP; the words do not repeat it.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise OptionError(RULE) from None
    if parts.scheme not in ("http", "https"):
        raise OptionError(RULE)
    if not host:
        raise OptionError(f"{RULE}; this one names no host")
    if any(ord(c) <= 32 or ord(c) > 126 for c in text):
        raise OptionError(f"{RULE}; this one holds characters that no address may")
    if parts.username is not None:
        raise OptionError(f"{RULE}; a user and a password in it cannot be sent")
    return text


def shown_webhook(url: str) -> str:
    """Return an address without what may be secret.

    Examples
    --------
    >>> shown_webhook("https://hooks.example.org:8443/T0/B1/secret?token=x")
    'https://hooks.example.org:8443/***'
    """
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/***"


def news(event: str, study: str, text: str, **details: Any) -> dict[str, Any]:
    """Return a letter: what happened, to which study, in words, and what else there is to it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "schema": SCHEMA,
        "event": event,
        "study": study,
        "text": text,
        "time": now,
        **details,
    }


class Webhook:
    """Posts letters to an address.

    Parameters
    ----------
    url
        Checked by `parse_webhook`.
    timeout_s
        Seconds to wait for the other side to say anything.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._opener = staying()

    def __call__(self, letter: Letter) -> None:
        """Post a letter.

        Raises
        ------
        UndeliveredError
            If it did not arrive.
        """
        body = json.dumps(letter).encode()
        request = urllib.request.Request(
            self._url, body, {"Content-Type": "application/json", "User-Agent": "winnow"}
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise UndeliveredError(f"it answered {error.code}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            # their own words may repeat the address
            reason = getattr(error, "reason", error)
            raise UndeliveredError(f"no answer ({type(reason).__name__})") from None
