"""Pairs from isolates: two proteins of one isolate, or two of different ones by a policy.

- A pair is known by its two sequences, and comes once.
- No negative has sequences that occur together in any isolate: its label would be wrong there.
- The first protein is always that of the earlier slot, and negatives have the slots of positives
  in equal shares: neither order nor slot says anything about the label (Park & Marcotte 2012,
  doi:10.1038/nmeth.2259, on what pairs may give away).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from search.errors import DataError, SpaceError
from trainables.esm2_pair.isolates import ABSENT, Isolates
from trainables.esm2_pair.pairs import Pairs, Whole
from trainables.techniques.limits import at_least, one_of, within

Policy = Literal["random", "within_lineage", "similar_metadata"]

CANDIDATES: Final = 8  # partners among whom the most similar metadata are looked for
ROUNDS: Final = 200  # of drawing, until a wanted negative is given up

Rng = np.random.Generator


@dataclass(frozen=True)
class NegativesConfig:
    """Which negatives a split gets.

    Raises
    ------
    SpaceError
        With an unknown policy, a share that is none, or a ratio below 0.1.
    """

    policy: Policy = "random"  # of any two isolates, as the source document's baseline has them
    hard_share: float = 0.3  # of the negatives are drawn by the policy, the others at random
    ratio: float = 2.0  # negatives per positive; 1 leaves class weighting nothing to do

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        yield from one_of(self, "policy", get_args(Policy), prefix="negatives.")
        yield from within(self, 0, 1, "hard_share", prefix="negatives.")
        yield from at_least(self, 0.1, "ratio", prefix="negatives.")


@dataclass(frozen=True, eq=False)
class Linked:
    """Pairs of isolates' proteins, before anything else is said about them.

    Parameters
    ----------
    isolates : ndarray of int64, shape (n_pairs, 2)
    slots : ndarray of int64, shape (n_pairs, 2)
    key : ndarray of int64, shape (n_pairs,)
        The same for the same two sequences.
    """

    isolates: Whole
    slots: Whole
    key: Whole

    def __len__(self) -> int:
        return len(self.key)

    def take(self, rows: Whole | NDArray[np.bool_]) -> Linked:
        """Return some of the pairs."""
        return Linked(self.isolates[rows], self.slots[rows], self.key[rows])


def positives(isolates: Isolates, rows: Whole) -> Linked:
    """Return every two proteins of each isolate; the same two sequences once.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Isolates; where several have the same pair, the first one of them counts.
    """
    parts = []
    for slots in combinations(range(len(isolates.slots)), 2):
        both = rows[(isolates.protein[rows][:, slots] != ABSENT).all(axis=1)]
        parts.append(_linked(isolates, both, both, np.tile(slots, (len(both), 1))))
    found = _joined(parts)
    return found.take(np.sort(np.unique(found.key, return_index=True)[1]))


def draw_pairs(
    isolates: Isolates,
    positive: Linked,
    how: NegativesConfig,
    rng: Rng,
    *,
    partners: Whole | None = None,
    taken: Whole | None = None,
) -> Pairs:
    """Add negatives to positives, in random order.

    Parameters
    ----------
    isolates : Isolates
    positive : Linked
        From `positives`.
    how : NegativesConfig
    rng : numpy.random.Generator
    partners : ndarray of int64, optional
        Isolates that negatives are made of; by default those of the positives.
    taken : ndarray of int64, optional
        Keys of pairs that another split has.

    Raises
    ------
    DataError
        If there are no positives, or not as many negatives as wanted.
    """
    if not len(positive):
        raise DataError("pairs need isolates with two proteins or more, and there are none")
    among = np.unique(positive.isolates) if partners is None else partners
    everything = positives(isolates, np.arange(len(isolates))).key
    blocked = everything if taken is None else np.concatenate([everything, taken])
    total = round(how.ratio * len(positive))
    hard = 0 if how.policy == "random" else round(how.hard_share * total)
    first = _negatives(isolates, positive, among, how.policy, hard, blocked, rng)
    blocked = np.concatenate([blocked, first.key])
    second = _negatives(isolates, positive, among, "random", total - hard, blocked, rng)
    linked = _joined([positive, first, second])
    label = np.repeat(np.array([1, 0]), [len(positive), total])
    order = rng.permutation(len(linked))
    return _described(isolates, linked.take(order), label[order])


def keys(isolates: Isolates, first: Whole, second: Whole) -> Whole:
    """Return one number for each two sequences."""
    return first * len(isolates.embeddings) + second


def _described(isolates: Isolates, linked: Linked, label: Whole) -> Pairs:
    first, second = linked.isolates.T
    return Pairs(
        isolates.protein[first, linked.slots[:, 0]],
        isolates.protein[second, linked.slots[:, 1]],
        label.astype(np.int64),
        isolates.lineage[first] == isolates.lineage[second],
        isolates.matches(first, second),
        linked.slots,
    )


def _negatives(
    isolates: Isolates,
    positive: Linked,
    among: Whole,
    policy: Policy,
    size: int,
    blocked: Whole,
    rng: Rng,
) -> Linked:
    """Draw until there are enough, without those that are blocked and those drawn before.

    Two proteins of one isolate are among those that are blocked.
    """
    found = _linked(isolates, among[:0], among[:0], np.zeros((0, 2), np.int64))
    for _ in range(ROUNDS):
        if len(found) >= size:
            return found.take(np.arange(size))
        slots = positive.slots[rng.integers(len(positive), size=size + 8)]
        first = rng.choice(among, len(slots))
        second = _partners(isolates, first, among, policy, rng)
        new = _linked(isolates, first, second, slots)
        there = (isolates.protein[new.isolates, new.slots] != ABSENT).all(axis=1)
        found = _joined([found, new.take(there & ~np.isin(new.key, blocked))])
        found = found.take(np.sort(np.unique(found.key, return_index=True)[1]))
    raise DataError(
        f"{len(among)} isolates allow {len(found)} of {size} negatives by the policy '{policy}': "
        "lower the ratio or the share of hard negatives"
    )


def _partners(isolates: Isolates, first: Whole, among: Whole, policy: Policy, rng: Rng) -> Whole:
    """Draw the other isolate of each negative."""
    if policy == "within_lineage":
        return _of_the_same_lineage(isolates, first, among, rng)
    if policy == "similar_metadata":
        several = rng.choice(among, (CANDIDATES, len(first)))
        alike = np.stack([isolates.matches(first, other) for other in several])
        alike[several == first] = -1  # an isolate is most similar to itself
        return np.asarray(several[alike.argmax(axis=0), np.arange(len(first))])
    return rng.choice(among, len(first))


def _of_the_same_lineage(isolates: Isolates, first: Whole, among: Whole, rng: Rng) -> Whole:
    order = among[np.argsort(isolates.lineage[among], kind="stable")]
    lineages = isolates.lineage[order]
    start = np.searchsorted(lineages, isolates.lineage[first], side="left")
    end = np.searchsorted(lineages, isolates.lineage[first], side="right")
    return order[rng.integers(start, end)]


def _linked(isolates: Isolates, first: Whole, second: Whole, slots: Whole) -> Linked:
    a = isolates.protein[first, slots[:, 0]]
    b = isolates.protein[second, slots[:, 1]]
    return Linked(np.column_stack([first, second]), slots, keys(isolates, a, b))


def _joined(parts: list[Linked]) -> Linked:
    return Linked(
        np.concatenate([part.isolates for part in parts]),
        np.concatenate([part.slots for part in parts]),
        np.concatenate([part.key for part in parts]),
    )
