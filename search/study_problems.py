"""What may be wrong with a study: every problem as a sentence, found before anything runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna

from search.criteria import Criterion
from search.errors import TrainableError, near_miss
from search.guards import OF_THE_OBJECTIVE, Guard
from search.objective import Objective
from search.program.running import command_problems
from search.pruner import ASHA, MedianStopping, NoPruning
from search.resources import Resources
from search.space import Space
from search.technique import Technique, is_positive
from search.technique_problems import search_problems, technique_problems
from search.trainable import TEST_PREFIX, inspect_trainable

if TYPE_CHECKING:
    from search.study import Study

LISTS = ("techniques", "objectives", "secondary", "guards", "criteria")
SAMPLERS = ("tpe", "random", "gp", "cmaes", "qmc", "nsga2")
LONGEST_NAME = 80  # characters: the name begins the names of Optuna's studies, and of files
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def shape_problems(study: Study) -> Iterator[str]:
    """Yield which arguments are no lists or mappings: what the other checks take for granted."""
    for name in LISTS:
        value = getattr(study, name)
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield f"Study.{name} takes a list, got {value!r}"
    for name in ("targets", "reference_lines"):
        value = getattr(study, name)
        if not isinstance(value, Mapping):
            yield f"Study.{name} takes {{name: …}}, got {value!r}"


def study_problems(study: Study) -> Iterator[str]:
    """Yield everything that is wrong with a study, given that its lists are lists."""
    yield from name_problems(study.name)
    yield from _objective_problems(study)
    yield from _number_problems(study)
    yield from _choice_problems(study)
    yield from _function_problems(study)
    yield from _pruner_problems(study)
    yield from _guard_problems(study)
    yield from _criterion_problems(study)
    yield from _trainable_problems(study)
    if not isinstance(study.space, Space):
        yield f"Study.space takes a Space, got {study.space!r}"
        return
    foreign = [t for t in study.techniques if not isinstance(t, Technique)]
    yield from (f"Study.techniques takes Technique, got {one!r}" for one in foreign)
    if foreign:
        return
    yield from _ensemble_problems(study)
    yield from command_problems(study.trainable, study.space, study.techniques)
    problems = list(technique_problems(study.space, study.techniques))
    yield from problems or search_problems(study.space, study.techniques)


def name_problems(name: Any) -> Iterator[str]:
    """Yield what is wrong with a study's name."""
    if not isinstance(name, str) or not SAFE_NAME.fullmatch(name):
        yield (
            "Study.name takes letters, digits, '.', '_' and '-', a letter or digit first, "
            f"got {name!r}"
        )
    elif len(name) > LONGEST_NAME:
        yield f"Study.name has at most {LONGEST_NAME} characters, got {len(name)}"


def _objective_problems(study: Study) -> Iterator[str]:
    if (study.objective is None) == (not study.objectives):
        yield "Study takes either objective=… or objectives=(…, …)"
    given = [("objective", study.objective), ("evaluation", study.evaluation)]
    given += [("objectives", goal) for goal in study.objectives]
    given += [("secondary", goal) for goal in study.secondary]
    wrong = [(name, v) for name, v in given if v is not None and not isinstance(v, Objective)]
    yield from (f"Study.{name} takes Objective(metric, direction), got {v!r}" for name, v in wrong)
    if wrong:
        return
    for goal in study.goals:
        if goal.metric.startswith(TEST_PREFIX):
            yield (
                f"objective '{goal.metric}' is held-out: metrics that begin with 'test_' are "
                "never shown to a search; use a validation metric"
            )
    for name, goals in (("objectives", study.objectives), ("secondary", study.secondary)):
        metrics = [goal.metric for goal in goals]
        for metric in dict.fromkeys(m for m in metrics if metrics.count(m) > 1):
            yield f"Study.{name} names '{metric}' twice"
    if study.techniques and study.evaluation:
        yield from _evaluation_problems(study.evaluation.metric)


def _evaluation_problems(metric: str) -> Iterator[str]:
    if not metric.startswith(TEST_PREFIX):
        yield (
            f"evaluation '{metric}' is not held-out: the table would be read on data that tuning "
            "selects on; report it on held-out data, under a name that begins with 'test_'"
        )


def _number_problems(study: Study) -> Iterator[str]:
    if not _is_whole(study.max_steps) or study.max_steps < 1:
        yield f"Study.max_steps must be a whole number from 1, got {study.max_steps!r}"
    if not _is_whole(study.split_seed) or study.split_seed < 0:
        yield f"Study.split_seed must be a whole number from 0, got {study.split_seed!r}"
    if not _is_whole(study.retries) or study.retries not in (0, 1):
        yield f"Study.retries is 0 or 1, got {study.retries!r}"
    if study.step_limit_s is not None and not is_positive(study.step_limit_s):
        yield f"Study.step_limit_s must be a positive number, got {study.step_limit_s!r}"
    if study.smallest_gain is not None and not is_positive(study.smallest_gain):
        yield f"Study.smallest_gain must be a positive number, got {study.smallest_gain!r}"
    yield from _ratio_problems(study)
    for name, value in study.targets.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value):
            yield f"target '{name}' must be a finite number, got {value!r}"


def _ratio_problems(study: Study) -> Iterator[str]:
    ratio = study.test_train_ratio
    number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
    if not number or not 0 <= ratio < math.inf:
        yield f"Study.test_train_ratio must be a finite number from 0, got {ratio!r}"
    elif study.replication == "resplit" and study.techniques and not ratio:
        yield (
            "replication='resplit' draws overlapping splits: say test_train_ratio=…, held-out rows "
            "over training rows, by which their variance is corrected"
        )
    elif study.replication != "resplit" and ratio:
        yield "Study.test_train_ratio belongs to replication='resplit'"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _choice_problems(study: Study) -> Iterator[str]:
    sampler = study.sampler
    if isinstance(sampler, str) and sampler not in SAMPLERS:
        yield f"Study.sampler has no '{sampler}'{near_miss(sampler, SAMPLERS)}"
    elif not isinstance(sampler, str | optuna.samplers.BaseSampler):
        yield f"Study.sampler takes a name or an Optuna sampler, got {sampler!r}"
    cmaes = sampler == "cmaes" or isinstance(sampler, optuna.samplers.CmaEsSampler)
    if cmaes and len(study.objectives) > 1:
        yield "the sampler 'cmaes' takes a single objective; use 'tpe', 'nsga2' or 'gp'"
    if not isinstance(study.resources, Resources):
        yield f"Study.resources takes Resources(cpus, gpus), got {study.resources!r}"
    if not isinstance(study.keep_checkpoints, bool):
        yield f"Study.keep_checkpoints is True or False, got {study.keep_checkpoints!r}"
    if study.score_at not in ("last", "best"):
        yield f"Study.score_at is 'last' or 'best', got {study.score_at!r}"
    if study.replication not in ("fresh", "fixed", "resplit"):
        yield f"Study.replication is 'fresh', 'fixed' or 'resplit', got {study.replication!r}"


def _ensemble_problems(study: Study) -> Iterator[str]:
    ensembles = [t.name for t in study.techniques if t.members > 1 and t.status == "implemented"]
    if ensembles and study.replication != "fixed":
        yield (
            f"technique '{ensembles[0]}' lets several seeds vote on the same held-out rows, and "
            f"replication='{study.replication}' gives every seed its own: use 'fixed'"
        )


def _function_problems(study: Study) -> Iterator[str]:
    for name in ("data", "metrics", "preflight"):
        value = getattr(study, name)
        if value is not None and not callable(value):
            yield f"Study.{name} takes a function, got {value!r}"
    for name, line in study.reference_lines.items():
        if not callable(line) and not isinstance(line, Mapping):
            yield (
                f"reference line '{name}' must be a mapping of metrics or a function of the seed, "
                f"got {line!r}"
            )


def _pruner_problems(study: Study) -> Iterator[str]:
    pruner = study.pruner
    if not isinstance(pruner, ASHA | MedianStopping | NoPruning):
        yield f"Study.pruner takes ASHA, MedianStopping or NoPruning, got {pruner!r}"
        return
    if isinstance(pruner, MedianStopping) and len(study.objectives) > 1:
        yield "median stopping needs a single objective"
    grace = None if isinstance(pruner, NoPruning) else pruner.grace_steps
    if grace is not None and _is_whole(study.max_steps) and grace >= study.max_steps > 1:
        yield (
            f"{type(pruner).__name__}.grace_steps={grace} leaves no step to stop at below "
            f"max_steps={study.max_steps}; lower it, or say NoPruning()"
        )


def _guard_problems(study: Study) -> Iterator[str]:
    goals = [goal.metric for goal in study.goals if isinstance(goal, Objective)]
    for guard in study.guards:
        if not isinstance(guard, Guard):
            yield f"Study.guards takes Guard(kind, …), got {guard!r}"
        elif guard.kind in OF_THE_OBJECTIVE and guard.metric not in (None, *goals):
            yield (
                f"Guard('{guard.kind}') watches an objective, and '{guard.metric}' is none"
                f"{near_miss(str(guard.metric), goals)}"
            )
    for guard in dict.fromkeys(g for g in study.guards if study.guards.count(g) > 1):
        yield f"Study.guards names {guard!r} twice"


def _criterion_problems(study: Study) -> Iterator[str]:
    foreign = [one for one in study.criteria if not isinstance(one, Criterion)]
    yield from (
        f"Study.criteria takes Criterion(metric, direction, threshold), got {one!r}"
        for one in foreign
    )
    if foreign:
        return
    names = [*study.targets, *(criterion.label for criterion in study.criteria)]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"two of the study's targets and criteria are called '{name}'"


def _trainable_problems(study: Study) -> Iterator[str]:
    post_hoc = [
        t.name for t in study.techniques if isinstance(t, Technique) and t.stage == "post-hoc"
    ]
    if post_hoc and study.metrics is None:
        yield f"post-hoc technique '{post_hoc[0]}' needs Study(metrics=…)"
    try:
        contract = inspect_trainable(study.trainable)
    except TrainableError as error:
        yield from error.problems
        return
    if post_hoc and not contract.predicts:
        yield (
            f"post-hoc technique '{post_hoc[0]}' needs predictions: the trainable must be "
            "a class with predict(split)"
        )
    processes = getattr(study.resources, "processes", 1)
    if processes > 1 and (contract.kind != "class" or "group" not in contract.keywords):
        yield (
            f"Resources.processes={processes} needs a class as trainable that takes the keyword "
            "'group'"
        )
    if study.keep_checkpoints and contract.kind != "class":
        yield (
            "Study.keep_checkpoints=True needs a class as trainable, with save() and load(): "
            "a generator or function has no checkpoints to keep"
        )
    if study.data is not None and "data" not in contract.keywords:
        yield "Study.data is given, but the trainable takes no keyword 'data'"
    if study.data is None and study.share_data:
        yield "Study.share_data is given, but there is no Study(data=…) to share"
    if study.data is None and "data" in contract.required:
        yield "the trainable requires the keyword 'data', but Study(data=…) is not given"
