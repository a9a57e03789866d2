"""Loading a study file by its path: from any folder, on either engine."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from search.errors import StudyError, WinnowError, did_you_mean, near_miss
from search.objective import Objective
from search.resources import Resources
from search.space import Space
from search.study import Study
from search.technique import Technique

MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemExit,
    TypeError,
    ValueError,
)  # what a study file raises when it is wrong


@dataclass(frozen=True)
class LoadedStudy:
    """A study and what its workers need to run it.

    Parameters
    ----------
    study
        The study itself.
    module
        Its module, to be pickled by value.
    path
        The study file.
    variables
        Environment variables that loading the file has set, to whatever value.
    """

    study: Study
    module: ModuleType
    path: Path
    variables: Mapping[str, str]


def load_study(path: Path) -> LoadedStudy:
    """Load the study of a file: its ``STUDY``, or the only `Study` in it.

    The file's folder is appended to ``sys.path``, so that a study may import its neighbours.

    Raises
    ------
    StudyError
        If there is no such file, it does not load, or holds no study or several.
    """
    path = Path(path)
    if path.is_dir():
        raise StudyError(f"{path} is a folder; name a study file in it")
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else Path()
        near = near_miss(path.name, sorted(found.name for found in folder.glob("*.py")))
        raise StudyError(f"there is no study file {path}{near}")
    with _noting_variables() as names:
        module = _module(path.resolve())
    variables = {name: os.environ[name] for name in sorted(names) if name in os.environ}
    return LoadedStudy(_study_in(module, path), module, path, variables)


@contextmanager
def _noting_variables() -> Iterator[set[str]]:
    """Note which environment variables are set, be it to the value that they had already.

    A worker on another machine may not have them.
    """
    _listen()
    names: set[str] = set()
    _LOADS.append(names)
    try:
        yield names
    finally:
        _LOADS.pop()


_LOADS: list[set[str]] = []  # variables set so far, of every load under way


@cache
def _listen() -> None:
    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.putenv":
            for names in _LOADS:
                names.add(os.fsdecode(arguments[0]))

    sys.addaudithook(note)


def _module(path: Path) -> ModuleType:
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StudyError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except WinnowError:
        del sys.modules[name]
        raise
    except MISTAKES as error:
        del sys.modules[name]
        where = _line_of(error, path)
        raise StudyError(f"{path}{where} does not load: {_words(error)}") from error
    return module


def _module_name(path: Path) -> str:
    """Return a name of its own for every file: two studies may be called study.py."""
    stem = "".join(c if c.isalnum() else "_" for c in path.stem)
    return f"winnow_study_{stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _line_of(error: BaseException, path: Path) -> str:
    """Return the study file's line that an error came from."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}" if error.filename == str(path) else ""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def _words(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it ends the process; put what is to run under if __name__ == '__main__':"
    return f"{type(error).__name__}: {error}{_unknown_argument(str(error))}"


def _unknown_argument(message: str) -> str:
    """Name the argument that was meant, where Python only says that there is none such."""
    found = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", message)
    nouns = {noun.__name__: noun for noun in (Objective, Resources, Space, Study, Technique)}
    if found is None or found[1] not in nouns:
        return ""
    return did_you_mean(found[2], inspect.signature(nouns[found[1]]).parameters)


def _study_in(module: ModuleType, path: Path) -> Study:
    named = getattr(module, "STUDY", None)
    if isinstance(named, Study):
        return named
    if named is not None:
        raise StudyError(f"{path}: STUDY must be Study(…), got {type(named).__name__}")
    found = {name: value for name, value in vars(module).items() if isinstance(value, Study)}
    if len({id(study) for study in found.values()}) == 1:
        return next(iter(found.values()))
    if found:
        raise StudyError(f"{path} holds several studies ({', '.join(found)}); call one STUDY")
    raise StudyError(f"{path} holds no study: it must define STUDY = Study(…)")
