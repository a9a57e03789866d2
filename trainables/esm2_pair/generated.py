"""Drawing isolates from the generator, split by split, and their pairs.

The world (maps, offsets, lineages) and what circulates in it are drawn once for all splits; each
split's isolates have a random stream of their own. The mode of splitting says what the splits may
have in common:

isolate
    Lineages, and sequences that circulate.
sequence
    Lineages; each split has circulating sequences of its own.
cluster, lineage
    Nothing but the maps: lineages are dealt out. Generated sequences of a lineage are one cluster.
random
    Isolates too: negatives may be made of any isolates, so that a protein of a test positive is
    met in train negatives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.errors import TrainableError
from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.isolates import Isolates
from trainables.esm2_pair.leakage import measure
from trainables.esm2_pair.pairing import NegativesConfig, positives
from trainables.esm2_pair.pairs import Floats, Pairs, Splits, Whole
from trainables.esm2_pair.splitting import SplitMode, pair_up
from trainables.esm2_pair.world import (
    FIELDS,
    States,
    World,
    draw_metadata,
    draw_states,
    draw_world,
    embed,
)
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling, streams

ROLES: Final = ("train", "validation", "test")
FOUNDERS: Final = 6  # isolates of each lineage whose sequences circulate, two for each split
DEAL: Final = {"train": (0, 2, 4), "validation": (1,), "test": (3,)}  # of five lineages in turn

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Circulating:
    """Isolates whose sequences others have as well; their proteins are the first rows.

    Parameters
    ----------
    states : States
        ``FOUNDERS`` of each lineage, one lineage after another.
    embeddings : ndarray of shape (n_lineages · FOUNDERS · n_slots, n_tokens, n_dims)
    """

    states: States
    embeddings: Floats


def generate(
    config: GeneratorConfig,
    negatives: NegativesConfig,
    held_out: NegativesConfig,
    split: SplitMode = "isolate",
    *,
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
) -> Splits:
    """Draw embeddings and the pairs of all splits.

    Parameters
    ----------
    config : GeneratorConfig
    negatives, held_out : NegativesConfig
        Of the train split; of the two others.
    split : SplitMode
        What the splits may have in common.
    seed
        Drives everything random.
    sampling : Sampling
        Where it is "fixed", its `split_seed` draws the world and the test split instead.

    Raises
    ------
    TrainableError
        If generated data are to be split again, or the test split is to be fixed while its
        negatives are made of train isolates, too.
    """
    test_seed = sampling.test_seed
    if split == "random" and test_seed is not None:
        raise TrainableError(
            "the split 'random' makes test pairs of train isolates, so that no test split is fixed"
        )
    rng = np.random.default_rng([seed if test_seed is None else test_seed, 1])
    world = draw_world(config, rng)
    founders = _circulating(config, world, rng)
    sizes = {"train": config.n_train, "validation": config.n_validation, "test": config.n_test}
    parts, rngs = {}, {}
    for role, size, first, stream in streams(seed, sizes, test_seed=test_seed):
        isolates_rng, rngs[role] = stream.spawn(2)
        offset = len(founders.embeddings) + first * config.n_slots
        parts[role] = _role(config, world, founders, (role, split, size, offset), isolates_rng)
    isolates = _together(config, founders, list(parts.values()))
    return _paired(config, isolates, (negatives, held_out), split, rngs)


def _circulating(config: GeneratorConfig, world: World, rng: Rng) -> Circulating:
    lineage = np.repeat(np.arange(config.n_lineages), FOUNDERS)
    states = draw_states(config, world, lineage, rng)
    proteins = [embed(config, world, states, slot, rng) for slot in range(config.n_slots)]
    return Circulating(states, _by_isolate(proteins))


@dataclass(frozen=True, eq=False)
class _Part:
    """The isolates of one split, and the embeddings of their own proteins."""

    embeddings: Floats
    protein: Whole
    lineage: Whole
    metadata: Whole


def _role(
    config: GeneratorConfig,
    world: World,
    founders: Circulating,
    part: tuple[str, SplitMode, int, int],
    rng: Rng,
) -> _Part:
    """Draw the isolates of one split; the rows of their own proteins begin at an offset."""
    role, split, size, offset = part
    lineage = rng.choice(config.n_lineages, size, p=_shares(world, role, split))
    own = draw_states(config, world, lineage, rng)
    copies = rng.random(size) < config.duplicates
    founder = lineage * FOUNDERS + _founders(role, split, size, rng)
    slot = rng.integers(config.n_slots, size=size)
    states = States(
        lineage,
        np.where(copies[:, None], founders.states.latent[founder], own.latent),
        np.where(copies[:, None], founders.states.site[founder], own.site),
    )
    protein = offset + np.arange(size * config.n_slots).reshape(size, config.n_slots)
    protein[copies, slot[copies]] = (founder * config.n_slots + slot)[copies]
    proteins = [embed(config, world, states, number, rng) for number in range(config.n_slots)]
    return _Part(
        _by_isolate(proteins), protein, lineage, draw_metadata(config, world, lineage, rng)
    )


def _shares(world: World, role: str, split: SplitMode) -> NDArray[np.float64]:
    """Return how likely each lineage is in a split."""
    if split not in ("cluster", "lineage"):
        return world.weight
    mine = np.isin(np.arange(len(world.weight)) % 5, DEAL[role]) * world.weight
    return np.asarray(mine / mine.sum())


def _founders(role: str, split: SplitMode, size: int, rng: Rng) -> Whole:
    """Draw which of its lineage's circulating isolates one might be a copy of."""
    if split != "sequence":
        return rng.integers(FOUNDERS, size=size)
    each = FOUNDERS // len(ROLES)
    return ROLES.index(role) * each + rng.integers(each, size=size)


def _together(config: GeneratorConfig, founders: Circulating, parts: list[_Part]) -> Isolates:
    clusters = [founders.states.lineage, *(part.lineage for part in parts)]
    return Isolates(
        np.concatenate([founders.embeddings, *(part.embeddings for part in parts)]),
        np.concatenate([part.protein for part in parts]),
        np.concatenate([part.lineage for part in parts]),
        np.concatenate([part.metadata for part in parts]),
        np.repeat(np.concatenate(clusters), config.n_slots),
        tuple(f"slot {number}" for number in range(config.n_slots)),
        FIELDS,
    )


def _paired(
    config: GeneratorConfig,
    isolates: Isolates,
    negatives: tuple[NegativesConfig, NegativesConfig],
    split: SplitMode,
    rngs: dict[str, Rng],
) -> Splits:
    ends = np.cumsum([0, config.n_train, config.n_validation, config.n_test])
    linked = {
        role: positives(isolates, np.arange(ends[place], ends[place + 1]))
        for place, role in enumerate(ROLES)
    }
    hows = dict(zip(ROLES, (negatives[0], negatives[1], negatives[1]), strict=True))
    found = pair_up(isolates, linked, hows, rngs, everywhere=split == "random")
    train = with_noise(found["train"], config.label_noise, rngs["train"])
    leakage = measure(found, isolates.cluster)
    return Splits(isolates.embeddings, train, found["validation"], found["test"], leakage)


def with_noise(pairs: Pairs, share: float, rng: Rng) -> Pairs:
    """Exchange the label of a share of pairs."""
    label = pairs.label.copy()
    wrong = rng.permutation(len(label))[: round(share * len(label))]
    label[wrong] = 1 - label[wrong]
    return replace(pairs, label=label)


def _by_isolate(proteins: list[Floats]) -> Floats:
    """Interleave the proteins of each isolate: shape (n · n_slots, n_tokens, n_dims)."""
    stacked = np.stack(proteins, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])
