"""A comparison for a terminal, and as Markdown: the same tables in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.reports.comparison import Comparison, Difference, MetricPair
from search.reports.markdown import spark
from search.reports.parts import Part, parts_markdown, parts_table
from search.reports.priority_words import BADGES
from search.reports.subjects import Effect, Subject
from search.reports.text import ABSENT, clipped, number, plural, shown, signed

MOST_METRICS = 30  # the others are in the JSON
LONGEST = 60  # characters of a setting; whole in the JSON
BLOCKS = 24  # of a curve


def comparison_table(found: Comparison) -> str:
    """Return a comparison as plain text, as wide as the terminal allows."""
    return parts_table(_parts(found))


def comparison_markdown(found: Comparison) -> str:
    """Return a comparison as Markdown."""
    return parts_markdown(f"{found.first.label} against {found.second.label}", _parts(found))


def _parts(found: Comparison) -> Iterator[Part]:
    sides = (found.first.label, found.second.label)
    if found.first.kind == found.second.kind == "study":
        yield _settings("Registration", sides, found.design, None)
    yield _settings("Configuration", sides, found.configuration, found.n_same)
    if found.effects:
        yield Part("Techniques", ("technique", *sides), list(_effects(found)))
    if found.metrics:
        yield _metric_part(found, sides)
    curves = [side for side in (found.first, found.second) if side.curve]
    if curves:
        heads = ("curve", "first", "best", "last", "course")
        yield Part("Curves", heads, list(_curves(curves)), "of the objective, mean over runs")


def _settings(
    title: str, sides: tuple[str, str], found: Sequence[Difference], n_same: int | None
) -> Part:
    rows = [(d.name, _value(d.first), _value(d.second)) for d in found]
    same = f"{plural(n_same, 'field')} alike" if n_same is not None else ""
    note = same if rows else "; ".join(part for part in ("no difference", same) if part)
    return Part(title, ("setting", *sides), rows, note)


def _value(value: object) -> str:
    return ABSENT if value is None else clipped(shown(value), LONGEST)


def _effects(found: Comparison) -> Iterator[tuple[str, str, str]]:
    for name, (one, two) in found.effects.items():
        yield name, _effect(one), _effect(two)


def _effect(found: Effect | None) -> str:
    if found is None:
        return ABSENT
    word = BADGES[found.verdict]
    if found.effect is None:
        return word
    if found.low is None or found.high is None:
        return f"{signed(found.effect)}, {word}"
    return f"{signed(found.effect)} ± {number((found.high - found.low) / 2, 2)}, {word}"


def _metric_part(found: Comparison, sides: tuple[str, str]) -> Part:
    hidden = len(found.metrics) - MOST_METRICS
    note = "difference: second minus first on the seeds they share, 95 % interval, unadjusted"
    if found.first.study != found.second.study:
        note = "of two studies: their seeds draw different things, so that no interval is given"
    if hidden > 0:
        note += f"; {plural(hidden, 'further metric')} as JSON"
    rows = [_metric(pair) for pair in found.metrics[:MOST_METRICS]]
    return Part("Metrics", ("metric", *sides, "difference"), rows, note)


def _metric(pair: MetricPair) -> tuple[str, str, str, str]:
    return (
        pair.metric,
        _mean(pair.first, pair.n_first),
        _mean(pair.second, pair.n_second),
        _apart(pair),
    )


def _apart(pair: MetricPair) -> str:
    if pair.first is None or pair.second is None:
        return ABSENT
    interval = pair.difference
    if interval is None or interval.low is None or interval.high is None:
        return signed(pair.second - pair.first)
    if interval.low == interval.high == 0:
        return "equal"
    half = number((interval.high - interval.low) / 2, 2)
    return f"{signed(interval.estimate)} ± {half}"


def _mean(value: float | None, n: int) -> str:
    return number(value) + (f" (n = {n})" if n > 1 else "")


def _curves(sides: Sequence[Subject]) -> Iterator[tuple[str, ...]]:
    values = [value for side in sides for _, value in side.curve]
    low, high = min(values), max(values)
    for side in sides:
        best = (max if _maximizes(side) else min)(side.curve, key=lambda point: point[1])
        (first, start), (last, end) = side.curve[0], side.curve[-1]
        every = max(1, -(-len(side.curve) // BLOCKS))
        shares = [(value - low) / ((high - low) or 1.0) for _, value in side.curve[::every]]
        yield (
            side.label,
            f"{number(start)} at {first}",
            f"{number(best[1])} at {best[0]}",
            f"{number(end)} at {last}",
            spark(shares),
        )


def _maximizes(side: Subject) -> bool:
    return side.directions[side.objective] == "maximize"
