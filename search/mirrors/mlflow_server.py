"""MLflow by its REST interface: needs no package of theirs, and waits no longer than we say.

``MLFLOW_TRACKING_TOKEN``, or ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``, are
sent as MLflow's own client does.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from search.mirrors.outbox import UndeliveredError
from search.mirrors.staying import staying

TIMEOUT_S = 10.0


def call(
    url: str,
    method: str,
    content: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what a server answers; nothing where it says that what a query names is not there.

    Parameters
    ----------
    url
        Of the server.
    method
        Such as ``runs/create``.
    content, query
        Either what is posted, or what is asked for.

    Raises
    ------
    UndeliveredError
        If it does not answer, or refuses.
    """
    where = f"{url}/api/2.0/mlflow/{method}" + (f"?{urlencode(query)}" if query else "")
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(where, body, {"Content-Type": "application/json"} | _login())
    try:
        with staying().open(request, timeout=TIMEOUT_S) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.client.NOT_FOUND and query is not None:
            return {}
        raise UndeliveredError(f"it answers {error.code} to {method}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UndeliveredError(f"no answer: {type(reason).__name__}") from None
    if not isinstance(found, dict):
        raise UndeliveredError(f"its answer to {method} is not MLflow's")
    return found


def _login() -> dict[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    if user is None:
        return {}
    text = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}
