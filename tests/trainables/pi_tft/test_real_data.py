"""What ``--data`` may name, and what it is told when it names something else."""

from pathlib import Path

import pandas as pd
import pytest

from search.errors import DataError
from trainables.pi_tft.archive import write_archive
from trainables.pi_tft.conjunctions import generate
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.kelvins import EVENT_TABLE_COLUMNS
from trainables.pi_tft.real_data import load_messages


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_archive(
        tmp_path, generate(GeneratorConfig(n_train=20, n_validation=5, n_test=10), seed=0)
    )
    return tmp_path


def test_without_a_path_events_are_generated() -> None:
    assert load_messages(None) is None


def test_a_folder_holds_both_files_and_a_file_one(archive: Path) -> None:
    both, train = load_messages(archive), load_messages(archive / "train_data.csv")
    assert both is not None
    assert train is not None
    assert len(both) > len(train) > 0
    assert both["event_id"].nunique() == 35


def test_the_event_table_gives_its_honest_subset(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pd.DataFrame({name: [0.0] for name in EVENT_TABLE_COLUMNS[:-1]}).to_parquet(path)
    with pytest.raises(DataError, match=EVENT_TABLE_COLUMNS[-1]):
        load_messages(path)


def test_a_wrong_file_is_told_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "train_data.csv"
    pd.DataFrame({"event_id": [1], "risk": [-6.0]}).to_csv(path, index=False)
    with pytest.raises(DataError, match="time_to_tca"):
        load_messages(path)
