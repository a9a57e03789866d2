"""What a peer's process brings back, and the two costs that are computed from it."""

from __future__ import annotations

from dataclasses import dataclass

WORKERS = 2  # trials at a time, for everyone who can
WARM_UP = 4  # ended trials before the clock starts: by then every worker process has started


@dataclass(frozen=True)
class Timing:
    """The instants of one search, in seconds since the epoch.

    Parameters
    ----------
    first_step
        When the first step was made, in the worker.
    ends
        When the driver had booked the end of each trial.
    """

    first_step: float
    ends: tuple[float, ...]

    @property
    def per_trial_ms(self) -> float:
        """Milliseconds per trial in the steady state: start-up is left out.

        Examples
        --------
        >>> Timing(0.0, tuple(float(i) for i in range(10))).per_trial_ms
        1000.0
        """
        counted = self.ends[WARM_UP - 1 :]
        return 1e3 * (counted[-1] - counted[0]) / (len(counted) - 1)

    def per_step_ms(self, steps: int) -> float:
        """Milliseconds per step of one trial, from its first step until its end is booked.

        Examples
        --------
        >>> Timing(10.0, (11.0,)).per_step_ms(500)
        2.0
        """
        return 1e3 * (self.ends[0] - self.first_step) / steps
