"""Parameter importances: a display of where to look, and no evidence.

PED-ANOVA (Watanabe, Bansal and Hutter 2023, arXiv:2304.10255), as Optuna computes it, over
completed trials only. The trials were chosen by a sampler and thinned by a pruner, so a share
says how the good trials differ from the rest of this search, and not what a parameter causes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from search.reports.text import plural

FEWEST = 10  # completed trials: PED-ANOVA compares the best tenth with all
LABEL = "display, not evidence"


@dataclass(frozen=True)
class Importances:
    """Shares by parameter, largest first, which sum to 1; empty with a `note` that says why."""

    shares: Mapping[str, float]
    n_trials: int
    note: str = ""


def importances(study: optuna.Study) -> Importances:
    """Return the importances of a search's parameters."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    names = sorted({name for trial in done for name in trial.params})
    if len(done) < FEWEST:
        few = plural(len(done), "completed trial")
        return Importances({}, len(done), f"Needs {FEWEST} completed trials; there are {few}.")
    if len(names) < 2:
        return Importances({}, len(done), "Needs two parameters to compare.")
    if len({tuple(trial.values) for trial in done}) < 2:
        return Importances({}, len(done), "Every completed trial has the same value.")
    found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    if not all(math.isfinite(share) for share in found.values()):
        return Importances({}, len(done), "The completed trials do not tell the parameters apart.")
    return Importances(found, len(done))
