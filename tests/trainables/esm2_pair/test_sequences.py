"""Sequences are read as they are meant, and what is wrong is told with its line."""

import pandas as pd
import pytest

from search.errors import DataError
from trainables.esm2_pair.sequences import (
    Record,
    distinct,
    read_fasta,
    read_table,
    sequence_hash,
)

COLUMNS = {"isolate": "which isolate", "sequence": "the residues"}


def fasta(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "a.fasta"
    path.write_text(text, encoding=encoding)
    return path


def test_fasta_of_any_shape_is_read(tmp_path):
    text = ";comment\n\n>one | x=1 \r\nmkt\n AC-D..E*\n>two\nX\n\n"
    assert read_fasta(fasta(tmp_path, text)) == [Record("one | x=1", "MKTACDE"), Record("two", "X")]
    marked = fasta(tmp_path, ">one\nMK", encoding="utf-8-sig")
    assert read_fasta(marked) == [Record("one", "MK")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MKT\n>a\nMK", "line 1: a header .* must come first"),
        (">a\nMK\nM1K\n", "line 3: '1' is no residue"),
        (">a\nMK\n>\nMK", "line 3: the header has no name"),
        (">a\n>b\nMK", r"line 1 \(a\): there is no sequence"),
        (">a\nMK\n>b\n*", r"line 3 \(b\): there is no sequence"),
        (">a\nM*K", r"line 1 \(a\): '\*' \(stop\) within the sequence, at residue 2"),
        ("", "holds no sequence"),
        ("\n;only a comment", "holds no sequence"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_fasta(fasta(tmp_path, text))


def test_what_is_no_text_or_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="is not there"):
        read_fasta(tmp_path / "absent.fa")
    binary = tmp_path / "b.fa"
    binary.write_bytes(b">a\n\xff\xfe")
    with pytest.raises(DataError, match="is not text"):
        read_fasta(binary)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_tables_are_read_and_cleaned(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    table = pd.DataFrame({"isolate": ["NA", "b"], "sequence": ["MKT", "mk-t*"], "other": [1, 2]})
    table.to_parquet(path) if suffix == "parquet" else table.to_csv(path, index=False)
    read = read_table(path, COLUMNS)
    assert read["sequence"].tolist() == ["MKT", "MKT"]
    assert read["isolate"].tolist() == ["NA", "b"]
    assert read["other"].astype(int).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"isolat": ["a"], "sequence": ["M"]},
            "needs the column 'isolate' .*did you mean 'isolat'",
        ),
        ({"isolate": ["a", None], "sequence": ["M", "K"]}, "row 2: 'isolate' is empty"),
        ({"isolate": ["a", "b"], "sequence": ["M", "K?"]}, r"row 2: '\?' is no residue"),
    ],
)
def test_tables_that_lack_something_are_refused(tmp_path, table, message):
    path = tmp_path / "a.csv"
    pd.DataFrame(table).to_csv(path, index=False)
    with pytest.raises(DataError, match=message):
        read_table(path, COLUMNS)


def test_tables_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(DataError, match="is not there"):
        read_table(tmp_path / "a.parquet", COLUMNS)
    broken = tmp_path / "b.parquet"
    broken.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_table(broken, COLUMNS)
    empty = tmp_path / "c.csv"
    empty.touch()
    with pytest.raises(DataError, match="cannot be read as a table"):
        read_table(empty, COLUMNS)


def test_every_sequence_comes_once_by_its_hash():
    found = distinct(["MK", "A", "MK"])
    assert list(found.values()) == ["MK", "A"]
    assert list(found) == [sequence_hash("MK"), sequence_hash("A")]


def test_hashes_stay_for_what_is_on_disk():
    assert sequence_hash("MKT") == "3f1a15875ea88cef11fb2d5abbb9eeb2"
