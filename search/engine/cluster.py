"""A Ray session: a cluster of this machine's own, or one that runs already."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from search.engine.head import watched_head
from search.engine.process import environment, signals_kept
from search.errors import EngineError

# what a node has to say would be printed into the driver's output; Ray reads this once
with environment({"RAY_DEDUP_LOGS_SKIP_REGEX": "."}):
    import ray
    from ray import cloudpickle

STARTS = 3  # a node's start can time out while the machine is busy
PAUSE_S = 2.0
UNKNOWN = ("authenticationerror", "unauthenticated", "invalidauthtoken", "401 unauthorized")
REFUSED = (OSError, RuntimeError, ValueError)
logger = logging.getLogger(__name__)

BREAKPOINT = {"PYTHONBREAKPOINT": ""}  # Python's own debugger
# Nobody reads the metrics of a node of our own. From a process's second session on, Ray (2.60)
# leaves the thread behind that exports them, which may crash the process while it exits.
OWN_NODE = {"RAY_enable_open_telemetry": "0"}


@dataclass(frozen=True)
class Connected:
    """A connection to a cluster: whether that ran before, and where its dashboard is, if known."""

    ran_before: bool
    dashboard: str | None = None


@contextmanager
def ray_session(*, address: str | None, module: ModuleType | None = None) -> Iterator[Connected]:
    """Be connected to Ray while the block runs.

    A process that is connected already stays so; only what was started here is ended.

    Parameters
    ----------
    address
        Of a running cluster; None: the one that ``RAY_ADDRESS`` names (as in a Ray job), else one
        is started here, and ended afterwards.
    module
        The study's module: pickled by value, since workers cannot import it.

    Raises
    ------
    EngineError
        If the cluster cannot be reached, or refuses this client.
    """
    address = address or os.environ.get("RAY_ADDRESS") or None
    with _by_value(module):
        if ray.is_initialized():
            _check_same(address)
            yield Connected(ran_before=True)
            return
        try:
            dashboard = _connect(address)
            with watched_head(ray.get_runtime_context().gcs_address):
                yield Connected(address is not None, dashboard)
        finally:
            ray.shutdown()


@contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    known: set[str] = cloudpickle.list_registry_pickle_by_value()  # type: ignore[no-untyped-call]
    if module is None or module.__name__ == "__main__" or module.__name__ in known:
        yield
        return
    cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]  # Ray's
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)  # type: ignore[no-untyped-call]  # Ray's


def _connect(address: str | None) -> str | None:
    """Connect; return the address of the cluster's dashboard, if it has one."""
    given = {} if address else {k: v for k, v in OWN_NODE.items() if k not in os.environ}
    for left in reversed(range(STARTS if address is None else 1)):
        try:
            # Ray's handlers would end the process without a word to its caller, and its debugger
            # would answer `breakpoint()` in the caller's own code
            with signals_kept(), environment(BREAKPOINT | given):
                context = ray.init(
                    address=address or "local",
                    include_dashboard=False if address is None else None,
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
        except REFUSED as error:
            ray.shutdown()
            if not left:
                raise EngineError(_reason(address, error)) from error
            logger.warning("Ray does not start (%s); trying again", _first_line(error))
            time.sleep(PAUSE_S)
        else:
            found: str | None = getattr(context, "dashboard_url", None) or None  # "" without one
            return found and f"http://{found}"
    return None


def _check_same(address: str | None) -> None:
    here = str(ray.get_runtime_context().gcs_address)
    if address not in (None, "auto", "local", here) and not address.startswith("ray://"):
        raise EngineError(
            f"this process is connected to the Ray cluster at {here} already, not to {address}"
        )


def _reason(address: str | None, error: Exception) -> str:
    text = _first_line(error)
    if any(word in _whole(error).lower() for word in UNKNOWN):
        return (
            f"the Ray cluster at {address} refuses this client: it needs the cluster's token "
            "(RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=<the file that the head node has>)"
        )
    where = f"the Ray cluster at {address} cannot be reached" if address else "Ray does not start"
    return f"{where}: {text}"


def _whole(error: BaseException | None) -> str:
    """Return what an error says, and what those say that led to it."""
    told = []
    while error is not None:
        told.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(told)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def cluster_resources() -> dict[str, float]:
    """Return the connected cluster's resources by name."""
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray's
    return found


def node_resources() -> list[dict[str, Any]]:
    """Return the resources of every node that is up."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]  # Ray's
    return [dict(node["Resources"]) for node in nodes if node["Alive"]]
