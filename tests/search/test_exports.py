from __future__ import annotations

import subprocess
import sys

import optuna

import search
from search.errors import WinnowError

PUBLIC = [
    "ASHA",
    "Categorical",
    "CheckpointError",
    "Criterion",
    "Effort",
    "EngineError",
    "Float",
    "Guard",
    "Impact",
    "Int",
    "MedianStopping",
    "NoPruning",
    "Objective",
    "OptionError",
    "Predictions",
    "Pruned",
    "Resources",
    "Space",
    "SpaceError",
    "StorageError",
    "Study",
    "StudyError",
    "StudyLocked",
    "Technique",
    "TechniqueError",
    "TrainableError",
    "When",
    "WinnowError",
    "command",
    "main",
    "report",
    "reporting",
    "rerun_study",
    "results",
    "run_study",
    "search_study",
]


def test_the_public_names_are_these_and_no_others() -> None:
    assert sorted(search.__all__) == PUBLIC
    assert all(hasattr(search, name) for name in PUBLIC)


def test_domains_are_optunas_distributions() -> None:
    assert search.Float is optuna.distributions.FloatDistribution
    assert search.Int is optuna.distributions.IntDistribution
    assert search.Categorical is optuna.distributions.CategoricalDistribution


def test_every_public_error_is_a_winnow_error_and_a_builtin_one() -> None:
    errors = [getattr(search, name) for name in PUBLIC if name.endswith(("Error", "Locked"))]
    assert all(issubclass(error, WinnowError) for error in errors)
    assert issubclass(search.SpaceError, ValueError)
    assert issubclass(search.TechniqueError, ValueError)
    assert issubclass(search.StudyError, ValueError)
    assert issubclass(search.TrainableError, TypeError)
    assert issubclass(search.OptionError, ValueError)
    assert issubclass(search.EngineError, RuntimeError)
    assert issubclass(search.CheckpointError, OSError)
    assert issubclass(search.StorageError, RuntimeError)
    assert issubclass(search.StudyLocked, search.StorageError)


def test_the_vocabulary_imports_neither_torch_nor_ray_nor_a_database() -> None:
    heavy = "{'torch', 'ray', 'sqlalchemy', 'search.storage', 'search.engine'}"
    code = f"import search, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
