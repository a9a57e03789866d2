"""An embedding that needs no model: frequencies of dipeptides, and what residues are like.

Dipeptide composition is an old and strong description of proteins (Bhasin & Raghava 2004,
doi:10.1074/jbc.M401932200). Of each chunk of the sequence: 400 frequencies, in multiples of what
equal ones would be; mean and deviation of hydropathy (Kyte & Doolittle 1982), charge at neutral pH
and side-chain volume (Zamyatnin 1972), and the share of aromatic residues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.esm2_pair.embedder import Floats, chunk_edges
from trainables.esm2_pair.sequences import RESIDUES

KINDS: Final = len(RESIDUES)
UNKNOWN: Final = KINDS  # of ambiguous residues, which are left out

_HYDROPATHY: Final = (
    *(1.8, 2.5, -3.5, -3.5, 2.8, -0.4, -3.2, 4.5, -3.9, 3.8),
    *(1.9, -3.5, -1.6, -3.5, -4.5, -0.8, -0.7, 4.2, -0.9, -1.3),
)
_VOLUME: Final = (  # cubic ångström
    *(88.6, 108.5, 111.1, 138.4, 189.9, 60.1, 153.2, 166.7, 168.6, 166.7),
    *(162.9, 114.1, 112.7, 143.8, 173.4, 89.0, 116.1, 140.0, 227.8, 193.6),
)
_CHARGE: Final = {"D": -1.0, "E": -1.0, "K": 1.0, "R": 1.0, "H": 0.1}
_AROMATIC: Final = "FWY"


def _properties() -> NDArray[np.float64]:
    """Return columns of residues' properties, standardised over the twenty residues."""
    charge = [_CHARGE.get(residue, 0.0) for residue in RESIDUES]
    aromatic = [float(residue in _AROMATIC) for residue in RESIDUES]
    table = np.column_stack([_HYDROPATHY, charge, _VOLUME, aromatic])
    return np.asarray((table - table.mean(axis=0)) / table.std(axis=0))


PROPERTIES: Final = _properties()
DIMS: Final = KINDS**2 + 2 * PROPERTIES.shape[1]
_CODE: Final = np.full(256, UNKNOWN, np.uint8)
_CODE[np.frombuffer(RESIDUES.encode(), np.uint8)] = np.arange(KINDS)


@dataclass(frozen=True)
class Dipeptides:
    """Embeds by dipeptides and properties; implements `embedder.Embedder`.

    Parameters
    ----------
    tokens
        Chunks of the sequence, each of which is described by itself; a dipeptide belongs to the
        chunk that it begins in.
    """

    tokens: int = 1

    @property
    def name(self) -> str:
        """Of the embedding and its chunks."""
        return f"dipeptides-{self.tokens}"

    @property
    def dims(self) -> int:
        """400 dipeptides, mean and deviation of 4 properties."""
        return int(DIMS)

    def embed(self, sequences: Sequence[str]) -> Floats:
        """Return embeddings of shape (n_sequences, n_tokens, 408)."""
        found = np.zeros((len(sequences), self.tokens, DIMS), np.float32)
        for row, sequence in enumerate(sequences):
            code = _CODE[np.frombuffer(sequence.encode(), np.uint8)].astype(np.int64)
            edges = chunk_edges(len(code), self.tokens)
            for token in range(self.tokens):
                found[row, token] = _describe(code, int(edges[token]), int(edges[token + 1]))
        return found


def _describe(code: NDArray[np.int64], start: int, end: int) -> NDArray[np.float64]:
    """Describe the residues from `start` to before `end`, of a sequence in numbers."""
    first, second = code[start:end], code[start + 1 : end + 1]
    first = first[: len(second)]  # the last residue of all begins no dipeptide
    known = (first != UNKNOWN) & (second != UNKNOWN)
    pairs = first[known] * KINDS + second[known]
    frequency = np.bincount(pairs, minlength=KINDS**2) * (KINDS**2 / max(1, len(pairs)))
    residues = code[start:end]
    values = PROPERTIES[residues[residues != UNKNOWN]]
    if not len(values):
        return np.concatenate([frequency, np.zeros(2 * PROPERTIES.shape[1])])
    return np.concatenate([frequency, values.mean(axis=0), values.std(axis=0)])
