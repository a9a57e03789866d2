"""A Ray session: a cluster of this machine's own, or one that runs already."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import ray
from ray import cloudpickle

from search.errors import EngineError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def ray_session(
    *,
    address: str | None,
    threads: int,
    module: ModuleType | None = None,
    variables: Mapping[str, str] | None = None,
    folders: Sequence[Path] = (),
) -> Iterator[None]:
    """Be connected to Ray while the block runs.

    Parameters
    ----------
    address
        Of a running cluster; None starts one here, and ends it afterwards.
    threads
        Threads per worker.
    module
        The study's module: pickled by value, since workers cannot import it.
    variables
        Environment variables that the study file has set.
    folders
        Folders that workers import from.

    Raises
    ------
    EngineError
        If the cluster cannot be reached, or refuses this client.
    """
    if module is not None and module.__name__ != "__main__":
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]  # Ray's
    paths = [str(folder) for folder in folders] + os.environ.get("PYTHONPATH", "").split(":")
    environment = {name: str(threads) for name in THREAD_VARIABLES}
    environment |= {"PYTHONPATH": ":".join(p for p in paths if p), **dict(variables or {})}
    try:
        ray.init(
            address=address,
            include_dashboard=False if address is None else None,
            runtime_env={"env_vars": environment},
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise EngineError(_reason(address, error)) from error
    try:
        yield
    finally:
        ray.shutdown()


def _reason(address: str | None, error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "401" in text or "token" in text.lower() or "unauthenticated" in text.lower():
        return (
            f"the Ray cluster at {address} refuses this client: it needs the cluster's token "
            "(RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH=<the file that the head node has>)"
        )
    where = f"the Ray cluster at {address} cannot be reached" if address else "Ray does not start"
    return f"{where}: {text}"


def cluster_resources() -> dict[str, float]:
    """Return the connected cluster's resources by name."""
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray's
    return found
