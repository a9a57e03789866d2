"""Recorded proteins: isolates from a table or from FASTA files, embedded once.

`layouts` says what a folder may hold. Metadata are the date's year and month, where there is one;
the place, where isolates are named as those of influenza are (``A/Place/number/year``); and what
FASTA headers have besides.

Embeddings are ESM-2's where the environment variable WINNOW_ESM2 names its weights (see
`transformer_embedder.load_esm2`), and dipeptides otherwise. They go to a cache, never to the folder
of the data: `cache`, or the folder that WINNOW_CACHE names, or ``~/.cache/winnow``.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, overload

import numpy as np
import pandas as pd

from search.errors import DataError
from trainables.esm2_pair.clusters import HASHES, K, cluster
from trainables.esm2_pair.dipeptides import Dipeptides
from trainables.esm2_pair.embedder import Embedder
from trainables.esm2_pair.isolates import ABSENT, Isolates
from trainables.esm2_pair.layouts import NEEDED, read_proteins
from trainables.esm2_pair.pairs import Whole
from trainables.esm2_pair.sequences import distinct, sequence_hash
from trainables.esm2_pair.store import Progress, Store, fill
from trainables.esm2_pair.transformer_embedder import Pooling, load_esm2
from trainables.techniques.devices import accelerator

logger = logging.getLogger(__name__)

SLOTS: Final = ("HA", "NA")  # of influenza, where these are; otherwise all that a folder has
POLYMERASE: Final = ("PB2", "PB1", "PA")  # of influenza: they hardly drift
SIMILARITY: Final = 0.8  # share of k-mers that a cluster's sequences have in common with its first
TOKENS: Final = 8  # chunks, for cross-attention to have something to attend to
EVERY_S: Final = 10.0  # seconds between two words about embedding that takes long


@overload
def load_isolates(
    folder: Path,
    *,
    slots: Sequence[str] = (),
    embedder: Embedder | None = None,
    similarity: float = SIMILARITY,
    cache: Path | None = None,
) -> Isolates: ...


@overload
def load_isolates(
    folder: None,
    *,
    slots: Sequence[str] = (),
    embedder: Embedder | None = None,
    similarity: float = SIMILARITY,
    cache: Path | None = None,
) -> None: ...


def load_isolates(
    folder: Path | None,
    *,
    slots: Sequence[str] = (),
    embedder: Embedder | None = None,
    similarity: float = SIMILARITY,
    cache: Path | None = None,
) -> Isolates | None:
    """Return the isolates in a folder; None (they are generated) without one.

    Parameters
    ----------
    folder
        See `layouts`.
    slots
        Proteins to pair, in the order that pairs have them; by default HA and NA, or all there are.
    embedder : Embedder
        By default `default_embedder` of eight chunks.
    similarity
        Of sequences within a cluster, as a share of k-mers.
    cache
        Folder of embeddings; the module says which by default.

    Raises
    ------
    DataError
        If the folder has no layout that is known, or a file is not what it should be.
    """
    if folder is None:
        return None
    table = read_proteins(folder)
    names = _slots(table, slots, folder)
    table = table[table["segment"].isin(names)].drop_duplicates(["lineage", "isolate", "segment"])
    several = table.groupby(["lineage", "isolate"], observed=True)["segment"].transform("size") > 1
    table = table[several]
    if not len(table):
        raise DataError(f"{folder} has no isolate with two of {', '.join(names)}")
    found = cache or default_cache()
    store, clusters = _embedded(
        table["sequence"], embedder or default_embedder(), similarity, found
    )
    return _isolates(table, names, store, clusters)


def load_polymerase(folder: Path | None) -> Isolates | None:
    """Return the polymerase subunits of the isolates in a folder; see `load_isolates`."""
    return None if folder is None else load_isolates(folder, slots=POLYMERASE)


def default_embedder(tokens: int = TOKENS) -> Embedder:
    """Return ESM-2 where WINNOW_ESM2 names its weights, and dipeptides otherwise.

    Parameters
    ----------
    tokens
        Chunks of a sequence; 1 for the whole.

    Raises
    ------
    DataError
        If weights are named, and they or what reads them are not there.
    """
    weights = os.environ.get("WINNOW_ESM2")
    if not weights:
        return Dipeptides(tokens)
    pooling: Pooling = "chunks" if tokens > 1 else "mean"
    return load_esm2(Path(weights), pooling=pooling, tokens=tokens, device=accelerator())


def default_cache() -> Path:
    """Return the folder of embeddings where none is named."""
    named = os.environ.get("WINNOW_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "winnow"


def _embedded(
    sequences: Iterable[str], embedder: Embedder, similarity: float, cache: Path
) -> tuple[Store, Whole]:
    """Return embeddings and clusters of exactly these sequences, from the cache if they are there.

    Every set of sequences has files of its own, so that neither has rows of others.
    """
    named = dict(sorted(distinct(sequences).items()))
    which = hashlib.blake2b("".join(named).encode(), digest_size=8).hexdigest()
    file = cache / f"{embedder.name}-{which}.h5"
    store = fill(file, embedder, list(named.values()), wait=True, progress=_spoken(file))
    rows = store.rows(list(named))
    clusters = np.empty(len(rows), np.int64)
    clusters[rows] = _clusters(list(named.values()), similarity, cache / f"clusters-{which}")
    return store, clusters


def _spoken(file: Path) -> Progress:
    """Return what says how far a file has got, now and then."""
    said = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() >= said + EVERY_S:
            said = time.monotonic()
            logger.warning("%s: %d of %d sequences are embedded", file, done, total)

    return say


def _clusters(sequences: Sequence[str], similarity: float, start: Path) -> Whole:
    file = start.with_name(f"{start.name}-{K}-{HASHES}-{similarity:g}.npy")
    if file.is_file():
        found = np.load(file, allow_pickle=False)
        if found.shape == (len(sequences),):
            return np.asarray(found, np.int64)
    clusters = cluster(sequences, similarity)
    draft = start.with_name(f"{start.name}-{os.getpid()}.draft.npy")
    np.save(draft, clusters)
    draft.replace(file)
    return clusters


def _slots(table: pd.DataFrame, wanted: Sequence[str], folder: Path) -> tuple[str, ...]:
    there = set(map(str, table["segment"].unique()))
    usual = SLOTS if there >= set(SLOTS) else tuple(sorted(there))
    names = tuple(wanted) or usual
    if missing := sorted(set(names) - there):
        raise DataError(f"{folder} has no protein {missing[0]}; it has {', '.join(sorted(there))}")
    if len(names) < 2 or len(set(names)) < len(names):
        raise DataError(f"pairs are of two different proteins or more, got {', '.join(names)}")
    return names


def _isolates(
    table: pd.DataFrame, slots: tuple[str, ...], store: Store, clusters: Whole
) -> Isolates:
    row = store.rows([sequence_hash(sequence) for sequence in table["sequence"]])
    isolate, first = _numbered(table)
    protein = np.full((len(first), len(slots)), ABSENT, np.int64)
    slot = table["segment"].astype(str).map({name: place for place, name in enumerate(slots)})
    protein[isolate, slot.to_numpy(np.int64)] = row
    metadata = _metadata(table.iloc[first])
    return Isolates(
        store.embeddings,
        protein,
        _coded(table["lineage"].iloc[first]),
        metadata.to_numpy(np.int64),
        clusters,
        slots,
        tuple(metadata.columns),
    )


def _numbered(table: pd.DataFrame) -> tuple[Whole, Whole]:
    """Return the isolate of each row as a number, and the first row of each isolate."""
    names = table["lineage"].astype(str) + "\n" + table["isolate"].astype(str)
    number = pd.factorize(names, sort=True)[0]
    return number.astype(np.int64), np.unique(number, return_index=True)[1].astype(np.int64)


def _metadata(table: pd.DataFrame) -> pd.DataFrame:
    """Return metadata as numbers; -1 where unknown."""
    columns = {}
    place = table["isolate"].astype("string").str.extract(r"^[^/]+/([^/]+)/[^/]+/[^/]+")[0]
    if place.notna().any():
        columns["place"] = place
    if "date" in table:
        date = table["date"].astype("string").str.extract(r"^(?P<year>\d{4})(?:-(?P<month>\d\d))?")
        columns |= {"year": date["year"], "month": date["month"]}
    known = {*NEEDED, "date"}
    columns |= {str(name): table[name] for name in table.columns if name not in known}
    coded = {name: _coded(values) for name, values in columns.items()}
    return pd.DataFrame(coded, index=range(len(table)))  # as many rows where nothing is known


def _coded(values: pd.Series) -> Whole:
    """Return values as numbers, in their alphabetical order; -1 where there is none."""
    return pd.factorize(values, sort=True)[0].astype(np.int64)
