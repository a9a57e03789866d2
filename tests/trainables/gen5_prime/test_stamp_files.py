"""Files give back what was written; damaged rows are counted and named, and never silent."""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from search.errors import DataError
from tests.trainables.gen5_prime.drawn import noise, small
from trainables.gen5_prime.stamp_bytes import pack
from trainables.gen5_prime.stamp_files import BATCH, IMAGES, ReadReport, read_stamps, write_stamps
from trainables.gen5_prime.stamps import METADATA


def rows(stamps):
    table = {
        "stamp_npz": [pack(image) for image in stamps.stamp],
        "ctrl_stamp_npz": [pack(image) for image in stamps.ctrl],
    }
    return table | {name: stamps.metadata[name].tolist() for name in METADATA}


def write(path, table):
    pq.write_table(pa.table(table), path)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "stamps.parquet"


def test_what_was_written_is_read(file):
    stamps = small().train
    write_stamps(file, stamps)
    assert pq.read_schema(file).names == [*IMAGES, *METADATA]
    found, report = read_stamps(file)
    np.testing.assert_array_equal(found.stamp, stamps.stamp)
    np.testing.assert_array_equal(found.ctrl, stamps.ctrl)
    for name in METADATA:
        np.testing.assert_array_equal(found.metadata[name], stamps.metadata[name])
    assert report == ReadReport(40, 40)
    assert str(report) == "40 of 40 rows were read"


def test_more_than_a_batch_is_read_in_order_and_up_to_a_limit(file):
    stamps = noise(BATCH + 3)
    write_stamps(file, stamps)
    found, _ = read_stamps(file)
    np.testing.assert_array_equal(found.stamp, stamps.stamp)
    for limit in (2, BATCH + 1):
        found, report = read_stamps(file, limit=limit)
        assert len(found) == report.n_rows == limit
        np.testing.assert_array_equal(found.stamp, stamps.stamp[:limit])


def test_damaged_rows_are_skipped_counted_and_named(file, caplog):
    stamps = noise(100)
    table = rows(stamps)
    table["stamp_npz"][7] = b"nonsense"
    table["ctrl_stamp_npz"][20] = None
    table["stamp_npz"][21] = b"nonsense"
    table["brickname"][30] = None
    table["is_control"][31] = 2.0
    write(file, table)
    with caplog.at_level(logging.WARNING):
        found, report = read_stamps(file)
    kept = np.setdiff1d(np.arange(100), [7, 20, 21, 30, 31])
    np.testing.assert_array_equal(found.stamp, stamps.stamp[kept])
    np.testing.assert_array_equal(found.label, stamps.label[kept])
    assert report.n_skipped == 5
    assert report.skipped == {
        "stamp_npz is no archive of images": 2,
        "ctrl_stamp_npz is missing": 1,
        "brickname is missing": 1,
        "is_control is neither 0 nor 1": 1,
    }
    assert report.first[0] == "row 7 of stamps.parquet: stamp_npz is no archive of images"
    assert "95 of 100 rows were read; skipped 2 because stamp_npz is no archive" in caplog.text


def test_too_many_damaged_rows_are_refused(file):
    table = rows(noise(100))
    for row in range(6):
        table["stamp_npz"][row] = b""
    write(file, table)
    with pytest.raises(DataError, match=r"94 of 100 rows were read.*at most 5% may be damaged"):
        read_stamps(file)


def test_a_file_without_a_pair_is_refused(file):
    write(file, {name: column[:0] for name, column in rows(noise(1)).items()})
    with pytest.raises(DataError, match="0 of 0 rows"):
        read_stamps(file)


def test_missing_columns_are_told_with_what_is_there(file):
    table = rows(noise(3))
    table["ctrl_npz"] = table.pop("ctrl_stamp_npz")
    del table["arc_snr"]
    write(file, table)
    with pytest.raises(
        DataError, match=r"lacks 2 of 7 columns: 'ctrl_stamp_npz' \(there is 'ctrl_npz'\), 'arc_snr"
    ):
        read_stamps(file)


def test_columns_that_are_not_needed_are_unknown_without_them(file):
    table = rows(noise(3))
    for name in ("task_id", "shear"):
        del table[name]
    table["more"] = [1, 2, 3]
    write(file, table)
    found, _ = read_stamps(file)
    assert found.metadata["task_id"].tolist() == ["", "", ""]
    assert np.isnan(found.metadata["shear"]).all()
    assert "more" not in found.metadata


def test_what_is_no_file_or_no_table_is_told(file):
    with pytest.raises(DataError, match=r"stamps.parquet is not there"):
        read_stamps(file)
    file.write_bytes(b"text")
    with pytest.raises(DataError, match="is not a Parquet file"):
        read_stamps(file)


def test_reports_add_up():
    one = ReadReport(10, 8, {"a": 2}, ("x", "y"))
    other = ReadReport(5, 1, {"a": 1, "b": 3}, ("z",) * 4)
    both = one.plus(other)
    assert (both.n_rows, both.n_read, both.n_skipped) == (15, 9, 6)
    assert both.skipped == {"a": 3, "b": 3}
    assert both.first == ("x", "y", "z", "z", "z")
