"""The arms of a study: the baseline, and each technique switched on alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.configuration import override
from search.errors import WinnowError
from search.space import Domain, When
from search.study import Study
from search.technique import Technique

BASELINE = "baseline"


@dataclass(frozen=True)
class Arm:
    """One arm.

    Parameters
    ----------
    name
        "baseline", the technique's name, or the technique's name with the level.
    technique
        None for the baseline.
    settings
        The fields it sets.
    knobs
        Its techniques' own hyperparameters.
    """

    name: str
    technique: str | None
    settings: Mapping[str, Any]
    knobs: Mapping[str, Domain | When]


def trained_arms(study: Study) -> tuple[Arm, ...]:
    """Return the baseline and every arm that trains, in the order of the study file."""
    found = [Arm(BASELINE, None, {}, {})]
    for technique in study.techniques:
        if technique.stage == "training" and technique.status == "implemented":
            found += _arms(study, technique)
    return tuple(found)


def post_hoc(study: Study) -> tuple[Technique, ...]:
    """Return the techniques that change predictions."""
    return tuple(t for t in study.techniques if t.stage == "post-hoc" and t.status == "implemented")


def combined(study: Study, names: Sequence[str]) -> Arm:
    """Return the arm with several techniques on at once."""
    settings: dict[str, Any] = {}
    knobs: dict[str, Domain | When] = {}
    for name in names:
        technique = study.technique(name)
        settings |= technique.on
        knobs |= technique.domains
    return Arm(" + ".join(names) or BASELINE, None, settings, knobs)


def arm_problems(study: Study) -> Iterator[str]:
    """Yield why an arm's configuration cannot be made; found before anything runs."""
    for arm in trained_arms(study):
        try:
            override(study.space.baseline, arm.settings)
        except (WinnowError, ValueError, TypeError) as error:
            yield f"arm '{arm.name}': {error}"


def level_name(technique: str, path: str, value: Any) -> str:
    """Return the name of one level's arm."""
    return f"{technique} [{path}={value}]"


def _arms(study: Study, technique: Technique) -> Iterator[Arm]:
    settings: dict[str, Any] = {}
    for one in study.with_required(technique.name):
        settings |= one.on
    if not technique.levels:
        yield Arm(technique.name, technique.name, settings, technique.domains)
        return
    ((path, values),) = technique.levels.items()
    for value in values:
        name = level_name(technique.name, path, value)
        yield Arm(name, technique.name, {**settings, path: value}, technique.domains)
