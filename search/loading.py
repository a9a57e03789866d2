"""Loading a study file by its path: from any folder, on either engine."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from search.errors import StudyError, near_miss
from search.study import Study


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
        Environment variables that loading the file has set.
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
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else Path()
        near = near_miss(path.name, [found.name for found in folder.glob("*.py")])
        raise StudyError(f"there is no study file {path}{near}")
    before = dict(os.environ)
    module = _module(path.resolve())
    changed = {k: v for k, v in os.environ.items() if before.get(k) != v}
    return LoadedStudy(_study_in(module, path), module, path, changed)


def _module(path: Path) -> ModuleType:
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    name = f"winnow_study_{path.stem}".replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StudyError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except StudyError:
        raise
    except (ImportError, SyntaxError, NameError, AttributeError) as error:
        raise StudyError(f"{path} does not load: {type(error).__name__}: {error}") from error
    return module


def _study_in(module: ModuleType, path: Path) -> Study:
    named = getattr(module, "STUDY", None)
    if isinstance(named, Study):
        return named
    found = {name: value for name, value in vars(module).items() if isinstance(value, Study)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise StudyError(f"{path} holds several studies ({', '.join(found)}); call one STUDY")
    raise StudyError(f"{path} holds no study: it must define STUDY = Study(…)")
