"""Short designs, and what was registered under them."""

from __future__ import annotations

import json
from typing import Any

from search.protocol.registering import Design

ONE_LOOK = Design(looks=(3,), tuning="none", stack=False)
TWO_LOOKS = Design(looks=(3, 5), tuning="none", stack=False)


def kinds(laboratory: Any) -> list[str]:
    """Return the kinds of all registrations, oldest first."""
    return [record.kind for record in laboratory.priority().registrations]


def reason(laboratory: Any) -> str:
    """Return why the newest registration was made."""
    return str(laboratory.priority().registration.reason)


def rows(laboratory: Any) -> list[Any]:
    """Return the rows of priority.json, without what a clock told."""
    found: list[Any] = json.loads(laboratory.finished_table())["rows"]
    return found
