"""The words of the table, and the order in which they are considered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from search.statistics.arrays import BoolArray, CodeArray

MIN_PAIRS = 3
"""Valid pairs without which there is no verdict."""
UNDECIDED = -1
"""Code of an arm that still gets seeds."""


class Verdict(StrEnum):
    """What the table says about a technique."""

    ADOPT = "adopt"
    REJECT = "reject"
    HARMFUL = "harmful"
    INCONCLUSIVE = "inconclusive"
    UNSTABLE = "unstable"
    NOT_MEASURED = "not_measured"
    NO_EFFECT = "no_effect"
    DEGENERATE = "degenerate"
    NOT_COMPARABLE = "not_comparable"


class WorthIt(StrEnum):
    """Whether an effect is worth its delta. ADOPT alone says only that the effect is above 0."""

    PROVEN = "proven"
    LIKELY = "likely"
    UNPROVEN = "unproven"


VERDICTS = tuple(Verdict)
CODES = {verdict: code for code, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True, eq=False)
class Findings:
    """What one look found; boolean arrays of shape (..., n_arms).

    Parameters
    ----------
    crashed
        No run of the arm ended well.
    zero
        All differences are exactly 0.
    constant
        All differences are equal, not 0, and no other arm lends a variance.
    testable
        At least `MIN_PAIRS` valid pairs.
    harmful, rejected
        The upper bound lies below 0, below delta.
    significant
        The adjusted p is at most alpha.
    healthy
        The failure rate is at most max_fail.
    """

    crashed: BoolArray
    zero: BoolArray
    constant: BoolArray
    testable: BoolArray
    harmful: BoolArray
    rejected: BoolArray
    significant: BoolArray
    healthy: BoolArray


def decide(found: Findings, *, last: bool) -> CodeArray:
    """Verdict codes of one look, `UNDECIDED` where the arm needs more seeds.

    No effect comes before degenerate comes before the tests; reject comes before adopt, so that a
    real effect below delta is "real, but too small". Unstable and inconclusive wait for the last
    look. An arm none of whose runs ended well is not measured: more seeds would only crash.

    Parameters
    ----------
    last
        Whether no further look will come.
    """
    wait = UNDECIDED

    def at_end(verdict: Verdict) -> int:
        return CODES[verdict] if last else wait

    order = (
        (found.crashed, CODES[Verdict.NOT_MEASURED]),
        (~found.testable, at_end(Verdict.NOT_MEASURED)),
        (found.zero, CODES[Verdict.NO_EFFECT]),
        (found.constant, CODES[Verdict.DEGENERATE]),
        (found.harmful, CODES[Verdict.HARMFUL]),
        (found.rejected, CODES[Verdict.REJECT]),
        (found.significant & found.healthy, CODES[Verdict.ADOPT]),
        (found.significant, at_end(Verdict.UNSTABLE)),
    )
    codes = np.select([test for test, _ in order], [code for _, code in order])
    undecided = ~np.logical_or.reduce([test for test, _ in order])
    return np.where(undecided, at_end(Verdict.INCONCLUSIVE), codes).astype(np.int8)


def worth_it(ci_low: float, shrunken: float, delta: float) -> WorthIt:
    """Whether the gain is at least delta: proven by the interval, likely by the estimate.

    Examples
    --------
    >>> worth_it(ci_low=0.2, shrunken=1.5, delta=1.0)
    <WorthIt.LIKELY: 'likely'>
    """
    if ci_low >= delta:
        return WorthIt.PROVEN
    return WorthIt.LIKELY if shrunken >= delta else WorthIt.UNPROVEN


def is_free_win(ci_low: float, delta: float, *cost_ratio_highs: float | None) -> bool:
    """As good but cheaper: not worse by delta, and some cost ratio surely below 1.

    Parameters
    ----------
    cost_ratio_highs
        Upper bounds of the compute and memory ratios; None where unknown.

    Examples
    --------
    >>> is_free_win(-0.001, 0.01, 0.8, None), is_free_win(-0.02, 0.01, 0.8, None)
    (True, False)
    """
    cheaper = any(high is not None and high < 1 for high in cost_ratio_highs)
    return ci_low > -delta and cheaper
