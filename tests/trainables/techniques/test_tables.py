import gzip
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import DataError
from trainables.techniques.tables import read_csv, read_parquet, require

Reader = Callable[[Path, Sequence[str]], pd.DataFrame]
WANTED = ("minute", "activity")
RIGHT = {"minute": [1, 2], "activity": [10, 20]}


def written(folder: Path, content: bytes, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def problem_of(reader: Reader, file: Path, wanted: Sequence[str] = WANTED) -> str:
    """Return what an error says of a file, after its path."""
    with pytest.raises(DataError) as caught:
        reader(file, wanted)
    path, said, words = str(caught.value).partition(str(file))
    assert (path, said) == ("", str(file))
    return words


@pytest.mark.parametrize(
    "content",
    [
        b"minute,activity\n1,10\n2,20\n",
        b"minute,activity\r\n1,10\r\n2,20",
        b"minute, activity\n1, 10\n2,   20\n",
        b"\xef\xbb\xbfminute,activity\n1,10\n2,20\n",
        b'\xef\xbb\xbf"minute", "activity"\n1, "10"\n"2",20\n',
        b"\nminute,activity\n\n1,10\n\n2,20\n\n",
        b"note,activity,minute\nx,10,1\ny,20,2\n",
        b"minute,activity,\n1,10,\n2,20,\n",
        b"minute,activity\n1,10,\n2,20,\n",
        b"minute,activity,note\n1,10,x,\n2,20,y,\n",
    ],
    ids=[
        *("plain", "of Windows", "spaces after commas", "BOM", "BOM, quotes and spaces"),
        *("empty lines", "other order and columns", "commas at the end", "at the end of rows"),
        "at the end of rows, with a column that nobody wants",
    ],
)
def test_a_table_is_read_however_it_was_written(tmp_path: Path, content: bytes) -> None:
    table = read_csv(written(tmp_path, content), WANTED)
    assert table.to_dict("list") == RIGHT
    assert list(table.columns) == list(WANTED)
    assert table.index.equals(pd.RangeIndex(2))


def test_columns_come_in_the_order_that_is_wanted(tmp_path: Path) -> None:
    file = written(tmp_path, b"minute,activity\n1,10\n")
    assert list(read_csv(file, ("activity", "minute")).columns) == ["activity", "minute"]
    pd.DataFrame(RIGHT).to_parquet(tmp_path / "x.parquet")
    table = read_parquet(tmp_path / "x.parquet", ("activity", "minute"))
    assert list(table.columns) == ["activity", "minute"]


def test_a_missing_value_is_not_a_number(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, b"minute,activity\n1,\n2\n3, NaN\n4, \n"), WANTED)
    assert table["minute"].tolist() == [1, 2, 3, 4]
    assert table["activity"].isna().all()


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    table = read_csv(written(tmp_path, b"minute,activity\n"), WANTED)
    assert (len(table), list(table.columns)) == (0, list(WANTED))


def test_a_column_of_a_long_table_has_one_type(tmp_path: Path) -> None:
    content = b"minute,activity\n" + b"1,10\n" * 600_000 + b"x,10\n"
    table = read_csv(written(tmp_path, content), WANTED)
    assert set(table["minute"]) == {"1", "x"}


@given(st.lists(st.tuples(st.integers(-(2**60), 2**60), st.floats(-1e30, 1e30))))
def test_numbers_survive_both_kinds_of_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]
) -> None:
    given = pd.DataFrame(rows, columns=["minute", "activity"]).astype({"activity": np.float64})
    folder = tmp_path_factory.mktemp("numbers")
    given.to_parquet(folder / "x.parquet")
    pd.testing.assert_frame_equal(read_parquet(folder / "x.parquet", WANTED), given)
    given.to_csv(folder / "x.csv", index=False)
    table = read_csv(folder / "x.csv", WANTED)
    assert table["minute"].tolist() == given["minute"].tolist()
    assert table["activity"].tolist() == pytest.approx(given["activity"].tolist(), rel=1e-14)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "No columns to parse from file"),
        (b"\n\n", "No columns to parse from file"),
        (b"minute,activity,\xe9\n1,10,0\n", "'utf-8' codec can't decode"),
        (b"minute,activity\n1,10\n2,\xe9\n", "'utf-8' codec can't decode"),
        ("minute,activity\n1,10\n".encode("utf-16"), "'utf-8' codec can't decode"),
        (b'minute,activity\n1,"10\n', "EOF inside string"),
        (b"minute,activity\n1,10\n2,20,7\n", "Expected 2 fields in line 3, saw 3"),
        (b"minute,activity,note\n1,10,x\n2,20,7,y\n", "Expected 3 fields in line 3, saw 4"),
        (b"minute,activity\n1,1,5\n2,2,5\n", "Length of header or names does not match"),
        (b"minute,activity,note\n1,1,5,x\n2,2,5,y\n", "Length of header or names does not match"),
    ],
    ids=[
        *("empty", "empty lines", "header not UTF-8", "row not UTF-8", "UTF-16", "open quote"),
        *("one long row", "a long row, one column unwanted"),
        *("decimal commas", "decimal commas, one column unwanted"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    said = problem_of(read_csv, written(tmp_path, content))
    assert said.startswith(" is not a table of comma-separated values: ")
    assert words in said
    assert said == said.strip("\n")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"minute,activity\n1,10\n2,20\n", mtime=0)
    assert read_csv(written(tmp_path, whole, "whole.csv.gz"), WANTED).to_dict("list") == RIGHT
    no_block = whole[:10] + b"\xff" + whole[11:]  # the header has ten bytes
    other_sum = whole[:-8] + b"\0" * 4 + whole[-4:]
    for content in (whole[:-12], b"minute,activity\n", no_block, other_sum):
        said = problem_of(read_csv, written(tmp_path, content, "damaged.csv.gz"))
        assert said.startswith(" is not a table of comma-separated values: ")


@pytest.mark.parametrize("content", [b"", b"minute,activity\n1,10\n"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    said = problem_of(read_parquet, written(tmp_path, content, "x.parquet"))
    assert said.startswith(" is not a Parquet table: ")


def test_a_parquet_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    pd.DataFrame(RIGHT).to_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for size in (4, len(whole) // 2, len(whole) - 1):
        said = problem_of(read_parquet, written(tmp_path, whole[:size], "cut.parquet"))
        assert said.startswith(" is not a Parquet table: ")


@pytest.mark.parametrize("reader", [read_csv, read_parquet])
def test_a_file_that_is_not_there_is_not_there(tmp_path: Path, reader: Reader) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("nothing", "folder"):
        assert problem_of(reader, tmp_path / name) == " is not there"


@pytest.mark.parametrize("index", ["minute", ["minute", "activity"], None])
def test_an_index_in_a_parquet_file_hides_no_column(tmp_path: Path, index: str | None) -> None:
    given = pd.DataFrame(RIGHT)
    stored = given.set_index(index) if index else given.set_axis([7, 7])
    stored.to_parquet(tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "x.parquet", WANTED), given)


def test_both_kinds_name_what_is_missing(tmp_path: Path) -> None:
    expected = " lacks 1 of 2 columns: 'activity' (there is 'activty')"
    assert problem_of(read_csv, written(tmp_path, b"minute,activty\n1,2\n")) == expected
    pd.DataFrame({"minute": [1], "activty": [2]}).to_parquet(tmp_path / "x.parquet")
    assert problem_of(read_parquet, tmp_path / "x.parquet") == expected


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"minute;activity\n", "2 of 2 columns: 'minute', 'activity' (there is 'minute;activity')"),
        (b"MINUTE,activity\n", "1 of 2 columns: 'minute' (there is 'MINUTE')"),
        (b"minute ,activity\n", "1 of 2 columns: 'minute' (there is 'minute ')"),
        (b"x,activity\n", "1 of 2 columns: 'minute'"),
    ],
)
def test_a_near_miss_is_shown(tmp_path: Path, header: bytes, said: str) -> None:
    assert problem_of(read_csv, written(tmp_path, header)) == f" lacks {said}"


def lacking(wanted: Sequence[str], found: Collection[object], what: str = "columns") -> str:
    """Return what `require` says of a file."""
    with pytest.raises(DataError) as caught:
        require(Path("x"), wanted, found, what)
    return str(caught.value)


@pytest.mark.parametrize(
    ("n_missing", "end"), [(1, "'c0'"), (10, "'c9'"), (11, "'c9' and 1 more"), (25, " and 15 more")]
)
def test_of_many_missing_columns_ten_are_named(n_missing: int, end: str) -> None:
    wanted = [f"c{i}" for i in range(n_missing)]
    said = lacking([*wanted, "there"], ["there"])
    assert said.startswith(f"x lacks {n_missing} of {n_missing + 1} columns: 'c0'")
    assert said.endswith(end)
    assert said.count("'c") == min(n_missing, 10)


def test_a_name_that_is_wanted_itself_is_no_near_miss() -> None:
    assert lacking(["dose_1", "dose_2"], ["dose_1"]) == "x lacks 1 of 2 columns: 'dose_2'"


def test_what_is_missing_may_be_something_else_than_columns() -> None:
    assert (
        lacking(["start"], ["strt"], "arrays") == "x lacks 1 of 1 arrays: 'start' (there is 'strt')"
    )


def test_labels_that_are_no_text_are_compared_as_text() -> None:
    require(Path("x"), ["1", "2"], [1, 2, 3])
    assert lacking(["10"], [100]) == "x lacks 1 of 1 columns: '10' (there is '100')"


def test_case_hides_no_near_miss() -> None:
    said = "x lacks 1 of 1 columns: 'PAXINTEN' (there is 'paxinten')"
    assert lacking(["PAXINTEN"], ["paxinten"]) == said


def test_nothing_wanted_is_never_missing() -> None:
    require(Path("x"), [], [])
    require(Path("x"), ["a"], {"a": 1, "b": 2})
