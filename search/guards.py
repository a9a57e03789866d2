"""Guard: what a healthy run never does, watched while it runs.

A guard sees what a run reports, step by step, and never a held-out metric. It flags the run, or
stops it if the study says so: a run that a guard stops counts as diverged, with the guard's words
as its reason. What a guard says is shown beside every row that rests on the run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from search.errors import StudyError, near_miss
from search.trainable import TEST_PREFIX

GuardKind = Literal[
    "non_finite",
    "gradient_high",
    "gradient_vanishing",
    "collapse",
    "negative",
    "dominance",
    "constant",
    "gap",
    "no_improvement",
    "peak_at_end",
]
Action = Literal["flag", "stop"]
KINDS: tuple[GuardKind, ...] = get_args(GuardKind)
NOT_REPORTED = "not_reported"
GRADIENT = "grad_norm"
SHARE = "gradient_share_"
SPREAD = "prediction_sd"
LIMITS = {
    "gradient_high": 1e3,  # far above the norms that clipping usually allows (1 to 10)
    "gradient_vanishing": 1e-7,  # the resolution of float32 around 1
    "collapse": 1e-5,
    "negative": 0.0,
    "dominance": 0.95,
    "constant": 1e-6,
}
STEPS = {"gradient_vanishing": 3}  # a single small gradient is no news
OF_THE_OBJECTIVE = ("no_improvement", "peak_at_end")
NEVER_NEGATIVE = re.compile(r"(^|_)(mse|rmse|mae|bce|ce|cross_entropy|focal|hinge|brier)(_|$)")
LOSS = ("loss", "nll")
NO_LOSS = ("weight", "scale", "ratio")


@dataclass(frozen=True)
class Guard:
    """One rule about what runs report.

    Parameters
    ----------
    kind
        What is wrong with a run:

        - "non_finite": a loss is NaN or infinite (a non-finite objective ends a run anyway);
        - "gradient_high": the gradient's norm is over `limit` (1,000), or not finite;
        - "gradient_vanishing": it stays under `limit` (1e-7) for `steps` (3) steps;
        - "collapse": a task's loss is smaller than `limit` (1e-5);
        - "negative": a loss is under `limit` (0) that cannot be;
        - "dominance": one task has more than `limit` (0.95) of the gradient;
        - "constant": the standard deviation of the predictions is under `limit` (1e-6);
        - "gap": a validation loss exceeds its training loss by more than `limit` (by default, by
          more than the training loss itself), or the named metric is over `limit`;
        - "no_improvement": the objective has not improved for `steps` steps (by default, three
          quarters of the full length);
        - "peak_at_end": the objective is best at the run's last step: it was still improving.
    metric
        What is watched; None: by convention. Losses are metrics with the word ``loss`` or ``nll``
        in their name (``train_loss``, ``loss_risk``, ``val_nll``), gradient norms are called
        ``grad_norm``, a task's share of the gradient ``gradient_share_…``, the spread of
        predictions ``prediction_sd`` (computed from ``predict("validation")`` at the end of a run
        that has it and reports none), gaps are pairs of ``train_…`` and ``val_…`` losses, and
        losses that cannot be negative are named after one (``mse``, ``bce``, …). A metric that is
        named here and that a whole run never reports is flagged as such; the last two kinds watch
        an objective.
    limit
        In the metric's unit.
    steps
        For how many steps in a row it must be so.
    action
        "flag" or "stop".

    Raises
    ------
    StudyError
        With every problem found.

    Examples
    --------
    >>> Guard("gradient_high", limit=100, action="stop").threshold
    100
    """

    kind: GuardKind
    metric: str | None = None
    limit: float | None = None
    steps: int | None = None
    action: Action = "flag"

    def __post_init__(self) -> None:
        if problems := list(_problems(self)):
            raise StudyError(problems)

    @property
    def threshold(self) -> float | None:
        """The limit in force; None where it depends on the run."""
        return LIMITS.get(self.kind) if self.limit is None else self.limit

    def patience(self, max_steps: int) -> int:
        """For how many steps in a row it must be so, in runs of this length."""
        if self.steps is not None:
            return self.steps
        if self.kind == "no_improvement":
            return max(3, math.ceil(3 * max_steps / 4))
        return STEPS.get(self.kind, 1)

    def watches(self, metric: str) -> bool:
        """Return whether this guard looks at a metric; never at a held-out one."""
        if metric.startswith(TEST_PREFIX):
            return False
        if self.metric is not None:
            return metric == self.metric
        match self.kind:
            case "non_finite" | "collapse":
                return is_loss(metric)
            case "gradient_high" | "gradient_vanishing":
                return metric == GRADIENT
            case "constant":
                return metric.endswith(SPREAD)
            case "negative":
                return NEVER_NEGATIVE.search(metric) is not None
            case "dominance":
                return metric.startswith(SHARE)
            case "gap":
                return metric.startswith("val_") and is_loss(metric)
        return False

    def as_json(self) -> dict[str, Any]:
        """Return the guard as a registration keeps it."""
        return {
            "kind": self.kind,
            "metric": self.metric,
            "limit": self.limit,
            "steps": self.steps,
            "action": self.action,
        }


def is_loss(metric: str) -> bool:
    """Return whether a metric is a loss, by its name.

    Examples
    --------
    >>> [is_loss(name) for name in ("train_loss", "val_nll", "val_ap", "loss_weight_risk")]
    [True, True, False, False]
    """
    words = set(metric.split("_"))
    return not words.isdisjoint(LOSS) and words.isdisjoint(NO_LOSS)


def _problems(guard: Guard) -> Iterator[str]:
    if guard.kind not in KINDS:
        yield f"Guard has no kind {guard.kind!r}{near_miss(str(guard.kind), KINDS)}"
        return
    name = f"Guard('{guard.kind}')"
    if guard.action not in get_args(Action):
        yield f"{name}.action is 'flag' or 'stop', got {guard.action!r}"
    yield from _metric_problems(name, guard)
    if guard.limit is not None and not _is_finite(guard.limit):
        yield f"{name}.limit must be a finite number, got {guard.limit!r}"
    if guard.limit is not None and guard.kind in ("non_finite", *OF_THE_OBJECTIVE):
        yield f"{name} takes no limit"
    whole = isinstance(guard.steps, int) and not isinstance(guard.steps, bool)
    if guard.steps is not None and (not whole or guard.steps < 1):
        yield f"{name}.steps must be a whole number from 1, got {guard.steps!r}"
    if guard.kind == "peak_at_end" and guard.action == "stop":
        yield f"{name} speaks at the end of a run: there is nothing left to stop"


def _metric_problems(name: str, guard: Guard) -> Iterator[str]:
    metric = guard.metric
    if metric is None:
        return
    if not isinstance(metric, str) or not metric:
        yield f"{name}.metric must be the name of a metric, got {metric!r}"
    elif metric.startswith(TEST_PREFIX):
        yield f"{name}.metric '{metric}' is held-out: no guard ever sees it"
    elif guard.kind == "gap" and guard.limit is None:
        yield f"{name} of the metric '{metric}' needs a limit, in the metric's unit"


def _is_finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]  # a number by now


DEFAULT_GUARDS: tuple[Guard, ...] = tuple(Guard(kind) for kind in KINDS)
"""Every kind by convention, flagging only."""
