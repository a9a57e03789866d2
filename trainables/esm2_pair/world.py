"""The world of generated isolates, and what its isolates and their proteins look like.

The latent state of an isolate is its lineage's centre plus a drift of its own; a protein's
embedding is a map of that state, the offset of its slot, and noise. See `generator` for why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.pairs import Floats, Whole

FIELDS: Final = ("host", "subtype", "year")
VALUES: Final = (3, 6, 12)  # of each field
SITE_DIMS: Final = 8  # of what two proteins of an isolate agree on
OUTLIERS: Final = 3  # dimensions

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class World:
    """What all isolates have in common.

    Parameters
    ----------
    weight : ndarray of shape (n_lineages,)
        Share of each lineage.
    centre : ndarray of shape (n_lineages, n_latent)
    maps : ndarray of shape (n_slots, n_latent, n_dims)
    offsets : ndarray of shape (n_slots, n_dims)
    gain : ndarray of shape (n_dims,)
        Size of each dimension.
    site_maps : ndarray of shape (n_slots, SITE_DIMS, n_dims)
    sites : ndarray of int64, shape (n_lineages, n_slots)
        Token at which a protein of this lineage agrees with another of its isolate.
    metadata : ndarray of int64, shape (n_lineages, 3)
        Host, subtype and year of most isolates.
    """

    weight: NDArray[np.float64]
    centre: Floats
    maps: Floats
    offsets: Floats
    gain: Floats
    site_maps: Floats
    sites: Whole
    metadata: Whole


@dataclass(frozen=True, eq=False)
class States:
    """Latent states of isolates.

    Parameters
    ----------
    lineage : ndarray of int64, shape (n,)
    latent : ndarray of shape (n, n_latent)
    site : ndarray of shape (n, SITE_DIMS)
    """

    lineage: Whole
    latent: Floats
    site: Floats


def draw_world(config: GeneratorConfig, rng: Rng) -> World:
    """Draw lineages and maps."""
    lineages, slots, dims = config.n_lineages, config.n_slots, config.n_dims
    weight = np.arange(1, lineages + 1) ** -config.zipf
    shared = _normal(rng, config.n_latent, dims)
    maps = np.stack([shared] * slots)
    maps[1:] += config.map_spread * _normal(rng, slots - 1, config.n_latent, dims)
    gain = np.ones(dims, np.float32)
    gain[rng.permutation(dims)[:OUTLIERS]] = config.outlier_gain
    return World(
        weight / weight.sum(),
        config.lineage_spread * _normal(rng, lineages, config.n_latent),
        maps / np.float32(np.sqrt(config.n_latent)),
        config.slot_offset * _normal(rng, slots, dims),
        gain,
        _normal(rng, slots, SITE_DIMS, dims) / np.float32(np.sqrt(SITE_DIMS)),
        (rng.random((lineages, slots)) * config.n_tokens).astype(np.int64),
        np.column_stack([rng.integers(size, size=lineages) for size in VALUES]),
    )


def embed(config: GeneratorConfig, world: World, states: States, slot: int, rng: Rng) -> Floats:
    """Return the embeddings of one protein of each isolate.

    Returns
    -------
    ndarray of float32, shape (n, n_tokens, n_dims)
        Their mean over tokens does not depend on how many tokens there are.
    """
    own, within = rng.spawn(2)
    size, dims, tokens = len(states.lineage), config.n_dims, config.n_tokens
    pooled: Floats = states.latent @ world.maps[slot] + world.offsets[slot]
    pooled += config.noise * _normal(own, size, dims)
    if tokens == 1:
        pooled *= world.gain
        return pooled[:, None]
    found = config.token_noise * _normal(within, size, tokens, dims)
    site = config.site_effect * states.site @ world.site_maps[slot]
    found[np.arange(size), world.sites[states.lineage, slot]] += site
    found += (pooled - found.mean(axis=1))[:, None]
    found *= world.gain
    return found


def draw_states(config: GeneratorConfig, world: World, lineage: Whole, rng: Rng) -> States:
    """Draw the states of isolates of given lineages."""
    drift = config.drift * _normal(rng, len(lineage), config.n_latent)
    return States(lineage, world.centre[lineage] + drift, _normal(rng, len(lineage), SITE_DIMS))


def draw_metadata(config: GeneratorConfig, world: World, lineage: Whole, rng: Rng) -> Whole:
    """Draw the metadata of isolates: their lineage's, but for a share of each field."""
    found = world.metadata[lineage].copy()
    for column, size in enumerate(VALUES):
        other = rng.random(len(found)) < config.metadata_noise
        found[other, column] = rng.integers(size, size=int(other.sum()))
    return found


def _normal(rng: Rng, *shape: int) -> Floats:
    return rng.standard_normal(shape, dtype=np.float32)
