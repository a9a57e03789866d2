"""What a worker's process has: accelerators, threads, imports, environment."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class GpuMemory:
    """The most that a run has taken of an accelerator's memory so far, and all there is; bytes."""

    peak: int
    total: int


def gpu_memory(alone: bool) -> GpuMemory | None:  # noqa: FBT001 - it is all there is to say
    """Return what this process has taken of its GPU's memory; None where torch uses none.

    What the driver and its libraries take is known only of a process that is alone on its GPU.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    free, total = torch.cuda.mem_get_info()
    beside = max(0, total - free - torch.cuda.memory_reserved()) if alone else 0
    return GpuMemory(int(torch.cuda.max_memory_reserved() + beside), int(total))


def free_accelerator() -> None:
    """Give the accelerator's memory back that nobody uses: the next trial may share the device.

    The platform imports no torch; it only speaks to one that a trainable has imported.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()  # the next trial's peak is its own


def visible_gpus() -> int:
    """Return how many NVIDIA GPUs this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return len([name for name in named.split(",") if name.strip() not in ("", "-1")])
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def threads_of(resources: Resources) -> int:
    """Return the threads that a trial computes with: one for each whole core, and at least one."""
    return max(1, int(resources.cpus))


def local_gpus(resources: Resources) -> float:
    """Return the GPUs that a trial holds in this process: as asked, as far as there are any."""
    asked = resources.gpus if isinstance(resources.gpus, int | float) else 1.0
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
