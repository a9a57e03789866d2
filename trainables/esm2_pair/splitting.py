"""Splitting recorded isolates, by modes that differ in what the splits may have in common.

random
    Pairs are split. Isolates, sequences and lineages are in several splits; pairs are not.
isolate
    Isolates are split: none is in two splits, nor is any pair. Sequences that several isolates have
    may be.
sequence
    No sequence is in two splits.
cluster
    No cluster of similar sequences is in two splits, and thus no sequence. Sequences of different
    clusters may still be alike: see `clusters`.
lineage
    No lineage is in two splits, if there are three or more. With two, test has one, and isolates
    of the other are split for validation. Sequences that two lineages have may be in two splits.

For sequences and clusters, isolates that are tied by what they share go to one split. Where too
many are tied, splits are chosen so that few ties go across, and isolates that have something of two
splits are left out: strict, at the cost of isolates, whose share `Splits.leakage` names
``all_dropped_isolates``.

References
----------
Park & Marcotte 2012, doi:10.1038/nmeth.2259.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np

from search.errors import DataError
from trainables.esm2_pair.cutting import drawn, parted
from trainables.esm2_pair.isolates import ABSENT, Isolates
from trainables.esm2_pair.leakage import measure
from trainables.esm2_pair.pairing import Linked, NegativesConfig, draw_pairs, keys, positives
from trainables.esm2_pair.pairs import Pairs, Splits, Whole
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

SplitMode = Literal["random", "isolate", "sequence", "cluster", "lineage"]
Rng = np.random.Generator

TEST_SHARE: Final = 0.2
VALIDATION_SHARE: Final = 0.2  # of what is left
FIRST: Final = ("test", "validation", "train")  # an earlier split keeps what two would have


def make_splits(
    isolates: Isolates,
    mode: SplitMode,
    negatives: NegativesConfig,
    held_out: NegativesConfig,
    *,
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
) -> Splits:
    """Split isolates and pair them.

    Parameters
    ----------
    isolates : Isolates
    mode
        What the splits may have in common.
    negatives, held_out : NegativesConfig
        Of the train split; of the two others.
    seed
        Draws who validates, and the negatives of train and validation.
    sampling : Sampling
        Draws the test split.

    Raises
    ------
    DataError
        If there are too few isolates for three splits, or for the negatives.
    """
    tests, own = sampling.held_out_rng(seed), np.random.default_rng([seed])
    rngs = dict(zip(FIRST, (tests.spawn(1)[0], *own.spawn(2)), strict=True))
    known: dict[str, float] = {}
    if mode == "random":
        linked = _split_pairs(positives(isolates, np.arange(len(isolates))), tests, own)
    else:
        rows, known = split_isolates(isolates, mode, tests, own)
        linked = {role: positives(isolates, rows[role]) for role in FIRST}
    hows = {"test": held_out, "validation": held_out, "train": negatives}
    parts = pair_up(isolates, linked, hows, rngs, everywhere=mode == "random")
    leakage = measure(parts, isolates.cluster) | known
    return Splits(isolates.embeddings, parts["train"], parts["validation"], parts["test"], leakage)


def pair_up(
    isolates: Isolates,
    linked: Mapping[str, Linked],
    hows: Mapping[str, NegativesConfig],
    rngs: Mapping[str, Rng],
    *,
    everywhere: bool,
) -> dict[str, Pairs]:
    """Draw the negatives of every split; no two splits have a pair in common.

    Parameters
    ----------
    linked, hows, rngs : mapping of split to its positives, policy and generator
    everywhere
        Whether negatives are made of any isolates, not of their split's alone.
    """
    partners = np.arange(len(isolates)) if everywhere else None
    taken = np.zeros(0, np.int64)
    parts = {}
    for role in FIRST:
        new = linked[role].take(~np.isin(linked[role].key, taken))
        if not len(new):
            raise DataError(f"no isolate is left for the {role} split: another mode leaves more")
        pairs = draw_pairs(isolates, new, hows[role], rngs[role], partners=partners, taken=taken)
        taken = np.concatenate([taken, keys(isolates, pairs.first, pairs.second)])
        parts[role] = pairs
    return parts


def split_isolates(
    isolates: Isolates, mode: SplitMode, tests: Rng, own: Rng
) -> tuple[dict[str, Whole], dict[str, float]]:
    """Return the isolates of each split, and what the mode could not do.

    Parameters
    ----------
    mode
        Any but "random".
    tests, own : numpy.random.Generator
        Draw those that test; those that validate.
    """
    if mode in ("sequence", "cluster"):
        return _apart(_shared(isolates, mode), tests, own)
    unit = isolates.lineage if mode == "lineage" else np.arange(len(isolates))
    everyone = np.arange(len(isolates))
    test = drawn(unit, everyone, TEST_SHARE, tests)
    rest = np.setdiff1d(everyone, test)
    tied = unit if len(np.unique(unit[rest])) > 1 else everyone
    validation = drawn(tied, rest, VALIDATION_SHARE, own)
    rows = {"test": test, "validation": validation, "train": np.setdiff1d(rest, validation)}
    if mode == "isolate":
        return rows, {}
    shared = np.isin(isolates.lineage[validation], isolates.lineage[rows["train"]])
    return rows, {"validation_shared_lineages": float(shared.mean())}


def _apart(shared: Whole, tests: Rng, own: Rng) -> tuple[dict[str, Whole], dict[str, float]]:
    """Split isolates so that nothing they have in common is in two splits."""
    everyone = np.arange(len(shared))
    test, rest = parted(shared, everyone, TEST_SHARE, tests)
    validation, train = parted(shared, rest, VALIDATION_SHARE, own)
    lost = 1 - (len(test) + len(validation) + len(train)) / len(everyone)
    rows = {"test": test, "validation": validation, "train": train}
    return rows, {"all_dropped_isolates": lost} if lost else {}


def _split_pairs(linked: Linked, tests: Rng, own: Rng) -> dict[str, Linked]:
    order = tests.permutation(len(linked))
    n_test = round(TEST_SHARE * len(order))
    rest = own.permutation(order[n_test:])
    n_validation = round(VALIDATION_SHARE * len(rest))
    return {
        "test": linked.take(order[:n_test]),
        "validation": linked.take(rest[:n_validation]),
        "train": linked.take(rest[n_validation:]),
    }


def _shared(isolates: Isolates, mode: SplitMode) -> Whole:
    """Return what isolates may not share between splits, by slot; -1 where there is nothing."""
    if mode == "sequence":
        return isolates.protein
    return np.where(isolates.protein == ABSENT, ABSENT, isolates.cluster[isolates.protein])
