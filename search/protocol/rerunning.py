"""Runs that are made again: which arms, and why. A deviation that every report lists.

The reason is part of the registration. The same arms for the same reason are run again once, so
that the same command goes on where it was stopped; another reason runs them once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.errors import OptionError, near_miss
from search.protocol.arms import BASELINE
from search.storage.registrations import RegistrationRecord

ASK = (
    'winnow rerun FILE --arm ARM --because "…" (--arm once per arm; baseline runs every arm again)'
)


@dataclass(frozen=True)
class Rerun:
    """What is run again.

    Parameters
    ----------
    arms
        Names of techniques, or the baseline, which takes every arm with it.
    because
        The reason, for the report.

    Raises
    ------
    OptionError
        If there is no arm or no reason.
    """

    arms: tuple[str, ...]
    because: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", tuple(dict.fromkeys(self.arms)))
        object.__setattr__(self, "because", " ".join(self.because.split()))
        if not self.arms:
            raise OptionError("--arm says what is run again: a technique, or baseline")
        if not self.because:
            raise OptionError("--because takes the reason, which the report lists; it is empty")

    def check_arms(self, known: Sequence[str]) -> None:
        """Refuse an arm that the study does not have.

        Raises
        ------
        OptionError
            Naming the nearest.
        """
        for name in self.arms:
            if name not in known:
                near = near_miss(name, known) or f"; it has {list(known)}"
                raise OptionError(f"--arm {name}: this study has no such arm{near}")

    def covers(self, arm: str) -> bool:
        """Return whether an arm is run again."""
        return arm in self.arms or BASELINE in self.arms

    def done(self, last: Mapping[str, Any], now: Mapping[str, str]) -> bool:
        """Return whether a registration holds just this already, with the same code."""
        same = {"arms": list(self.arms), "because": self.because}
        held = [{key: entry[key] for key in same} for entry in last.get("reruns", ())]
        seen = last.get("current_code", {})
        return same in held and all(seen.get(name) == now[name] for name in now if name in seen)


def deviation(rerun: Rerun, *, changed: bool) -> str:
    """Return in words what was run again, and why."""
    arms = ", ".join(rerun.arms)
    after = " after a change of code" if changed else ""
    return f"{arms} run again{after}, because: {rerun.because}"


def reruns_of(record: RegistrationRecord) -> list[Mapping[str, Any]]:
    """Return what was run again when this version was registered."""
    entries = record.specification.get("reruns", ())
    return [entry for entry in entries if entry["version"] == record.version]
