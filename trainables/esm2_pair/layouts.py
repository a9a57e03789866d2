"""Layouts of a folder of proteins: all become one table, a row for each protein.

table
    ``*proteins.parquet`` or ``.csv``, one row per protein, with the columns ``isolate``,
    ``segment`` (the slot), ``lineage`` and ``sequence``; ``date`` (YYYY-MM-DD) if there is one.
wide
    The same file with one row per isolate, and a column for each slot in place of ``segment`` and
    ``sequence``: ``L_sequence``, ``M_sequence``, ``S_sequence``, or whatever they are called. An
    empty cell is a protein that an isolate lacks.
fasta
    One file per slot, as ``HA.fasta`` (or ``.fa``, ``.faa``), whose headers are
    ``>isolate|lineage=…|date=…``, everything but the isolate optional; further ``name=value`` are
    metadata, too.

Slots have any names: HA and NA of influenza, the segments of bunyaviruses.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from search.errors import DataError
from trainables.esm2_pair.sequences import checked_sequences, checked_table, read_fasta, read_table

TABLES: Final = ("*proteins.parquet", "*proteins.csv")
FASTA: Final = (".fasta", ".fa", ".faa")
WIDE: Final = "_sequence"  # what a column of proteins ends with, after the slot's name
ISOLATE: Final = {
    "isolate": "which isolate a protein is of",
    "lineage": "which lineage the isolate is of",
}
NEEDED: Final = {
    **ISOLATE,
    "segment": "which protein it is",
    "sequence": "the protein's residues",
}
_EXPECTED: Final = (
    f"a table ({', '.join(TABLES)}) with the columns isolate, segment, lineage, sequence, or "
    f"isolate, lineage and one NAME{WIDE} per protein, or FASTA files (HA.fasta, NA.fasta, …)"
)


def read_proteins(folder: Path) -> pd.DataFrame:
    """Read isolate, segment, lineage, sequence, and metadata.

    Raises
    ------
    DataError
        If the folder has no layout that is known, or a file is not what it should be.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected one with {_EXPECTED}")
    for pattern in TABLES:
        if found := sorted(folder.glob(pattern)):
            return _from_table(found[0])
    files = sorted(path for path in folder.iterdir() if path.suffix in FASTA)
    if not files:
        names = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise DataError(f"{folder} must hold {_EXPECTED}; it holds {names}")
    return pd.DataFrame([row for path in files for row in _from_fasta(path)])


def _from_table(path: Path) -> pd.DataFrame:
    read = read_table(path, {})
    columns = [str(name) for name in read.columns]
    wide = [name for name in columns if name.endswith(WIDE) and name != WIDE]
    is_wide = wide and "sequence" not in columns
    table = _long(read, path, wide) if is_wide else checked_table(read, path, NEEDED)
    return table[[*NEEDED, *(name for name in ("date",) if name in columns)]]


def _long(read: pd.DataFrame, path: Path, columns: list[str]) -> pd.DataFrame:
    """Make a row for each protein of a wide table; cells that are empty make none."""
    table = checked_table(read, path, ISOLATE)
    kept = [*ISOLATE, *(name for name in ("date",) if name in table)]
    parts = []
    for column in columns:
        there = table[table[column].notna()]
        slot = column.removesuffix(WIDE)
        sequences = checked_sequences(there[column], f"{path}, column {column}")
        parts.append(there[kept].assign(segment=slot, sequence=sequences))
    return pd.concat(parts, ignore_index=True)


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
