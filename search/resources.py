"""Resources: what one trial occupies."""

from __future__ import annotations

from dataclasses import dataclass

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
        GPUs, fractions allowed. None: one where the cluster has any, none elsewhere.
    """

    cpus: float = 1.0
    gpus: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if not is_positive(self.cpus):
            problems.append(f"Resources.cpus must be a positive number, got {self.cpus!r}")
        if self.gpus is not None and self.gpus != 0 and not is_positive(self.gpus):
            problems.append(f"Resources.gpus must be a number from 0, got {self.gpus!r}")
        elif self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            problems.append(f"Resources.gpus above 1 must be whole, got {self.gpus!r}")
        if problems:
            raise StudyError(problems)
