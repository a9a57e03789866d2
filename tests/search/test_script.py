from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.search.test_loading import STUDY

SCRIPT = (
    STUDY
    + """
os.environ["WINNOW_TEST_SET"] = "by the script"

if __name__ == "__main__":
    from search import main
    main(STUDY)
"""
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the study as a script, from another folder."""
    path = folder / "my_study.py"
    path.write_text(SCRIPT, encoding="utf-8")
    (folder / "elsewhere").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(path), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder / "elsewhere",
    )


def test_a_study_file_is_a_script(tmp_path: Path) -> None:
    done = run(tmp_path, "search", "--trials", "2", "--engine", "local", "--confirm", "0")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "elsewhere" / "winnow.db").exists()
    assert "mine" in done.stdout


def test_without_arguments_it_says_what_it_can_do(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0
    assert "search" in done.stdout
