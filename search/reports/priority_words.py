"""What a priority report says in sentences about one technique, the same in every format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from search.reports.priority_result import Line, PriorityReport
from search.reports.text import ABSENT, MINUS, number, plural
from search.statistics import Row, Verdict, WorthIt

BADGES: Mapping[Verdict | None, str] = {
    Verdict.ADOPT: "Adopt",
    Verdict.REJECT: "Reject",
    Verdict.HARMFUL: "Harmful",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.UNSTABLE: "Unstable",
    Verdict.NOT_MEASURED: "Not measured",
    Verdict.NO_EFFECT: "No effect",
    Verdict.DEGENERATE: "No verdict",
    Verdict.NOT_COMPARABLE: "Not comparable",
    None: "Undecided",
}
WORTH = {
    WorthIt.PROVEN: "the gain is at least {delta}",
    WorthIt.LIKELY: "a gain; at least {delta} is likely, not proven",
    WorthIt.UNPROVEN: "a gain, but {delta} is not proven",
}
SMALLEST_P = 1e-4
MOST_NAMES = 6  # that a sentence lists
MANY_SEEDS = 1000  # more than this is "more than can be run"


def fixed(value: float | None, decimals: int) -> str:
    """Return a number with a fixed count of digits after the point.

    Examples
    --------
    >>> fixed(0.04161, 3), fixed(-1.5, 1), fixed(None, 2)
    ('0.042', '−1.5', '–')
    """
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{value:.{decimals}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def change(value: float | None, decimals: int) -> str:
    """Return a difference with its sign, and a fixed count of digits.

    Examples
    --------
    >>> change(0.04161, 3), change(-0.0001, 3)
    ('+0.042', '0.000')
    """
    text = fixed(value, decimals)
    return (
        f"+{text}" if value is not None and value > 0 and float(f"{value:.{decimals}f}") else text
    )


def decimals_for(unit: float | None) -> int:
    """Return the digits that print a value of this size with three of them, at most 8.

    Examples
    --------
    >>> decimals_for(0.01), decimals_for(2.5), decimals_for(None)
    (4, 2, 4)
    """
    if unit is None or not unit > 0 or math.isinf(unit):
        return 4
    return min(8, max(0, 2 - math.floor(math.log10(unit))))


def p_words(p: float | None) -> str:
    """Return a p-value.

    Examples
    --------
    >>> p_words(0.03126), p_words(0.000002), p_words(1.0), p_words(None)
    ('0.031', '<0.0001', '1', '–')
    """
    if p is None:
        return ABSENT
    if p < SMALLEST_P:
        return f"<{SMALLEST_P:.4f}"
    return "1" if p >= 1 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def ratio_words(ratio: float | None) -> str:
    """Return a cost ratio.

    Examples
    --------
    >>> ratio_words(1.0412), ratio_words(None)
    ('×1.04', '–')
    """
    return ABSENT if ratio is None else f"×{ratio:.2f}" if ratio < 100 else f"×{ratio:.0f}"


def interval_words(low: float | None, high: float | None, decimals: int) -> str:
    """Return an interval; a dash where there is none."""
    if low is None or high is None:
        return ABSENT
    return f"{change(low, decimals)} to {change(high, decimals)}"


def detail(row: Row, entry: Mapping[str, Any], bug: str, context: Mapping[str, Any]) -> str:
    """Return in plain words what a verdict means.

    Parameters
    ----------
    bug
        The exception of an arm that is paused as a bug, or "".
    context
        `metric`, `decimals`, `refusal` and `needs` (technique to the seeds of its next look).
    """
    delta = number(row.delta)
    match row.verdict:
        case None:
            return _undecided(row, context["needs"].get(row.technique))
        case Verdict.ADOPT:
            return WORTH[row.worth_it].format(delta=delta) if row.worth_it else "a gain"
        case Verdict.REJECT:
            real = row.ci_low is not None and row.ci_low > 0
            return f"{'real, but ' if real else ''}smaller than {delta}"
        case Verdict.HARMFUL:
            return "makes it worse"
        case Verdict.INCONCLUSIVE:
            return _further(row)
        case Verdict.UNSTABLE:
            return f"a gain, but {row.n_failed} of {plural(row.n_seeds, 'run')} failed"
        case Verdict.NO_EFFECT:
            return f"{context['metric']} is identical on every seed"
        case Verdict.DEGENERATE:
            return context["refusal"] or "the seed does not change the result"
        case Verdict.NOT_COMPARABLE:
            return row.note or context["refusal"] or "its runs may not be compared"
    return _not_measured(row, entry, bug)


def _undecided(row: Row, needs: int | None) -> str:
    so_far = f"{plural(row.n_seeds, 'seed')} so far" if row.n_seeds else "no pair has ended yet"
    if not needs:
        return so_far
    if row.n_seeds >= needs:
        return f"{so_far}; the look waits for other arms"
    return f"{so_far}; the next look is at {needs}"


def _further(row: Row) -> str:
    found = row.seeds_needed
    if found is None or found.for_delta is None or found.for_delta > MANY_SEEDS:
        return f"after {plural(row.n_seeds, 'seed')}; no number of seeds can be promised"
    seeds = "1 more seed" if found.for_delta == 1 else f"{found.for_delta} more seeds"
    return f"{seeds} would settle it"


def _not_measured(row: Row, entry: Mapping[str, Any], bug: str) -> str:
    if bug:
        return f"paused as a bug, mend and rerun: {bug}"
    if entry["status"] == "planned":
        return "planned, not run"
    if entry.get("withdrawn"):
        return "withdrawn from the study file"
    if row.n_seeds and row.n_failed == row.n_seeds:
        return f"all {plural(row.n_seeds, 'run')} failed"
    return f"{plural(row.n_seeds, 'pair')} of runs; a verdict needs 3"


def groups(lines: Sequence[Line]) -> Iterator[tuple[Line, ...]]:
    """Yield the groups of two or more neighbours whose rank intervals overlap."""
    ranked = [line for line in lines if line.row.group is not None]
    for _, members in groupby(ranked, key=lambda line: line.row.group):
        found = tuple(members)
        if len(found) > 1:
            yield found


def separation(report: PriorityReport) -> list[str]:
    """Return which ranks are not separated."""
    found = []
    for members in groups(report.lines):
        first, last = members[0].row.rank, members[-1].row.rank
        names = ", ".join(line.technique for line in members)
        if len(members) > MOST_NAMES:
            names = f"these {len(members)} techniques"
        found.append(
            f"Ranks {first} to {last} are not separated: no order may be claimed among {names}."
        )
    return found


def own_words(line: Line) -> str:
    """Return what a post-hoc technique does to its own metric; "" without one."""
    own = line.own
    if own is None:
        return ""
    if own.row is None or own.row.effect is None:
        return f"{own.metric}: {own.note}" if own.note else ""
    digits = decimals_for(abs(own.row.effect) or None)
    spread = interval_words(own.row.ci_low, own.row.ci_high, digits)
    badge = BADGES[own.row.verdict].lower()
    return f"{own.metric}: {change(own.row.effect, digits)} ({spread}), {badge}"
