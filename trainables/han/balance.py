"""From six losses to one gradient: gate, weights, surgery, and what they did, for the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from trainables.han.batch import TASKS, Task
from trainables.han.loss_config import LossConfig, unshaped
from trainables.han.losses import Criterion, TaskLosses
from trainables.han.network import HanNetwork
from trainables.han.scaling import TargetStatistics
from trainables.techniques.gating import AvailabilityGate, GateConfig, gate_problems
from trainables.techniques.limits import at_least, below_one, one_of
from trainables.techniques.surgery import GradientSurgery
from trainables.techniques.surgery import Kind as AggregatorKind
from trainables.techniques.task_weights import (
    WeightingConfig,
    make_weighting,
    weighting_problems,
)

Anchor = Literal["regime", "regime+forecast"]
Grouping = Literal["per_task", "stable_noisy"]
SECTION = "mtl."
CARRIER: Task = "daily_forecast"  # consistency terms are about the days to come
STABLE: tuple[Task, ...] = ("regime", "forecast")
FORECASTS: tuple[Task, Task] = ("forecast", "daily_forecast")


@dataclass(frozen=True)
class TasksConfig:
    """Which tasks are trained; all are judged."""

    regime: bool = True
    casualty: bool = True
    anomaly: bool = True
    transition: bool = True
    forecast: bool = True
    daily_forecast: bool = True

    @property
    def enabled(self) -> tuple[Task, ...]:
        """The tasks that are trained, in their order."""
        return tuple(task for task in TASKS if getattr(self, task))


@dataclass(frozen=True)
class MtlConfig:
    """How several tasks share one network."""

    tasks: TasksConfig = TasksConfig()
    weighting: WeightingConfig = field(default_factory=WeightingConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    aggregator: AggregatorKind = "sum"  # plain gradient descent on the summed loss
    grouping: Grouping = "per_task"  # whose gradients surgery tells apart; see `groups`
    anchor: Anchor = "regime"  # the tasks that "hierarchical" surgery lets be
    gradnorm_alpha: float = 1.5
    cagrad_c: float = 0.5


def mtl_problems(mtl: MtlConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    if not mtl.tasks.enabled:
        yield f"{SECTION}tasks must leave at least one task"
    yield from weighting_problems(mtl.weighting, prefix=f"{SECTION}weighting.")
    yield from gate_problems(mtl.gate, prefix=f"{SECTION}gate.")
    yield from one_of(mtl, "aggregator", get_args(AggregatorKind), prefix=SECTION)
    yield from one_of(mtl, "grouping", get_args(Grouping), prefix=SECTION)
    yield from one_of(mtl, "anchor", get_args(Anchor), prefix=SECTION)
    yield from at_least(mtl, 0, "gradnorm_alpha", prefix=SECTION)
    yield from below_one(mtl, "cagrad_c", prefix=SECTION)


class Balance:
    """Losses, gate, weights and surgery of a run.

    Parameters
    ----------
    config : MtlConfig
    loss : LossConfig
    network : HanNetwork
    statistics : TargetStatistics
        Of the training targets.

    Attributes
    ----------
    criterion : Criterion
        Of what is trained on.
    told : Criterion
        Of what is reported: a floor would hide a collapse, and a cap an explosion.
    shaped : bool
        Whether these two differ.
    wants_teacher : bool
        Whether a loss compares states with those that came to be.
    """

    def __init__(
        self,
        config: MtlConfig,
        loss: LossConfig,
        network: HanNetwork,
        statistics: TargetStatistics,
    ) -> None:
        self._tasks = config.tasks.enabled
        fallback = config.gate.kind == "fallback"
        self.criterion = Criterion(loss, statistics, self._tasks, fallback=fallback)
        self.told = Criterion(unshaped(loss), statistics, self._tasks, fallback=fallback)
        self.shaped = unshaped(loss) != loss
        consistency = loss.consistency
        self.wants_teacher = bool(consistency.latent_weight or consistency.cycle_weight)
        self._gate = AvailabilityGate(config.gate, statistics.availability)
        self._weighting = make_weighting(config.weighting, self._tasks)
        anchors = config.anchor.split("+")
        own = {task: [*network.heads[task].parameters()] for task in self._tasks}
        if consistency.physical_weight:  # that term is about both forecasts
            own[CARRIER] += own["forecast"]
        learned = [*self._weighting.parameters()]
        self._groups = groups(self._tasks, config.grouping)
        heads = [[*chain.from_iterable(own[task] for task in group)] for group in self._groups]
        self._surgery = GradientSurgery(
            config.aggregator,
            list(network.encoder.parameters()),
            [[*head, *learned] for head in heads],
            cagrad_c=config.cagrad_c,
            gradnorm_alpha=config.gradnorm_alpha,
            anchors=tuple(i for i, group in enumerate(self._groups) if {*group} & {*anchors}),
        )
        self._shares: dict[Task, float] = {}

    @property
    def lr_multiplier(self) -> float:
        """Of the learning rate of `parameters`."""
        return self._weighting.lr_multiplier

    def parameters(self) -> list[nn.Parameter]:
        """Return the weights of tasks that are learned."""
        return list(self._weighting.parameters())

    def backward(
        self, losses: TaskLosses, state: Tensor, *, share: float, watched: bool = False
    ) -> Tensor:
        """Accumulate the gradients of a batch, and return its loss as weighted.

        Parameters
        ----------
        losses : TaskLosses
        state
            The last tensor that all tasks share.
        share
            Of the batch in its optimizer step.
        watched
            Whether `describe` is to tell the gradient's shares of this batch; they are taken once
            an epoch.
        """
        known = self._gate.availability(losses.availability)
        weighted = self._weighting(self._gate(losses.values, known), known)
        terms = {task: weighted.get(task, losses.zeros[task]) for task in self._tasks}
        if CARRIER in terms:
            terms[CARRIER] = sum(losses.auxiliary.values(), terms[CARRIER])
        if watched and not self._shares:
            self._shares = shares(terms, state)
        sums = [torch.stack([terms[task] for task in group]).sum() for group in self._groups]
        self._surgery.backward([share * value for value in sums], state)
        return torch.stack(list(terms.values())).sum().detach()

    def combine(self) -> None:
        """Turn what was accumulated into one gradient."""
        self._surgery.combine()

    def end_epoch(self) -> None:
        """Let the parts that remember epochs know that one is over."""
        self._gate.end_epoch()
        self._weighting.end_epoch()

    def describe(self) -> dict[str, float]:
        """Return weights and gradient shares of the epoch that is over.

        Returns
        -------
        dict
            ``weight_<task>``, that of the weighting times GradNorm's;
            ``gradient_share_<task>``, see `shares`; ``gradient_share_both_forecasts``, their sum:
            what two heads say of the same features may drown the others although neither does.
        """
        further = zip(self._groups, self._surgery.weights.tolist(), strict=True)
        again = {task: weight for group, weight in further for task in group}
        found = {
            f"weight_{task}": value * again[task]  # type: ignore[index]  # a task's name
            for task, value in self._weighting.weights.items()
        }
        found |= {f"gradient_share_{task}": value for task, value in self._shares.items()}
        if set(FORECASTS) <= set(self._shares):
            found["gradient_share_both_forecasts"] = sum(self._shares[task] for task in FORECASTS)
        self._shares = {}
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue."""
        return {
            "gate": self._gate.state_dict(),
            "weighting": self._weighting.state_dict(),
            "surgery": self._surgery.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._gate.load_state_dict(state["gate"])
        self._weighting.load_state_dict(state["weighting"])
        self._surgery.load_state_dict(state["surgery"])


def groups(tasks: Sequence[Task], grouping: Grouping) -> list[tuple[Task, ...]]:
    """Return the groups of tasks that gradient surgery takes for one each.

    "stable_noisy" is the source document's: regime and forecast, whose targets are mostly there,
    against all others. Two groups cost two passes through the encoder, six tasks six.

    Examples
    --------
    >>> groups(("regime", "anomaly", "forecast"), "stable_noisy")
    [('regime', 'forecast'), ('anomaly',)]
    """
    if grouping == "per_task":
        return [(task,) for task in tasks]
    stable = tuple(task for task in tasks if task in STABLE)
    noisy = tuple(task for task in tasks if task not in STABLE)
    return [group for group in (stable, noisy) if group]


def shares(terms: Mapping[Task, Tensor], state: Tensor) -> dict[Task, float]:
    """Return each task's share of the gradients' norms at the last tensor that all tasks share.

    Norms are taken before surgery, which makes one gradient of them.
    """
    norms = {}
    for task, value in terms.items():
        (found,) = torch.autograd.grad(value, state, retain_graph=True, allow_unused=True)
        norms[task] = 0.0 if found is None else float(found.norm())
    total = sum(norms.values())
    return {task: norm / total if total > 0 else 0.0 for task, norm in norms.items()}
