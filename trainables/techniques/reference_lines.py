"""What is measured on the very splits that a seed gives a system, without the system itself.

Reference lines are metrics that other models reach there; a preflight says what splits are like.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from trainables.techniques.splitting import Replication, Sampling

Splits = TypeVar("Splits")
SplitsOut = TypeVar("SplitsOut", covariant=True)
Result = TypeVar("Result")


class HasData(Protocol):
    """A configuration with a section about data."""

    @property
    def data(self) -> Any:
        """Which data, and how they are prepared."""


Config = TypeVar("Config", bound=HasData)


class MakesSplits(Protocol[SplitsOut]):
    """A system's way from a section about data, and data, to splits."""

    def __call__(self, config: Any, data: Any, *, seed: int, sampling: Sampling) -> SplitsOut:
        """Return the splits of a seed."""


@dataclass(frozen=True, eq=False)
class Given(Generic[Config, Splits]):
    """What is measured on.

    Parameters
    ----------
    splits
        Of the seed.
    config
        The study's baseline.
    seed
        For models that draw something of their own.
    """

    splits: Splits
    config: Config
    seed: int


class OnSplits(Generic[Config, Splits, Result]):
    """What is measured, as a function of the seed, which a study calls by the keywords it names.

    Parameters
    ----------
    measure
        From what is given to the result.
    splits_of
        The system's.
    plain
        The configuration where none is given.

    Attributes
    ----------
    measure
    """

    def __init__(
        self,
        measure: Callable[[Given[Config, Splits]], Result],
        splits_of: MakesSplits[Splits],
        plain: Config,
    ) -> None:
        self.measure, self._splits_of, self._plain = measure, splits_of, plain
        self.__doc__ = measure.__doc__

    def __call__(
        self,
        seed: int,
        *,
        config: Config | None = None,
        data: Any = None,
        split_seed: int = 0,
        replication: Replication = "fresh",
    ) -> Result:
        """Return the result; of a reference line, every metric under ``val_`` and ``test_``.

        Parameters
        ----------
        seed
            Draws the splits, as for the system.
        config
            The study's baseline.
        data
            What the system's loader returned.
        split_seed, replication
            The study's: what else a new seed draws anew.
        """
        config = config or self._plain
        sampling = Sampling(replication, split_seed)
        splits = self._splits_of(config.data, data, seed=seed, sampling=sampling)
        return self.measure(Given(splits, config, seed))


def on_splits(
    splits_of: MakesSplits[Splits], plain: Config
) -> Callable[[Callable[[Given[Config, Splits]], Result]], OnSplits[Config, Splits, Result]]:
    """Make a function of the seed out of one that measures what it is given."""
    return lambda measure: OnSplits(measure, splits_of, plain)
