"""The systems that every trainable's contract is tried on: a moment's data and settings of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from search.configuration import flatten, override
from search.trainable import Predictions
from tests.contracts import esm2_pair, gen5_prime, han, pat, pi_tft

Changes = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class System:
    """One trainable, small enough to be run hundreds of times.

    Parameters
    ----------
    name
        As in the test's name.
    trainable
        The class.
    config
        Its configuration's class.
    data
        Makes the data of every run, once.
    small
        Changes of the configuration's defaults that make a run short.
    steps
        Of a run.
    together
        Sets of changes that have every kind of state in a checkpoint: schedules, averages,
        patience, several losses.
    diverging
        Changes with which the objective becomes NaN.
    toggles
        Every knob with a value that is not the small configuration's.
    contexts
        What must be on for a knob to be read.
    evaluate
        Metrics of its predictions, as its studies name them.
    pictures
        What explains a run, at least.
    elsewhere
        Beginnings of knobs' paths that are read where splits are made, and tested there.
    """

    name: str
    trainable: type
    config: type
    data: Callable[[], Any]
    small: Changes
    steps: int
    together: Sequence[Changes]
    diverging: Changes
    toggles: Sequence[tuple[str, Any]]
    evaluate: Callable[[Predictions], Mapping[str, float]]
    pictures: frozenset[str]
    contexts: Mapping[str, Changes] = field(default_factory=dict)
    elsewhere: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name

    def run(self, *, seed: int = 0, steps: int | None = None, **changes: Any) -> Any:
        """Begin a run of these changes."""
        config = override(self.config(), {**self.small, **changes})
        steps = steps or self.steps
        return self.trainable(config, seed=seed, max_steps=steps, data=self.data())

    @property
    def knobs(self) -> set[str]:
        """Paths of the configuration's fields that a run on given data must read."""
        return {
            path for path in flatten(self.config()) if not path.startswith(tuple(self.elsewhere))
        }


def _system(module: Any) -> System:
    return System(
        name=module.NAME,
        trainable=module.TRAINABLE,
        config=module.CONFIG,
        data=cache(module.data),
        small=module.SMALL,
        steps=module.STEPS,
        together=module.TOGETHER,
        diverging=module.DIVERGING,
        toggles=module.TOGGLES,
        evaluate=module.EVALUATE,
        pictures=frozenset(module.PICTURES),
        contexts=module.CONTEXTS,
        elsewhere=module.ELSEWHERE,
    )


SYSTEMS = [_system(module) for module in (pi_tft, pat, han, esm2_pair, gen5_prime)]
