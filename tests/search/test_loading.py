from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from ray import cloudpickle

from search.errors import SpaceError, StudyError
from search.loading import load_study

STUDY = '''
"""A study."""
import os
from dataclasses import dataclass
from search import Float, Objective, Space, Study

@dataclass(frozen=True)
class Config:
    lr: float = 1e-3

def train(config, *, seed):
    yield {"val_ap": config.lr + seed}

STUDY = Study(
    name="mine",
    trainable=train,
    space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}),
    objective=Objective("val_ap", "maximize"),
    max_steps=3,
)
'''


@pytest.fixture(autouse=True)
def _untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test its own path, modules and environment."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules, environment = set(sys.modules), dict(os.environ)
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(("winnow_study_", "neighbour")):
            del sys.modules[name]
    for name in set(os.environ) - set(environment):
        del os.environ[name]


def write(folder: Path, text: str, name: str = "my_study.py") -> Path:
    """Write a study file."""
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return path


def test_a_study_is_loaded_from_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, STUDY)
    loaded = load_study(path)
    assert loaded.study.name == "mine"
    assert loaded.path == path
    assert loaded.variables == {}
    assert sys.modules[loaded.module.__name__] is loaded.module
    assert list(loaded.study.contract.keywords) == []


def test_a_study_imports_its_neighbours_from_a_foreign_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "studies", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    write(folder, "RATE = 0.01", "neighbour_of_mine.py")
    path = write(folder, "from neighbour_of_mine import RATE\n" + STUDY.replace("1e-3", "RATE"))
    monkeypatch.chdir(elsewhere)
    loaded = load_study(Path("..") / "studies" / path.name)
    assert loaded.study.space.baseline.lr == 0.01
    assert str(folder) in sys.path


def test_environment_variables_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINNOW_TEST_OLD", "before")
    monkeypatch.setenv("WINNOW_TEST_SAME", "same")
    text = STUDY + dedent("""
        os.environ["WINNOW_TEST_NEW"] = "1"
        os.environ["WINNOW_TEST_OLD"] = "after"
        os.environ["WINNOW_TEST_SAME"] = "same"
        os.environ["WINNOW_TEST_GONE"] = "1"
        del os.environ["WINNOW_TEST_GONE"]
    """)
    loaded = load_study(write(tmp_path, text))
    expected = {"NEW": "1", "OLD": "after", "SAME": "same"}
    assert loaded.variables == {f"WINNOW_TEST_{name}": v for name, v in expected.items()}
    assert load_study(tmp_path / "my_study.py").variables == loaded.variables  # set already
    os.environ["WINNOW_TEST_LATER"] = "1"
    assert "WINNOW_TEST_LATER" not in loaded.variables


def test_two_files_of_one_name_are_two_modules(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    first = load_study(write(tmp_path / "a", STUDY, "study.py"))
    second = load_study(write(tmp_path / "b", STUDY.replace('"mine"', '"yours"'), "study.py"))
    assert first.module is not second.module
    assert sys.modules[first.module.__name__] is first.module
    assert (first.study.name, second.study.name) == ("mine", "yours")


def test_a_study_pickled_by_value_needs_no_file(tmp_path: Path) -> None:
    loaded = load_study(write(tmp_path, STUDY, "odd name-1.py"))
    cloudpickle.register_pickle_by_value(loaded.module)  # type: ignore[no-untyped-call]  # Ray's
    pickled = cloudpickle.dumps(loaded.study)  # type: ignore[no-untyped-call]  # Ray's
    (tmp_path / "study.pkl").write_bytes(pickled)
    cloudpickle.unregister_pickle_by_value(loaded.module)  # type: ignore[no-untyped-call]  # Ray's
    code = (
        "import pickle, sys; study = pickle.load(open(sys.argv[1], 'rb'));"
        "print(next(study.trainable(study.space.baseline, seed=2)))"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "study.pkl")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'val_ap': 2.001}"


def test_the_only_study_needs_no_name(tmp_path: Path) -> None:
    text = STUDY.replace("STUDY = Study", "question = again = Study").replace("STUDY", "x")
    text = text.replace("question = again = ", "question = ") + "\nagain = question\n"
    assert load_study(write(tmp_path, text)).study.name == "mine"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "holds no study: it must define STUDY = Study(…)"),
        ("STUDY = {'name': 'mine'}", "STUDY must be Study(…), got dict"),
        (
            STUDY.replace("STUDY = ", "one = ")
            + "import dataclasses\ntwo = dataclasses.replace(one)",
            "holds several studies (one, two); call one STUDY",
        ),
        ("import nothing_like_it", "line 1 does not load: ModuleNotFoundError: No module named"),
        ("x = 1\ny = (", "line 2 does not load: SyntaxError: '(' was never closed"),
        ("x = 1\ny = z", "line 2 does not load: NameError: name 'z' is not defined"),
        ("x = 1 / 0", "line 1 does not load: ZeroDivisionError: division by zero"),
        ("open('nowhere.csv')", "line 1 does not load: FileNotFoundError"),
        ("raise SystemExit(3)", "line 1 does not load: it ends the process; put what is to run"),
        (
            "from search import Float\nFloat(5.0, 1.0)",
            "line 2 does not load: ValueError: `low <= high` must hold",
        ),
        (
            STUDY.replace("max_steps=3", "max_steps=3, evalution=None"),
            "does not load: TypeError: Study.__init__() got an unexpected keyword argument "
            "'evalution'; did you mean 'evaluation'?",
        ),
    ],
)
def test_a_broken_file_is_told_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path, text)
    before = set(sys.modules)
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    left = {name for name in set(sys.modules) - before if name.startswith("winnow_study")}
    assert not left or "does not load" not in reason


def test_problems_of_the_vocabulary_are_told_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(SpaceError) as caught:
        load_study(write(tmp_path, STUDY.replace('"lr": Float', '"lrr": Float')))
    assert caught.value.problems == ("Config has no field 'lrr'; did you mean 'lr'?",)
    with pytest.raises(StudyError, match="max_steps must be a whole number"):
        load_study(write(tmp_path, STUDY.replace("max_steps=3", "max_steps=0")))


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, STUDY)
    with pytest.raises(
        StudyError, match=r"no study file .*my_stduy.py; did you mean 'my_study.py'"
    ):
        load_study(tmp_path / "my_stduy.py")
    with pytest.raises(StudyError, match="there is no study file"):
        load_study(tmp_path / "nowhere" / "my_study.py")
    with pytest.raises(StudyError, match="is a folder; name a study file in it"):
        load_study(tmp_path)
    with pytest.raises(StudyError, match="is no Python file"):
        load_study(write(tmp_path, STUDY, "study.txt"))


def test_a_script_without_a_guard_is_told_what_to_do(tmp_path: Path) -> None:
    text = STUDY + "from search import main\nmain(STUDY)\n"
    with pytest.raises(StudyError, match="belongs under if __name__ == '__main__'"):
        load_study(write(tmp_path, text))
