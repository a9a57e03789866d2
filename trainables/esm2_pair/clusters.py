"""Groups of similar sequences, by MinHash signatures of their k-mers.

The share of k-mers that two sequences have in common (Jaccard) is estimated by the share of equal
minima of hash functions (Broder 1997). Clustering is greedy, as CD-HIT does it (Li & Godzik 2006,
doi:10.1093/bioinformatics/btl158): a sequence, the longest first, represents a cluster unless it is
similar to a representative, and joins the first one of those. So members are similar to their
representative, and representatives are not similar to each other; but two members of different
clusters may be. Single linkage would rule that out, and join all sequences of a virus into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.esm2_pair.pairs import Whole

K: Final = 5  # residues of a k-mer: 97 % identical sequences share about three quarters of them
HASHES: Final = 128  # the estimate's deviation is at most 0.5 / √128 = 0.044
_SEED: Final = 20_061  # of the hash functions: clusters are the same for everyone
_WORD: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads neighbouring codes

Signatures = NDArray[np.uint32]


def signatures(sequences: Sequence[str]) -> Signatures:
    """Return the minima of hash functions over each sequence's k-mers.

    Returns
    -------
    ndarray of uint32, shape (n_sequences, 128)
        Of a sequence shorter than `K`: over itself, as one k-mer.
    """
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(1, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    found = np.empty((len(sequences), HASHES), np.uint32)
    for row, sequence in enumerate(sequences):
        spread = _kmers(sequence) * _WORD
        spread ^= spread >> np.uint64(31)
        hashed = spread[:, None] * factors  # modulo 2^64: the high half is the hash
        found[row] = (hashed >> np.uint64(32)).min(axis=0)
    return found


def similarity(one: Signatures, others: Signatures) -> NDArray[np.float64]:
    """Return the estimated share of k-mers that a sequence has in common with others.

    Parameters
    ----------
    one : ndarray of shape (128,)
    others : ndarray of shape (n, 128)
    """
    return np.asarray((others == one).mean(axis=1))


def cluster(sequences: Sequence[str], least: float) -> Whole:
    """Return the number of each sequence's cluster, from 0 on.

    Parameters
    ----------
    least
        Similarity from which a sequence joins a representative, as a share of k-mers.

    Returns
    -------
    ndarray of int64, shape (n_sequences,)
    """
    signed = signatures(sequences)
    left = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
    found = np.empty(len(sequences), np.int64)
    number = 0
    while len(left):
        near = similarity(signed[left[0]], signed[left]) >= least
        near[0] = True  # also where more than everything is asked for
        found[left[near]] = number
        left = left[~near]
        number += 1
    return found


def _kmers(sequence: str) -> NDArray[np.uint64]:
    code = np.frombuffer(sequence.encode(), np.uint8).astype(np.uint64)
    size = min(K, len(code))
    found = np.zeros(len(code) - size + 1, np.uint64)
    for place in range(size):
        found = found * np.uint64(257) + code[place : len(code) - size + 1 + place]
    return np.unique(found)
