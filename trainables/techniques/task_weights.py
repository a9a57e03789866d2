"""Which weighting of the tasks' losses a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from trainables.techniques.anchored import A3droConfig, Anchored, a3dro_problems
from trainables.techniques.limits import one_of, positive
from trainables.techniques.uncertainty import (
    Kendall,
    KendallConfig,
    Liebel,
    SoftplusKendall,
    kendall_problems,
)
from trainables.techniques.weighting import GroupDro, GroupDroConfig, Uniform, Weighting

WeightingKind = Literal["uniform", "kendall", "softplus_kendall", "liebel", "a3dro", "group_dro"]


@dataclass(frozen=True)
class WeightingConfig:
    """How the tasks' losses are weighed against each other."""

    kind: WeightingKind = "uniform"
    kendall: KendallConfig = field(default_factory=KendallConfig)  # of the three that learn
    a3dro: A3droConfig = field(default_factory=A3droConfig)
    group_dro: GroupDroConfig = field(default_factory=GroupDroConfig)


def weighting_problems(config: WeightingConfig, *, prefix: str = "") -> Iterator[str]:
    """Yield what is wrong with a configuration."""
    yield from one_of(config, "kind", get_args(WeightingKind), prefix=prefix)
    yield from kendall_problems(config.kendall, prefix=f"{prefix}kendall.")
    yield from a3dro_problems(config.a3dro, prefix=f"{prefix}a3dro.")
    yield from positive(config.group_dro, "rate", prefix=f"{prefix}group_dro.")


def make_weighting(config: WeightingConfig, tasks: Sequence[str]) -> Weighting:
    """Return the weighting of a configuration."""
    if config.kind == "uniform":
        return Uniform(tasks)
    if config.kind == "a3dro":
        return Anchored(tasks, config.a3dro)
    if config.kind == "group_dro":
        return GroupDro(tasks, config.group_dro)
    learnt: dict[str, Callable[[Sequence[str], KendallConfig], Weighting]] = {
        "kendall": Kendall,
        "softplus_kendall": SoftplusKendall,
        "liebel": Liebel,
    }
    return learnt[config.kind](tasks, config.kendall)
