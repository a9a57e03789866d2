"""Small pairs and splits made by hand, for tests of the pair classifier's parts."""

import numpy as np

from trainables.esm2_pair.pairs import Pairs, Splits


def make_pairs(n: int = 40, *, n_proteins: int = 20, seed: int = 0) -> Pairs:
    """Return pairs of slot 0 with slot 1, half of them positive, negatives of both kinds."""
    rng = np.random.default_rng(seed)
    half = n_proteins // 2
    label = np.arange(n) % 2
    return Pairs(
        rng.integers(0, half, n),
        half + rng.integers(0, half, n),
        label,
        (label == 1) | (np.arange(n) % 4 == 0),
        np.where(label == 1, 3, np.arange(n) % 3),
        np.tile([0, 1], (n, 1)),
    )


def make_splits(n_tokens: int = 1, n_dims: int = 6, seed: int = 0) -> Splits:
    """Return splits whose embeddings are noise."""
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(20, n_tokens, n_dims)).astype(np.float32)
    parts = [make_pairs(seed=seed + number) for number in range(3)]
    return Splits(embeddings, *parts, {"shared sequences": 0.25})
