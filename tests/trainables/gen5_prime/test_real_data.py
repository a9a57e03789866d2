"""What ``--data`` may name, and what it is told when it names something else."""

import pytest

from search.errors import DataError
from tests.trainables.gen5_prime.drawn import noise
from trainables.gen5_prime.real_data import load_stamps
from trainables.gen5_prime.stamp_files import write_stamps


def test_without_a_path_stamps_are_generated():
    assert load_stamps(None) is None


def test_a_file_or_a_folder_of_folders_is_read(tmp_path):
    for name, n in (("b/part-1", 3), ("a/part-0", 2), ("b/part-0", 4)):
        file = tmp_path / f"{name}.parquet"
        file.parent.mkdir(exist_ok=True)
        write_stamps(file, noise(n, bricks=(name,)))
    found = load_stamps(tmp_path)
    assert found.report.n_read == len(found.stamps) == 9
    names = ["a/part-0"] * 2 + ["b/part-0"] * 4 + ["b/part-1"] * 3
    assert found.stamps.brickname.tolist() == names
    assert len(load_stamps(tmp_path / "a" / "part-0.parquet").stamps) == 2
    few = load_stamps(tmp_path, limit=5)
    assert few.stamps.brickname.tolist() == names[:5]


def test_a_folder_without_stamps_says_what_it_holds(tmp_path):
    with pytest.raises(DataError, match=r"must hold Parquet files of stamps .* it holds nothing"):
        load_stamps(tmp_path)
    (tmp_path / "stamps.csv").touch()
    with pytest.raises(DataError, match=r"it holds stamps.csv"):
        load_stamps(tmp_path)
    with pytest.raises(DataError, match="is not there"):
        load_stamps(tmp_path / "none.parquet")
