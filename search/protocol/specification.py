"""What a search was asked, as the database keeps it and reports read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search.configuration import Source, flatten, plain
from search.environment import git_commit, machine, versions
from search.parameters import Parameter, Parameters
from search.protocol.joint_search import first_points
from search.pruner import ASHA
from search.space import Categorical, Float
from search.study import Objective, Study


def search_specification(study: Study, *, n_trials: int, seed: int, folder: Path) -> dict[str, Any]:
    """Return everything a search report needs to know about the question."""
    parameters = Parameters.of(study.space, study.techniques)
    return {
        **common_specification(study, seed=seed, folder=folder),
        "n_trials": n_trials,
        "sampler": study.sampler if isinstance(study.sampler, str) else repr(study.sampler),
        "pruner": _pruner(study),
        "parameters": [_parameter(parameter) for parameter in parameters.parameters],
        "points": [plain(point) for point in first_points(study, parameters)],
    }


def common_specification(study: Study, *, seed: int, folder: Path) -> dict[str, Any]:
    """Return what every series of a study records: question, baseline, machine, versions."""
    return {
        "objectives": [_objective(goal) for goal in study.goals],
        "evaluation": _objective(study.held_out),
        "secondary": [_objective(metric) for metric in study.secondary],
        "max_steps": study.max_steps,
        "score_at": study.score_at,
        "seed": seed,
        "split_seed": study.split_seed,
        "replication": study.replication,
        "test_train_ratio": study.test_train_ratio,
        "smallest_gain": study.smallest_gain,
        "baseline": plain(flatten(study.space.baseline)),
        "source": asdict(Source.of(study.space.baseline)),
        "targets": study.targets,
        "criteria": [criterion.as_json() for criterion in study.criteria],
        "guards": [guard.as_json() for guard in study.guards],
        "resources": asdict(study.resources),
        "versions": versions(),
        "machine": machine(),
        "git_commit": git_commit(folder),
    }


def clashes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a search cannot go on under another question; what merely grew is no reason.

    Trials of an earlier command stay in the search, so that they must mean the same: scores,
    length, seed, what the baseline holds, and the kind and choices of every parameter.
    """
    for key in ("objectives", "max_steps", "score_at", "seed"):
        if before[key] != now[key]:
            yield f"{key} was {_shown(before[key])}, and is {_shown(now[key])}"
    for path, value in before["baseline"].items():
        if path not in now["baseline"]:
            yield f"the configuration had a field '{path}', and has none now"
        elif now["baseline"][path] != value:
            yield f"the baseline had {path}={value!r}, and has {now['baseline'][path]!r}"
    old = {parameter["name"]: parameter for parameter in before.get("parameters", ())}
    for parameter in now.get("parameters", ()):
        earlier = old.get(parameter["name"], parameter)
        for key in ("kind", "choices"):
            if earlier.get(key) != parameter.get(key):
                yield (
                    f"{key} of '{parameter['name']}' was {_shown(earlier.get(key))}, and is "
                    f"{_shown(parameter.get(key))}"
                )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(item) for item in value.values())
    return ", ".join(_shown(item) for item in value) if isinstance(value, list) else str(value)


def _objective(goal: Objective) -> dict[str, str]:
    return {"metric": goal.metric, "direction": goal.direction}


def _pruner(study: Study) -> dict[str, Any]:
    pruner = study.pruner
    found: dict[str, Any] = {"kind": type(pruner).__name__, **asdict(pruner)}
    if isinstance(pruner, ASHA):
        brackets = range(pruner.brackets)
        found["steps"] = [list(pruner.steps(study.max_steps, bracket=b)) for b in brackets]
        found["rungs"] = found["steps"]
    return found


def _parameter(parameter: Parameter) -> dict[str, Any]:
    domain = parameter.domain
    found: dict[str, Any] = {"name": parameter.name, "when": parameter.condition}
    if isinstance(domain, Categorical):
        return {**found, "kind": "categorical", "choices": list(domain.choices)}
    kind = "float" if isinstance(domain, Float) else "int"
    bounds = {"low": domain.low, "high": domain.high, "log": domain.log, "step": domain.step}
    return {**found, "kind": kind, **bounds}
