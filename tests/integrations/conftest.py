"""The same study through any loop."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from search import results
from search.cli.app import run

collect_ignore_glob = ["foreign/*"]  # study files, which are copied elsewhere first
FOREIGN = Path(__file__).parent / "foreign"


class Loops:
    """A folder with study files, and a database of what came of them."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(FOREIGN, folder / "loops")
        self.folder = folder
        self.url = f"sqlite:///{folder / 'study.db'}"

    def run(self, name: str, engine: str = "local") -> Any:
        """Run a study by its command; return its results."""
        path = self.folder / "loops" / f"{name}_study.py"
        options = ["--looks", "3", "--tuning", "none", "--engine", engine, "--storage", self.url]
        options += ["--output", str(self.folder / f"{name}.html")]
        with pytest.raises(SystemExit) as leaving:
            run(["run", str(path), *options])
        assert leaving.value.code == 0
        return results(name, self.url)


def assert_same(found: Any, expected: Any) -> None:
    """Compare tables, and every step of every run."""
    table = ["technique", "word", "effect", "ci_low", "ci_high"]
    pd.testing.assert_frame_equal(found.table[table], expected.table[table], rtol=1e-9)
    pd.testing.assert_frame_equal(_curves(found), _curves(expected), rtol=1e-9)
    assert len(_curves(found)) == 3 * 3 * 4 * 2  # arms, seeds, steps, metrics


def _curves(found: Any) -> Any:
    """Return every step of every run; a trainer may report more metrics than those."""
    curves = found.curves[found.curves["metric"].isin(["val_score", "test_score"])]
    return curves[["arm", "seed", "step", "metric", "value"]].reset_index(drop=True)


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Loops:
    """Study files in a foreign folder."""
    return Loops(tmp_path_factory.mktemp("loops"))


@pytest.fixture(scope="module")
def expected(loops: Loops) -> Any:
    """What the generator gives."""
    return loops.run("generator")
