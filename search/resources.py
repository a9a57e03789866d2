"""Resources: what one trial occupies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from search.errors import StudyError
from search.technique import is_positive


@dataclass(frozen=True)
class Resources:
    """What one trial occupies.

    Parameters
    ----------
    cpus
        CPU cores, which is also the number of threads it computes with.
    gpus
        GPUs, fractions allowed. None: one where the cluster has any, none elsewhere. "auto": the
        first trials get one each, and later ones the share that those were seen to need of its
        memory, so that several may run on one.
    processes
        Processes that a trial has, each with so many CPUs and GPUs: a class that names the keyword
        ``group`` trains in all of them together. The local engine runs one.
    """

    cpus: float = 1.0
    gpus: float | Literal["auto"] | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not is_positive(self.cpus):
            problems.append(f"Resources.cpus must be a positive number, got {self.cpus!r}")
        problems += _gpu_problems(self.gpus)
        problems += _process_problems(self)
        if problems:
            raise StudyError(problems)


def _gpu_problems(gpus: Any) -> Iterator[str]:
    if gpus is None or gpus == "auto" or (gpus == 0 and not isinstance(gpus, bool)):
        return
    if not is_positive(gpus):
        yield f"Resources.gpus must be a number from 0, or 'auto', got {gpus!r}"
    elif gpus > 1 and gpus != int(gpus):
        yield f"Resources.gpus above 1 must be whole, got {gpus!r}"


def _process_problems(resources: Resources) -> Iterator[str]:
    processes, gpus = resources.processes, resources.gpus
    if not isinstance(processes, int) or isinstance(processes, bool) or processes < 1:
        yield f"Resources.processes must be a whole number from 1, got {processes!r}"
    elif processes > 1 and (isinstance(gpus, str) or (gpus is not None and gpus % 1 > 0)):
        yield (
            f"Resources.gpus must be whole for {processes} processes, which do not share one, "
            f"got {gpus!r}"
        )
