"""Study: the question, with everything that answering it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import optuna

from search.criteria import Criterion
from search.errors import StudyError, near_miss
from search.frozen import FrozenMapping
from search.guards import DEFAULT_GUARDS, Guard
from search.objective import Direction, Objective
from search.pruner import ASHA, Pruner
from search.resources import Resources
from search.space import Space
from search.study_problems import LISTS, SAMPLERS, shape_problems, study_problems
from search.technique import Technique, all_required
from search.trainable import TEST_PREFIX, Contract, inspect_trainable

if TYPE_CHECKING:
    from search.reports import Results, SearchResults

__all__ = ["SAMPLERS", "Direction", "Objective", "Replication", "Resources", "Study"]

Replication = Literal["fresh", "fixed", "resplit"]


@dataclass(frozen=True)
class Study:
    """A question about a trainable: its space, its techniques, and how they are judged.

    Parameters
    ----------
    name
        Unique in a database; letters, digits, ".", "_" and "-", at most 80 of them.
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
    guards
        `Guard`: what every run is watched for. By default every kind, flagging only; ``()`` for
        none.
    criteria
        `Criterion`: go/no-go thresholds beside the targets.
    reference_lines
        Name to a mapping of metrics, or to a function of the seed that returns one: other models'
        results, drawn beside the check of a search's best trial. By keyword, such a function is
        given what it names of ``config`` (the baseline), ``data``, ``split_seed``, ``replication``.
    preflight
        Function of a seed that returns sentences about the data that the study is about to run on;
        they are printed before anything runs. It is given what reference lines are given.
    resources
        What one trial occupies.
    data
        ``loader(path)``, called once per worker; what it returns reaches the trainable as ``data``.
    share_data
        Whether the driver calls the loader instead, and workers of one machine share what it
        returns (the Ray engine only). NumPy arrays are not copied then, and read-only.
    split_seed
        Draws the held-out rows of a finite data set; a trainable that names it is given it.
    replication
        What a new seed means: "fresh" data, a "fixed" test set, or "resplit". A trainable that
        names it is given it. Data given with ``--data`` are finite: there "fresh" means "fixed".
    test_train_ratio
        Held-out rows over training rows, for "resplit" alone: splits of one data set overlap, and
        their variance is corrected by this (Nadeau & Bengio 2003, doi:10.1023/A:1024068626366).
    sampler
        One of "tpe", "random", "gp", "cmaes", "qmc", "nsga2", or an Optuna sampler.
    pruner
        `ASHA`, `MedianStopping` or `NoPruning`.
    score_at
        A run's score is its "last" step's, or that of the step with the "best" objective.
    metrics
        For post-hoc techniques: computes metrics from `Predictions`.
    step_limit_s
        Seconds after which a step (the beginning and the end of a run count as one each) has hung:
        the run is ended, tried again once from its last checkpoint, and then counted as failed.
        None: runs may take as long as they like.
    retries
        How often a run that raised is tried again with the same seed: 0 or 1.
    keep_checkpoints
        Whether, in every series of runs, the best trial (by the first objective) and the one that
        ended last keep a checkpoint of their last step; it costs every complete run a `save`.

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
    preflight: Callable[..., Sequence[str]] | None = None
    resources: Resources = field(default_factory=Resources)
    data: Callable[..., Any] | None = None
    share_data: bool = False
    split_seed: int = 0
    replication: Replication = "fresh"
    test_train_ratio: float = 0.0
    sampler: str | optuna.samplers.BaseSampler = "tpe"
    pruner: Pruner = field(default_factory=ASHA)
    score_at: Literal["last", "best"] = "last"
    metrics: Callable[..., Mapping[str, float]] | None = None
    retries: int = 1
    step_limit_s: float | None = None
    keep_checkpoints: bool = False
    guards: Sequence[Guard] = DEFAULT_GUARDS
    criteria: Sequence[Criterion] = ()

    def __post_init__(self) -> None:
        if problems := list(shape_problems(self)):
            raise StudyError(problems)
        for name in LISTS:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("targets", "reference_lines"):
            object.__setattr__(self, name, FrozenMapping(getattr(self, name)))
        if problems := list(dict.fromkeys(study_problems(self))):
            raise StudyError(problems)

    def run(self, **options: Any) -> Results:
        """Measure and rank the techniques, in a notebook or a script: see `search.run_study`."""
        from search.notebook import run_study  # the vocabulary itself needs no engine

        return run_study(self, **options)

    def rerun(self, *arms: str, because: str, **options: Any) -> Results:
        """Run measured arms again, and say why: see `search.rerun_study`."""
        from search.notebook import rerun_study

        return rerun_study(self, *arms, because=because, **options)

    def search(self, **options: Any) -> SearchResults:
        """Search the space and the switches together: see `search.search_study`."""
        from search.notebook import search_study

        return search_study(self, **options)

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

    def with_required(self, name: str) -> list[Technique]:
        """Return all that a technique requires, and what that requires, and the technique last."""
        requires = {technique.name: technique.requires for technique in self.techniques}
        return [self.technique(one) for one in (*all_required(name, requires), name)]

    def exclude_each_other(self, one: str, other: str) -> bool:
        """Return whether two techniques, with what they require, cannot be on at once."""
        return any(
            first.conflicts(second)
            for first in self.with_required(one)
            for second in self.with_required(other)
        )
