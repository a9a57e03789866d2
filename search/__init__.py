"""winnow's vocabulary, on one page.

A study asks which techniques are worth adopting, and at which hyperparameters: see `Study`.
"""

from search.criteria import Criterion
from search.errors import (
    CheckpointError,
    EngineError,
    OptionError,
    SpaceError,
    StorageError,
    StudyError,
    StudyLocked,
    TechniqueError,
    TrainableError,
    WinnowError,
)
from search.guards import Guard
from search.handshake import Pruned, report, reporting
from search.notebook import rerun_study, results, run_study, search_study
from search.program.running import command
from search.pruner import ASHA, MedianStopping, NoPruning
from search.script import main
from search.space import Categorical, Float, Int, Space, When
from search.study import Objective, Resources, Study
from search.technique import Effort, Impact, Technique
from search.trainable import Predictions

__all__ = [
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
