"""Recorded proteins: isolates from a table or from FASTA files, embedded once.

Two layouts of a folder are known.

table
    ``*proteins.parquet`` or ``.csv``, one row per protein, with the columns ``isolate``,
    ``segment`` (the slot), ``lineage`` and ``sequence``; ``date`` (YYYY-MM-DD) if there is one.
fasta
    One file per slot, as ``HA.fasta`` (or ``.fa``, ``.faa``), whose headers are
    ``>isolate|lineage=…|date=…``, everything but the isolate optional; further ``name=value`` are
    metadata, too.

Metadata are the date's year and month, where there is one; the place, where isolates are named as
those of influenza are (``A/Place/number/year``); and what FASTA headers have besides.

Embeddings go to a cache, never to the folder of the data: `cache`, or the folder that the
environment variable WINNOW_CACHE names, or ``~/.cache/winnow``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from search.errors import DataError
from trainables.esm2_pair.clusters import HASHES, K, cluster
from trainables.esm2_pair.dipeptides import Dipeptides
from trainables.esm2_pair.embedder import Embedder
from trainables.esm2_pair.isolates import ABSENT, Isolates
from trainables.esm2_pair.pairs import Whole
from trainables.esm2_pair.sequences import distinct, read_fasta, read_table, sequence_hash
from trainables.esm2_pair.store import Store, fill

SLOTS: Final = ("HA", "NA")  # of influenza, where these are; otherwise all that a folder has
TABLES: Final = ("*proteins.parquet", "*proteins.csv")
FASTA: Final = (".fasta", ".fa", ".faa")
SIMILARITY: Final = 0.8  # share of k-mers that a cluster's sequences have in common with its first
TOKENS: Final = 8  # chunks, for cross-attention to have something to attend to
_NEEDED: Final = {
    "isolate": "which isolate a protein is of",
    "segment": "which protein it is",
    "lineage": "which lineage the isolate is of",
    "sequence": "the protein's residues",
}
_EXPECTED: Final = (
    f"a table ({', '.join(TABLES)}) with the columns {', '.join(_NEEDED)}, or FASTA files "
    "(HA.fasta, NA.fasta, …)"
)


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
        See the module.
    slots
        Proteins to pair, in the order that pairs have them; by default HA and NA, or all there are.
    embedder : Embedder
        By default dipeptides of eight chunks.
    similarity
        Of sequences within a cluster, as a share of k-mers.
    cache
        Folder of embeddings; the module says which by default.

    Raises
    ------
    DataError
        If the folder has neither layout, or a file is not what it should be.
    """
    if folder is None:
        return None
    table = _proteins(folder)
    names = _slots(table, slots, folder)
    table = table[table["segment"].isin(names)].drop_duplicates(["lineage", "isolate", "segment"])
    several = table.groupby(["lineage", "isolate"], observed=True)["segment"].transform("size") > 1
    table = table[several]
    if not len(table):
        raise DataError(f"{folder} has no isolate with two of {', '.join(names)}")
    found = cache or default_cache()
    store, clusters = _embedded(
        table["sequence"], embedder or Dipeptides(TOKENS), similarity, found
    )
    return _isolates(table, names, store, clusters)


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
    store = fill(cache / f"{embedder.name}-{which}.h5", embedder, list(named.values()), wait=True)
    rows = store.rows(list(named))
    clusters = np.empty(len(rows), np.int64)
    clusters[rows] = _clusters(list(named.values()), similarity, cache / f"clusters-{which}")
    return store, clusters


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


def _proteins(folder: Path) -> pd.DataFrame:
    """Read isolate, segment, lineage, sequence, and metadata."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected one with {_EXPECTED}")
    for pattern in TABLES:
        if found := sorted(folder.glob(pattern)):
            table = read_table(found[0], _NEEDED)
            return table[[*_NEEDED, *(name for name in ("date",) if name in table)]]
    files = sorted(path for path in folder.iterdir() if path.suffix in FASTA)
    if not files:
        names = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise DataError(f"{folder} must hold {_EXPECTED}; it holds {names}")
    return pd.DataFrame([row for path in files for row in _from_fasta(path)])


def _from_fasta(path: Path) -> Iterator[dict[str, str]]:
    for record in read_fasta(path):
        isolate, *items = record.name.split("|")
        row = {"isolate": isolate.strip(), "segment": path.stem, "lineage": "all"}
        for item in items:
            name, equal, value = item.partition("=")
            if not equal or name.strip() in ("isolate", "segment", "sequence"):
                raise DataError(
                    f"{path}: {record.name!r} must be isolate|name=value|…, got {item!r}"
                )
            row[name.strip()] = value.strip()
        yield row | {"sequence": record.sequence}


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
    known = {*_NEEDED, "date"}
    columns |= {str(name): table[name] for name in table.columns if name not in known}
    return pd.DataFrame({name: _coded(values) for name, values in columns.items()})


def _coded(values: pd.Series) -> Whole:
    """Return values as numbers, in their alphabetical order; -1 where there is none."""
    return pd.factorize(values, sort=True)[0].astype(np.int64)
