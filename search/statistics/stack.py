"""All adopted techniques together: single gains do not add up until they are measured to.

Everything here is a confirmation on the seeds of the table, outside Holm's K.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from search.statistics.arrays import FloatArray
from search.statistics.errors import StatisticsError
from search.statistics.intervals import Interval, finite_sample, mean_interval, one_sided_bounds
from search.technique import all_required


@dataclass(frozen=True)
class Member:
    """One technique inside the stack.

    Parameters
    ----------
    name
        The technique.
    alone
        Its effect on the baseline.
    in_stack
        Its effect on top of the others: stack minus the stack without it.
    shift
        `in_stack` minus `alone`, per seed: below 0 it repeats what others do, above 0 it builds
        on them.
    drop
        The upper bound of `in_stack` lies below its delta: not worth keeping in the stack.
    redundant, synergic
        The interval of `shift` lies below, above 0.
    """

    name: str
    alone: Interval
    in_stack: Interval
    shift: Interval
    drop: bool
    redundant: bool
    synergic: bool


@dataclass(frozen=True)
class Stack:
    """The stack beside the sum of its parts.

    Parameters
    ----------
    gain
        Stack minus baseline.
    sum_of_singles
        What adding the single effects up would claim.
    excess
        Gain minus that sum, per seed.
    members
        In the order given.
    redundant_pairs
        Pairs of redundant members: the interactions worth measuring. With two members it is
        the pair itself.
    n_seeds
        Seeds shared by all arms.
    """

    gain: Interval
    sum_of_singles: Interval
    excess: Interval
    members: tuple[Member, ...]
    redundant_pairs: tuple[tuple[str, str], ...]
    n_seeds: int


def judge_stack(
    baseline: npt.ArrayLike,
    stack: npt.ArrayLike,
    singles: Mapping[str, npt.ArrayLike],
    without: Mapping[str, npt.ArrayLike],
    delta: Mapping[str, float],
    direction: Literal["maximize", "minimize"] = "maximize",
    *,
    alpha: float = 0.05,
) -> Stack:
    """Compare the stack with the baseline, with its members alone, and with each left out.

    Parameters
    ----------
    baseline, stack : array-like of shape (n_seeds,)
        Scores on shared seeds.
    singles, without
        Technique to scores of shape (n_seeds,): it alone, and the stack without it. With two
        members the stack without one is the other alone.
    delta
        Technique to its smallest gain.

    Raises
    ------
    StatisticsError
        If there are fewer than two members, names disagree, or seeds are not shared.
    """
    names = list(singles)
    if len(names) < 2 or set(names) != set(without) or not set(names) <= set(delta):
        raise StatisticsError(
            f"a stack needs two members, each alone, left out and with a delta; got {names}, "
            f"{list(without)}, {list(delta)}"
        )
    sign = 1 if direction == "maximize" else -1
    base, full = (sign * finite_sample(x, "a stack") for x in (baseline, stack))
    one = {name: sign * finite_sample(singles[name], name) for name in names}
    rest = {name: sign * finite_sample(without[name], name) for name in names}
    if any(x.shape != base.shape for x in (full, *one.values(), *rest.values())):
        raise StatisticsError("the arms of a stack must share their seeds")
    alone = {name: one[name] - base for name in names}
    inside = {name: full - rest[name] for name in names}
    members = tuple(_member(name, alone[name], inside[name], delta[name], alpha) for name in names)
    total = np.sum(list(alone.values()), axis=0)
    redundant = [member.name for member in members if member.redundant]
    return Stack(
        gain=mean_interval(full - base, 1 - alpha),
        sum_of_singles=mean_interval(total, 1 - alpha),
        excess=mean_interval(full - base - total, 1 - alpha),
        members=members,
        redundant_pairs=tuple(
            (one, two) for i, one in enumerate(redundant) for two in redundant[i + 1 :]
        ),
        n_seeds=base.size,
    )


def _member(name: str, alone: FloatArray, inside: FloatArray, delta: float, alpha: float) -> Member:
    shift = mean_interval(inside - alone, 1 - alpha)
    return Member(
        name=name,
        alone=mean_interval(alone, 1 - alpha),
        in_stack=mean_interval(inside, 1 - alpha),
        shift=shift,
        drop=one_sided_bounds(inside, alpha)[1] < delta,
        redundant=shift.high is not None and shift.high < 0,
        synergic=shift.low is not None and shift.low > 0,
    )


@dataclass(frozen=True)
class Interaction:
    """What two techniques do together beyond the sum of what each does.

    Parameters
    ----------
    estimate
        Mean of ``y_ab - y_a - y_b + y_0`` with its interval; below 0 redundant, above 0 synergic.
    variance
        Of one seed's contrast; ``4 (1-rho) sigma²`` in theory, twice that of a main effect.
    """

    estimate: Interval
    variance: float | None


def interaction(
    both: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    neither: npt.ArrayLike,
    direction: Literal["maximize", "minimize"] = "maximize",
    *,
    alpha: float = 0.05,
) -> Interaction:
    """Estimate the interaction of two techniques from the four arms of their square.

    Parameters
    ----------
    both, first, second, neither : array-like of shape (n_seeds,)
        Scores on shared seeds.
    """
    corners = [finite_sample(x, "an interaction") for x in (both, first, second, neither)]
    if len({corner.size for corner in corners}) > 1:
        raise StatisticsError("the arms of an interaction must share their seeds")
    sign = 1 if direction == "maximize" else -1
    contrast = sign * (corners[0] - corners[1] - corners[2] + corners[3])
    variance = float(contrast.var(ddof=1)) if contrast.size > 1 else None
    return Interaction(mean_interval(contrast, 1 - alpha), variance)


@dataclass(frozen=True)
class Membership:
    """Who enters the stack.

    Parameters
    ----------
    members
        In order of shrunken effect.
    left_out
        Technique to the stronger one that excludes it.
    dependents
        Member to the members that need it, in their order; those without any are not named.
    """

    members: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    dependents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rests(self) -> dict[str, tuple[str, ...]]:
        """Each member with what is left without it: without what needs it, too.

        Examples
        --------
        >>> Membership(("a", "b", "c"), (), {"a": ("b",)}).rests
        {'a': ('c',), 'b': ('a', 'c'), 'c': ('a', 'b')}
        """
        gone = {one: {one, *self.dependents.get(one, ())} for one in self.members}
        return {
            one: tuple(other for other in self.members if other not in gone[one])
            for one in self.members
        }


def choose_members(
    shrunken: Mapping[str, float],
    excludes: Callable[[str, str], bool],
    requires: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Membership:
    """Let the adopted techniques in by shrunken effect; of two that exclude each other, the larger.

    Parameters
    ----------
    shrunken
        Adopted technique to b_k.
    excludes
        Whether two techniques cannot be on at once.
    requires
        Technique to those that it makes no sense without.

    Examples
    --------
    >>> choose_members({"a": 0.1, "b": 0.3, "c": 0.2}, lambda x, y: {x, y} == {"a", "b"})
    Membership(members=('b', 'c'), left_out=(('a', 'b'),), dependents={})
    """
    members: list[str] = []
    left_out: list[tuple[str, str]] = []
    for name in sorted(shrunken, key=lambda name: (-shrunken[name], name)):
        stronger = _first_conflict(name, members, excludes)
        if stronger is None:
            members.append(name)
        else:
            left_out.append((name, stronger))
    needed = {name: all_required(name, requires) for name in members}
    dependents = {
        name: tuple(other for other in members if name in needed[other]) for name in members
    }
    found = {name: others for name, others in dependents.items() if others}
    return Membership(tuple(members), tuple(left_out), found)


def _first_conflict(
    name: str, members: Sequence[str], excludes: Callable[[str, str], bool]
) -> str | None:
    return next((member for member in members if excludes(name, member)), None)
