"""What splits have in common, and what gives the label away: numbers, and sentences about them.

The kinds are those that inflate results on pairs: the same pair, the same sequence, similar
sequences, slots that differ between labels, and metadata that match (Park & Marcotte 2012,
doi:10.1038/nmeth.2259).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainables.esm2_pair.pairs import Pairs, Whole
from trainables.techniques.ranking import area_under_roc, ranking_curve

logger = logging.getLogger(__name__)

HELD_OUT: Final = ("validation", "test")
REMEMBERED: Final = 256  # splits that have been spoken of
_SENTENCES: Final[Mapping[str, str]] = {
    "shared_sequences": "{share} of the {split} split's sequences are in another split before it",
    "pairs_with_shared_sequence": "{share} of the {split} pairs have such a sequence",
    "shared_clusters": "{share} of the {split} split's clusters are in another split before it",
    "duplicate_pairs": "{share} of the {split} pairs are in another split before it",
    "matching_negatives": "{share} of the {split} negatives match in as many metadata as positives",
    "metadata_auroc": "matching metadata alone rank {split} pairs with an AUROC of {value:.3f}",
    "shared_lineages": "{share} of the {split} isolates are of a lineage that train has",
    "dropped_isolates": "{share} of {split} isolates were left out to keep splits apart",
    "slot_imbalance": "the share of positives differs by {share} between slots of {split} pairs",
}
_QUIET: Final = {"metadata_auroc": 0.5}  # values that need no sentence; 0 for the others


def measure(parts: Mapping[str, Pairs], cluster: Whole) -> dict[str, float]:
    """Return what validation and test have in common with splits before them.

    Parameters
    ----------
    parts : mapping of str to Pairs
        ``train``, ``validation`` and ``test``.
    cluster : ndarray of int64, shape (n_proteins,)
        Group of similar sequences.

    Returns
    -------
    dict
        By split and kind, as ``test_shared_sequences``. "Before" validation comes train; before
        test come both, since both choose models.
    """
    found: dict[str, float] = {}
    for place, name in enumerate(HELD_OUT):
        before = [parts["train"], parts["validation"]][: place + 1]
        for kind, value in _of_one(before, parts[name], cluster).items():
            found[f"{name}_{kind}"] = value
    return found


def describe(leakage: Mapping[str, float]) -> list[str]:
    """Return a sentence for everything that leaks.

    Parameters
    ----------
    leakage : mapping of str to float
        From `measure`; names it does not know are left out, as are kinds that nothing is wrong in.

    Returns
    -------
    list of str
        Without a full stop; empty if nothing leaks.
    """
    sentences = []
    for name, value in leakage.items():
        split, _, kind = name.partition("_")
        if kind in _SENTENCES and value > _QUIET.get(kind, 0.0):
            share = f"{100 * value:.1f} %"
            sentences.append(_SENTENCES[kind].format(share=share, value=value, split=split))
    return sentences


def tell(leakage: Mapping[str, float]) -> None:
    """Warn of everything that leaks; the runs of a process that share splits warn once.

    Nothing is refused: what splits have in common may be what a study asks about.
    """
    if sentences := describe(leakage):
        _tell("; ".join(sentences))


@lru_cache(maxsize=REMEMBERED)
def _tell(text: str) -> None:
    logger.warning("leakage between splits: %s", text)


def _of_one(before: list[Pairs], pairs: Pairs, cluster: Whole) -> dict[str, float]:
    known = np.unique(np.concatenate([proteins(part) for part in before]))
    mine = proteins(pairs)
    seen = np.isin(pairs.first, known) | np.isin(pairs.second, known)
    clusters = np.unique(cluster[mine])
    negative = pairs.label == 0
    positive_matches = pairs.matches[~negative]
    most = positive_matches.max() if len(positive_matches) else 0
    return {
        "shared_sequences": _share(np.isin(mine, known)),
        "pairs_with_shared_sequence": _share(seen),
        "shared_clusters": _share(np.isin(clusters, cluster[known])),
        "duplicate_pairs": _share(_known_pairs(before, pairs)),
        "matching_negatives": _share(pairs.matches[negative] >= max(1, most)),
        "metadata_auroc": _auroc(pairs),
        "slot_imbalance": slot_imbalance(pairs),
    }


def proteins(pairs: Pairs) -> Whole:
    """Return the rows of every protein in some pairs, ascending."""
    return np.unique(np.concatenate([pairs.first, pairs.second]))


def slot_imbalance(pairs: Pairs) -> float:
    """Return by how much the share of positives differs between the slots of pairs, at most.

    Pairs of the same two slots are compared with pairs of any other two; 0 where there are none.
    """
    _, slots = np.unique(pairs.slots, axis=0, return_inverse=True)
    share = [pairs.label[slots == slot].mean() for slot in np.unique(slots)]
    return float(max(share) - min(share)) if share else 0.0


def _known_pairs(before: list[Pairs], pairs: Pairs) -> NDArray[np.bool_]:
    size = 1 + max(int(proteins(part).max(initial=0)) for part in (*before, pairs))
    known = np.concatenate([_unordered(part, size) for part in before])
    return np.isin(_unordered(pairs, size), known)


def _unordered(pairs: Pairs, size: int) -> Whole:
    low, high = np.minimum(pairs.first, pairs.second), np.maximum(pairs.first, pairs.second)
    return low * size + high


def _auroc(pairs: Pairs) -> float:
    if pairs.label.min(initial=1) == pairs.label.max(initial=0):
        return 0.5
    return area_under_roc(ranking_curve(pairs.matches.astype(np.float64), pairs.label))


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0
