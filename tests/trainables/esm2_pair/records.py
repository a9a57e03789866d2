"""Isolates made by hand and at random, for tests of pairing and splitting."""

import numpy as np

from trainables.esm2_pair.isolates import Isolates


def isolates(protein, lineage=None, metadata=None, cluster=None, dims=3):
    """Isolates of given proteins; everything else may be left out."""
    protein = np.asarray(protein, np.int64)
    rows = 1 + max(0, int(protein.max(initial=0)))
    size = len(protein)
    metadata = np.zeros((size, 1), np.int64) if metadata is None else np.asarray(metadata)
    return Isolates(
        np.random.default_rng(0).standard_normal((rows, 1, dims)).astype(np.float32),
        protein,
        np.zeros(size, np.int64) if lineage is None else np.asarray(lineage, np.int64),
        metadata.astype(np.int64),
        np.arange(rows) if cluster is None else np.asarray(cluster, np.int64),
        tuple(f"s{number}" for number in range(protein.shape[1])),
        tuple(f"f{number}" for number in range(metadata.shape[1])),
    )


def drawn(seed, size=120, slots=2, shared=0.3, lineages=6, absent=0.0):
    """Isolates some of which share sequences with others of their lineage, or lack a protein."""
    rng = np.random.default_rng(seed)
    lineage = rng.integers(lineages, size=size)
    protein = np.arange(size * slots).reshape(size, slots)
    for place in range(slots):
        again = rng.random(size) < shared
        for row in np.flatnonzero(again):
            others = np.flatnonzero(lineage == lineage[row])
            protein[row, place] = protein[rng.choice(others), place]
    protein[rng.random((size, slots)) < absent] = -1
    used = np.unique(protein[protein >= 0])
    protein = np.where(protein >= 0, np.searchsorted(used, protein), -1)
    metadata = np.column_stack([lineage % 2, rng.integers(-1, 3, size)])
    cluster = np.zeros(len(used), np.int64)
    for place in range(slots):  # clusters of four isolates in a row
        there = protein[:, place] >= 0
        cluster[protein[there, place]] = place * size + np.flatnonzero(there) // 4
    return isolates(protein, lineage, metadata, cluster)
