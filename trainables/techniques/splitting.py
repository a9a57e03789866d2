"""Splitting labelled units (events, participants) at random, class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError, TrainableError

Replication = Literal["fresh", "fixed", "resplit"]
Role = TypeVar("Role", bound=str)
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sampling:
    """What a new seed draws anew, as a study says it.

    Parameters
    ----------
    replication
        "fresh": everything. "fixed": everything but the units held out. "resplit": the split of a
        finite data set. Recorded data cannot be drawn afresh: for them "fresh" means "fixed".
    split_seed
        Draws the units held out, where a new seed does not.
    """

    replication: Replication = "fresh"
    split_seed: int = 0

    def held_out_rng(self, seed: int) -> np.random.Generator:
        """Return the generator that draws the held-out units of recorded data."""
        again = self.replication == "resplit"
        return np.random.default_rng([self.split_seed, seed] if again else [self.split_seed])

    @property
    def test_seed(self) -> int | None:
        """The seed of generated units that are held out; None: the run's own.

        Raises
        ------
        TrainableError
            If data are to be split again that are not finite.
        """
        if self.replication == "resplit":
            raise TrainableError(
                "generated data have no splits to draw again: replication is 'fresh' or 'fixed'"
            )
        return self.split_seed if self.replication == "fixed" else None


EVERY_SEED_AFRESH: Final = Sampling()


def streams(
    seed: int, sizes: Mapping[Role, int], *, test_seed: int | None = None
) -> Iterator[tuple[Role, int, int, np.random.Generator]]:
    """Yield role, size, number of the first unit and random stream of every generated split.

    Each split has a stream of its own: no size moves another split. Numbers never repeat.

    Parameters
    ----------
    seed
        Drives everything random.
    sizes
        By role, in an order that stays; empty splits are left out.
    test_seed
        Draws the role "test" instead, the same for every `seed`.
    """
    own = np.random.SeedSequence(seed).spawn(len(sizes))
    shared = own if test_seed is None else np.random.SeedSequence(test_seed).spawn(len(sizes))
    first = 0
    for place, (role, size) in enumerate(sizes.items()):
        if size:
            stream = (shared if role == "test" else own)[place]
            yield role, size, first, np.random.default_rng(stream)
        first += size


def require_both(name: str, positive: NDArray[np.bool_], what: str) -> None:
    """Refuse a split of one class: neither training nor ranking metrics can do with it.

    Parameters
    ----------
    name
        Of the split.
    positive : ndarray of bool, shape (n_rows,)
    what
        What positive rows are, in the plural.

    Raises
    ------
    DataError
        With the numbers.
    """
    count = int(positive.sum())
    if count in (0, len(positive)):
        raise DataError(
            f"the {name} split must hold {what} and others, got {count} {what} among "
            f"{len(positive)}"
        )


def stratified(
    positive: NDArray[np.bool_], rows: Rows, share: float, rng: np.random.Generator
) -> Rows:
    """Draw a share of each class among some units, at least one where the class has any.

    Parameters
    ----------
    positive : ndarray of bool, shape (n_units,)
        The class of every unit.
    rows : ndarray of int
        The units to draw from.

    Returns
    -------
    ndarray of int
        Ascending.
    """
    drawn = []
    for value in (False, True):
        members = rng.permutation(rows[positive[rows] == value])
        size = min(len(members), max(1, round(share * len(members))))
        drawn.append(members[:size])
    return np.sort(np.concatenate(drawn))
