"""Protein sequences, from FASTA files or tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from search.errors import DataError, near_miss

RESIDUES: Final = "ACDEFGHIKLMNPQRSTVWY"
AMBIGUOUS: Final = "XBZJUO"  # unknown, two at once, and two rare ones
_ALLOWED: Final = frozenset(RESIDUES + AMBIGUOUS)
_CLEAN: Final = re.compile(f"[{RESIDUES}{AMBIGUOUS}]+")  # most are, and this is told quickly
HASH_BYTES: Final = 16  # two of a billion sequences have one hash with odds of 1 to 10^20


@dataclass(frozen=True)
class Record:
    """One sequence of a file.

    Parameters
    ----------
    name
        Of FASTA: the header without ``>``.
    sequence
        Upper case, without gaps and stop.
    """

    name: str
    sequence: str


def sequence_hash(sequence: str) -> str:
    """Return the hexadecimal name of a sequence: 32 characters, the same everywhere.

    Examples
    --------
    >>> sequence_hash("MKT") == sequence_hash("MKT")
    True
    >>> len(sequence_hash("MKT"))
    32
    """
    return hashlib.blake2b(sequence.encode(), digest_size=HASH_BYTES).hexdigest()


def distinct(sequences: Iterable[str]) -> dict[str, str]:
    """Return every sequence once, by its hash, in the order of first appearance."""
    return {sequence_hash(sequence): sequence for sequence in sequences}


def read_fasta(path: Path) -> list[Record]:
    """Read a FASTA file.

    Lower case is read as upper case; blank lines, white space, ``-`` and ``.`` (gaps) and a ``*``
    at the end (stop) are left out; ``;`` begins a comment.

    Raises
    ------
    DataError
        With file and line: text before the first header, a header without a name or without a
        sequence, a character that is no residue; or a file that is not there, not text, or empty.
    """
    records = list(_records(path))
    if not records:
        raise DataError(f"{path} holds no sequence: a FASTA file begins with '>name'")
    return records


def read_table(path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Read a table of sequences or isolates.

    Parameters
    ----------
    path
        ``.parquet`` or ``.csv``.
    columns : mapping of str to str
        Column to what it holds, in words: those that must be there.

    Returns
    -------
    DataFrame
        All columns; a column ``sequence`` is checked and cleaned as in `read_fasta`.

    Raises
    ------
    DataError
        If the file cannot be read, lacks a column, has an empty cell in one, or a sequence holds
        what is no residue, with its row.
    """
    return checked_table(_read(path), path, columns)


def checked_table(table: pd.DataFrame, path: Path, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table that was read, with its sequences cleaned; see `read_table`."""
    for name, meaning in columns.items():
        if name not in table.columns:
            known = near_miss(name, table.columns)
            raise DataError(f"{path} needs the column {name!r} ({meaning}){known}")
        if (empty := table[name].isna()).any():
            row = int(empty.to_numpy().argmax())
            raise DataError(f"{path}, row {row + 1}: {name!r} is empty")
    if "sequence" in columns:
        return table.assign(sequence=checked_sequences(table["sequence"], str(path)))
    return table


def checked_sequences(column: pd.Series, where: str) -> list[str]:
    """Return sequences without gaps and stops at their ends, in capitals.

    Parameters
    ----------
    column : Series of text
        Its index says which row each one is of, the first being 0.
    where
        What a complaint begins with.

    Raises
    ------
    DataError
        With the first row that holds none.
    """
    rows = zip(column.index, column.astype(str), strict=True)
    return [_checked(text, f"{where}, row {row + 1}") for row, text in rows]


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        # NA is a protein, and a name of isolates may be a number: only an empty cell is missing.
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except FileNotFoundError as error:
        raise DataError(f"{path} is not there") from error
    except (OSError, ValueError) as error:  # of pyarrow and of pandas
        raise DataError(f"{path} cannot be read as a table: {error}") from error


def _records(path: Path) -> Iterator[Record]:
    name, begun, parts = "", 0, list[str]()
    for number, line in enumerate(_lines(path), start=1):
        text = line.strip()
        if not text or text.startswith(";"):
            continue
        if text.startswith(">"):
            if begun:
                yield _record(name, parts, f"{path}, line {begun}")
            name, begun, parts = text[1:].strip(), number, []
        elif not begun:
            raise DataError(f"{path}, line {number}: a header ('>name') must come first")
        else:
            parts.append(_cleaned(text, f"{path}, line {number}"))
    if begun:
        yield _record(name, parts, f"{path}, line {begun}")


def _record(name: str, parts: list[str], where: str) -> Record:
    if not name:
        raise DataError(f"{where}: the header has no name")
    return Record(name, _checked("".join(parts), f"{where} ({name})"))


def _checked(text: str, where: str) -> str:
    if _CLEAN.fullmatch(text):
        return text
    sequence = _cleaned(text, where).removesuffix("*")
    if not sequence:
        raise DataError(f"{where}: there is no sequence")
    if (stop := sequence.find("*")) >= 0:
        raise DataError(f"{where}: '*' (stop) within the sequence, at residue {stop + 1}")
    return sequence


def _cleaned(text: str, where: str) -> str:
    sequence = "".join(text.split()).upper().replace("-", "").replace(".", "")
    if wrong := sorted(set(sequence) - _ALLOWED - {"*"}):
        raise DataError(f"{where}: {wrong[0]!r} is no residue; expected {RESIDUES}{AMBIGUOUS}")
    return sequence


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise DataError(f"{path} is not there") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text: {error}") from error
