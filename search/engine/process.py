"""What a worker's process has: accelerators, threads, imports, environment."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

from search.study import Resources

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have some environment variables set inside the block, and as they were afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def signals_kept() -> Iterator[None]:
    """Have the handlers of signals that ask a process to stop as they were, after the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGUSR1")  # not every system has them all
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def free_accelerator() -> None:
    """Give the accelerator's memory back that nobody uses: the next trial may share the device.

    The platform imports no torch; it only speaks to one that a trainable has imported.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def visible_gpus() -> int:
    """Return how many NVIDIA GPUs this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return len([name for name in named.split(",") if name.strip() not in ("", "-1")])
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def local_gpus(resources: Resources) -> float:
    """Return the GPUs that a trial holds in this process: as asked, as far as there are any."""
    asked = 1.0 if resources.gpus is None else resources.gpus
    return min(asked, float(visible_gpus()))


def prepare_process(
    *, threads: int, variables: Mapping[str, str], folders: Sequence[Path]
) -> threadpool_limits:
    """Make this process like the driver was when it had loaded the study.

    Parameters
    ----------
    threads
        Threads that native libraries may compute with: those that are loaded later read it from
        the environment, the others are told by what is returned, as long as it is kept.
    variables
        Environment variables that the study file has set; which accelerators are visible stays
        the engine's business.
    folders
        Folders to import from, after all others: a neighbour must not hide a module.
    """
    os.environ.update({name: str(threads) for name in THREAD_VARIABLES})
    os.environ.update({k: v for k, v in variables.items() if not k.endswith("VISIBLE_DEVICES")})
    wanted = dict.fromkeys(str(folder) for folder in folders)
    sys.path += [folder for folder in wanted if folder not in sys.path]
    return threadpool_limits(threads)
