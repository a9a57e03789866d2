"""A roll-up for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from search.reports.parts import Part, parts_markdown, parts_table
from search.reports.priority_words import BADGES
from search.reports.rollup import Family, Measurement, Rollup
from search.reports.text import ABSENT, number, plural, signed
from search.technique import Impact

HEADS = ("technique", "study", "expected", "effect", "in", "gains", "verdict")
GAINS = "gains: the effect in units of the smallest gain worth adopting, which each study states"


def rollup_table(found: Rollup) -> str:
    """Return a roll-up as plain text, as wide as the terminal allows."""
    return parts_table(_parts(found))


def rollup_markdown(found: Rollup) -> str:
    """Return a roll-up as Markdown."""
    return parts_markdown(f"Roll-up of {plural(len(found.studies), 'table')}", _parts(found))


def _parts(found: Rollup) -> Iterator[Part]:
    shared = [family for family in found.families if family.n_studies > 1]
    alone = [family for family in found.families if family.n_studies == 1]
    yield Part("Expected against measured", note=_tau_words(found))
    if found.expectations:
        heads = ("expected", "measured", "adopted", "harmful", "median gains")
        counted: list[tuple[str, ...]] = [
            (e.expected, f"{e.n_measured}", f"{e.n_adopted}", f"{e.n_harmful}",
             signed(e.median_gains))
            for e in found.expectations
        ]  # fmt: skip
        yield Part("What became of what was expected", heads, counted, GAINS)
    if shared:
        rows = [row for family in shared for row in _rows(family)]
        yield Part("Techniques measured by several studies", HEADS, rows, GAINS)
    if alone:
        rows = [row for family in alone for row in _rows(family)]
        yield Part("Techniques measured by one", HEADS, rows)


def _tau_words(found: Rollup) -> str:
    if found.tau is None:
        return f"{plural(found.n_pairs, 'row')} with both: too few, or all expected alike"
    return (
        f"Kendall's tau-b {signed(found.tau)} over {plural(found.n_pairs, 'row')} of "
        f"{plural(len(found.studies), 'table')} (p = {number(found.p, 2)}, rows taken as "
        "independent): 1 if all came in the order expected, 0 if expectations say nothing"
    )


def _rows(family: Family) -> Iterator[tuple[str, ...]]:
    for place, one in enumerate(family.measured):
        name = family.name if len(family.measured) > 1 else one.technique
        adopted = f" ({family.n_adopted} of {len(family.measured)} adopted)"
        head = name + (adopted if len(family.measured) > 1 else "")
        called = f"{one.study}: {one.technique}" if one.technique != name else one.study
        yield (head if place == 0 else "", called, *_values(one))


def _values(one: Measurement) -> tuple[str, ...]:
    stated = ABSENT if one.expected == Impact.NOT_STATED.value else one.expected
    return (
        stated,
        _effect(one),
        one.metric,
        ABSENT if one.gains is None else signed(round(one.gains, 2)),
        BADGES[one.verdict],
    )


def _effect(one: Measurement) -> str:
    if one.effect is None:
        return ABSENT
    if one.low is None or one.high is None:
        return signed(one.effect)
    return f"{signed(one.effect)} ± {number((one.high - one.low) / 2, 2)}"
