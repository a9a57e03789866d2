"""Study: the question, with everything that answering it needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

import optuna

from search.configuration import flatten, unknown_field, value_problem
from search.errors import StudyError, TrainableError, near_miss
from search.pruner import ASHA, MedianStopping, NoPruning, Pruner
from search.space import Space, bare, describe, domain_problems
from search.technique import Technique
from search.trainable import TEST_PREFIX, Contract, inspect_trainable

Direction = Literal["maximize", "minimize"]
Replication = Literal["fresh", "fixed", "resplit"]
SAMPLERS = ("tpe", "random", "gp", "cmaes", "qmc", "nsga2")
SAFE_NAME = "letters, digits, '.', '_' and '-'"


@dataclass(frozen=True)
class Objective:
    """A metric and the direction in which it is better.

    Examples
    --------
    >>> Objective("val_loss", "minimize").sign
    -1
    """

    metric: str
    direction: Direction

    def __post_init__(self) -> None:
        if self.direction not in ("maximize", "minimize"):
            raise StudyError(
                f"Objective('{self.metric}').direction is 'maximize' or 'minimize', "
                f"got {self.direction!r}"
            )
        if not isinstance(self.metric, str) or not self.metric:
            raise StudyError(f"Objective.metric must be the name of a metric, got {self.metric!r}")

    @property
    def sign(self) -> int:
        """+1 when greater is better, -1 when smaller is."""
        return 1 if self.direction == "maximize" else -1


@dataclass(frozen=True)
class Resources:
    """What one trial occupies.

    Parameters
    ----------
    cpus
        CPU cores, which is also the number of threads it computes with.
    gpus
        GPUs, fractions allowed. None: one where the cluster has any, none elsewhere.
    """

    cpus: float = 1.0
    gpus: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if not self.cpus > 0:
            problems.append(f"Resources.cpus must be positive, got {self.cpus!r}")
        if self.gpus is not None and not self.gpus >= 0:
            problems.append(f"Resources.gpus must be 0 or more, got {self.gpus!r}")
        elif self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            problems.append(f"Resources.gpus above 1 must be whole, got {self.gpus!r}")
        if problems:
            raise StudyError(problems)


@dataclass(frozen=True)
class Study:
    """A question about a trainable: its space, its techniques, and how they are judged.

    Parameters
    ----------
    name
        Unique in a database; letters, digits, ".", "_" and "-".
    trainable
        A generator function or a class: see `search.trainable`.
    space
        The baseline configuration and the nuisance hyperparameters.
    objective
        The validation metric that searches and tuning see.
    max_steps
        The full length of a run.
    techniques
        What may be switched on. None is legal: then only a search makes sense.
    evaluation
        The held-out metric that the priority table is about; by default the objective's, with
        ``test_`` in place of ``val_``.
    smallest_gain
        Delta: the smallest gain worth adopting, in the unit of the evaluation metric.
    objectives
        Several objectives, instead of one: search only.
    secondary
        Further metrics that reports show, labelled exploratory.
    targets
        Named values of the evaluation metric, drawn as lines.
    reference_lines
        Name to a mapping of metrics, or to a function of the seed (and ``data`` by keyword, if it
        names it) that returns one: other models' results, drawn beside the trials'.
    resources
        What one trial occupies.
    data
        ``loader(path)``, called once per worker; what it returns reaches the trainable as ``data``.
    split_seed
        Draws the held-out rows of a finite data set.
    replication
        What a new seed means: "fresh" data, "fixed" test set, or "resplit".
    sampler
        One of "tpe", "random", "gp", "cmaes", "qmc", "nsga2", or an Optuna sampler.
    pruner
        `ASHA`, `MedianStopping` or `NoPruning`.
    score_at
        A run's score is its "last" step's, or that of the step with the "best" objective.
    metrics
        For post-hoc techniques: computes metrics from `Predictions`.
    retries
        How often a run that raised is tried again with the same seed: 0 or 1.

    Raises
    ------
    StudyError
        With every problem found.
    """

    name: str
    trainable: Any
    space: Space
    objective: Objective | None = None
    _: KW_ONLY
    max_steps: int
    techniques: Sequence[Technique] = ()
    evaluation: Objective | None = None
    smallest_gain: float | None = None
    objectives: Sequence[Objective] = ()
    secondary: Sequence[Objective] = ()
    targets: Mapping[str, float] = field(default_factory=dict)
    reference_lines: Mapping[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    data: Callable[..., Any] | None = None
    split_seed: int = 0
    replication: Replication = "fresh"
    sampler: str | optuna.samplers.BaseSampler = "tpe"
    pruner: Pruner = field(default_factory=ASHA)
    score_at: Literal["last", "best"] = "last"
    metrics: Callable[..., Mapping[str, float]] | None = None
    retries: int = 1

    def __post_init__(self) -> None:
        for name in ("techniques", "objectives", "secondary"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("targets", "reference_lines"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        if problems := list(dict.fromkeys(self._problems())):
            raise StudyError(problems)

    @property
    def contract(self) -> Contract:
        """Which contract the trainable meets."""
        return inspect_trainable(self.trainable)

    @property
    def goals(self) -> tuple[Objective, ...]:
        """The objective, or the several objectives."""
        return tuple(self.objectives) or ((self.objective,) if self.objective else ())

    @property
    def held_out(self) -> Objective:
        """The evaluation: as given, or the objective's metric with ``test_`` for ``val_``."""
        if self.evaluation is not None:
            return self.evaluation
        first = self.goals[0]
        return Objective(TEST_PREFIX + first.metric.removeprefix("val_"), first.direction)

    def technique(self, name: str) -> Technique:
        """Return the technique of this name.

        Raises
        ------
        StudyError
            If there is none, naming the nearest.
        """
        for technique in self.techniques:
            if technique.name == name:
                return technique
        names = [technique.name for technique in self.techniques]
        raise StudyError(f"study '{self.name}' has no technique '{name}'{near_miss(name, names)}")

    def _problems(self) -> Iterator[str]:
        if not self.name or not all(c.isalnum() or c in "._-" for c in self.name):
            yield f"Study.name takes {SAFE_NAME}, got {self.name!r}"
        if not isinstance(self.space, Space):
            yield f"Study.space takes a Space, got {self.space!r}"
            return
        try:
            contract = self.contract
        except TrainableError as error:
            yield from error.problems
            contract = None
        yield from self._objective_problems()
        yield from self._number_problems()
        yield from self._choice_problems()
        yield from self._technique_problems()
        yield from self._contract_problems(contract)

    def _objective_problems(self) -> Iterator[str]:
        if (self.objective is None) == (not self.objectives):
            yield "Study takes either objective=… or objectives=(…, …)"
        for goal in self.goals:
            if goal.metric.startswith(TEST_PREFIX):
                yield (
                    f"objective '{goal.metric}' is held-out: metrics that begin with 'test_' are "
                    "never shown to a search; use a validation metric"
                )
        if self.evaluation and self.objective == self.evaluation and self.techniques:
            yield (
                f"evaluation '{self.evaluation.metric}' is the objective itself: the table would "
                "be read on the data that tuning selects on; use a held-out metric"
            )
        if self.smallest_gain is not None and not self.smallest_gain > 0:
            yield f"Study.smallest_gain must be positive, got {self.smallest_gain!r}"

    def _number_problems(self) -> Iterator[str]:
        if not isinstance(self.max_steps, int) or self.max_steps < 1:
            yield f"Study.max_steps must be a whole number from 1, got {self.max_steps!r}"
        if self.retries not in (0, 1):
            yield f"Study.retries is 0 or 1, got {self.retries!r}"
        for name, value in self.targets.items():
            if not isinstance(value, int | float) or not math.isfinite(value):
                yield f"target '{name}' must be a finite number, got {value!r}"

    def _choice_problems(self) -> Iterator[str]:
        if isinstance(self.sampler, str) and self.sampler not in SAMPLERS:
            yield f"Study.sampler has no '{self.sampler}'{near_miss(self.sampler, SAMPLERS)}"
        elif not isinstance(self.sampler, str | optuna.samplers.BaseSampler):
            yield f"Study.sampler takes a name or an Optuna sampler, got {self.sampler!r}"
        if not isinstance(self.pruner, ASHA | MedianStopping | NoPruning):
            yield f"Study.pruner takes ASHA, MedianStopping or NoPruning, got {self.pruner!r}"
        if self.score_at not in ("last", "best"):
            yield f"Study.score_at is 'last' or 'best', got {self.score_at!r}"
        if self.replication not in ("fresh", "fixed", "resplit"):
            yield f"Study.replication is 'fresh', 'fixed' or 'resplit', got {self.replication!r}"

    def _technique_problems(self) -> Iterator[str]:
        names = [technique.name for technique in self.techniques]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            yield f"two techniques are called '{name}'"
        for technique in self.techniques:
            for other in (*technique.requires, *technique.excludes):
                if other not in names:
                    yield (
                        f"technique '{technique.name}' names '{other}', which this study does not "
                        f"have{near_miss(other, names)}"
                    )
            yield from self._field_problems(technique)

    def _field_problems(self, technique: Technique) -> Iterator[str]:
        known = flatten(self.space.baseline)
        where = f"technique '{technique.name}'"
        settings = [*technique.on.items()]
        settings += [(path, v) for path, values in technique.levels.items() for v in values]
        for path, value in settings:
            if path not in known:
                yield f"{where}: {unknown_field(self.space.baseline, path)}"
            elif problem := value_problem(self.space.baseline, path, value):
                yield f"{where}: {problem}"
        for path in (*technique.on, *technique.domains):
            if path in self.space.domains:
                yield f"{where} uses '{path}', which is a nuisance hyperparameter of the space"
        if technique.on and technique.is_on(known | {p: known.get(p) for p in technique.on}):
            yield f"{where} is already on in the baseline"
        for problem in domain_problems(self.space.baseline, technique.domains):
            yield f"{where}: {problem}"
        yield from self._shared_knob_problems(technique)

    def _shared_knob_problems(self, technique: Technique) -> Iterator[str]:
        for other in self.techniques:
            if other is technique:
                return  # each pair once
            for path in technique.domains.keys() & other.domains.keys():
                mine, theirs = bare(technique.domains[path]), bare(other.domains[path])
                if mine != theirs:
                    yield (
                        f"techniques '{other.name}' and '{technique.name}' give '{path}' two "
                        f"domains: {describe(theirs)} and {describe(mine)}"
                    )

    def _contract_problems(self, contract: Contract | None) -> Iterator[str]:
        post_hoc = [t.name for t in self.techniques if t.stage == "post-hoc"]
        if contract is not None:
            if post_hoc and not contract.predicts:
                yield (
                    f"post-hoc technique '{post_hoc[0]}' needs predictions: the trainable must be "
                    "a class with predict(split)"
                )
            if self.data is not None and "data" not in contract.keywords:
                yield "Study.data is given, but the trainable takes no keyword 'data'"
        if post_hoc and self.metrics is None:
            yield f"post-hoc technique '{post_hoc[0]}' needs Study(metrics=…)"
        if len(self.objectives) > 1 and isinstance(self.pruner, MedianStopping):
            yield "median stopping needs a single objective"
