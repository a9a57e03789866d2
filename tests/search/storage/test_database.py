from __future__ import annotations

from pathlib import Path

import pytest

from search.errors import OptionError, StorageError
from search.storage.database import Database
from search.storage.retry import Retry


def test_a_missing_file_is_created_but_never_by_a_report(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    with pytest.raises(StorageError, match="there is no study database at"):
        Database(url, create=False)
    assert list(tmp_path.iterdir()) == []
    Database(url).close()
    Database(url, create=False).close()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"the folder of .*study.db does not exist"):
        Database(f"sqlite:///{tmp_path / 'nowhere' / 'study.db'}")


@pytest.mark.parametrize("create", [True, False])
def test_another_file_is_no_database(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be read as a header of one" * 20)
    before = path.read_text()
    with pytest.raises(StorageError, match="file is not a database"):
        Database(f"sqlite:///{path}", create=create, retry=Retry(bound_s=1.0))
    assert path.read_text() == before


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="unable to open database file"):
        Database(f"sqlite:///{tmp_path}")


def test_odd_paths_are_paths(tmp_path: Path) -> None:
    path = tmp_path / "my {study} of ü #1.db"
    database = Database(f"sqlite:///{path}")
    assert repr(database).startswith("Database(sqlite:///")
    database.close()
    assert path.exists()


def test_wrong_urls_are_options(tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        Database(str(tmp_path / "study.db"))


def test_a_guard_is_asked_before_every_action_while_it_stands(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'study.db'}")
    seen: list[str] = []

    def act() -> int:
        seen.append("action")
        return 3

    with database.guarded(lambda: seen.append("guard")):
        assert database.write(act) == 3
    assert database.write(act) == 3
    assert seen == ["guard", "action", "action"]
    database.close()


def test_a_file_that_may_not_be_written_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    Database(f"sqlite:///{path}").close()
    path.chmod(0o400)
    database = Database(f"sqlite:///{path}", create=False)

    def write() -> None:
        with database.engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("UPDATE winnow_schema SET version = 2")

    with pytest.raises(StorageError, match="readonly database"):
        database.write(write)
    database.close()
