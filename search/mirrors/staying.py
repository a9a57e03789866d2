"""Requests that go to one address and nowhere else."""

from __future__ import annotations

import urllib.request
from typing import Any


class StayHandler(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: what is sent is for this address, and so is the secret with it."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse; the answer then counts as an error."""
        return


def staying() -> urllib.request.OpenerDirector:
    """Return what opens requests without following redirections."""
    return urllib.request.build_opener(StayHandler())
