"""One technique over all studies that measured it, and what became of what was expected.

Effects of different studies are in different metrics; in units of the smallest gain worth adopting,
which every study states in its own, they can stand side by side.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from scipy.stats import kendalltau

from search.configuration import plain
from search.ranking import Priority, rank_study
from search.statistics import Row, Verdict
from search.storage.database import Database
from search.storage.reader import study_names
from search.storage.registrations import read_registrations
from search.technique import Impact

By = Literal["family", "reference", "name"]
PLACES: Mapping[Impact, float] = {  # of stated impacts; a span stands where its middle does
    Impact.NONE: 0.0,
    Impact.LOW: 1.0,
    Impact.LOW_MEDIUM: 1.5,
    Impact.LOW_HIGH: 2.0,
    Impact.MEDIUM: 2.0,
    Impact.MEDIUM_HIGH: 2.5,
    Impact.HIGH: 3.0,
}
NO_MEASUREMENT = (Verdict.NOT_MEASURED, Verdict.DEGENERATE, Verdict.NOT_COMPARABLE)
RANKS = {impact.value: place for impact, place in PLACES.items()}


@dataclass(frozen=True)
class Measurement:
    """What one study says of one technique.

    Parameters
    ----------
    study, metric
        Where it was measured, and in what.
    technique, family, reference, expected
        As registered.
    effect, low, high
        In the metric's unit, positive is better; None where it was not measured.
    gains
        The effect in units of the study's smallest gain.
    verdict
        In the priority table's words.
    n_seeds
        That it rests on.
    """

    study: str
    metric: str
    technique: str
    family: str
    reference: str
    expected: str
    effect: float | None
    low: float | None
    high: float | None
    gains: float | None
    verdict: Verdict | None
    n_seeds: int

    @property
    def counts(self) -> bool:
        """Whether there is an effect that says something."""
        return self.gains is not None and self.verdict not in NO_MEASUREMENT


@dataclass(frozen=True)
class Family:
    """One technique, whatever the studies call it."""

    name: str
    measured: tuple[Measurement, ...]

    @property
    def n_studies(self) -> int:
        """How many studies measured it."""
        return len({one.study for one in self.measured})

    @property
    def n_adopted(self) -> int:
        """How many of its members were adopted."""
        return sum(one.verdict is Verdict.ADOPT for one in self.measured)


@dataclass(frozen=True)
class Expectation:
    """What became of everything that was expected to have this impact."""

    expected: str
    n_measured: int
    n_adopted: int
    n_harmful: int
    median_gains: float


@dataclass(frozen=True)
class Rollup:
    """What many studies say together.

    Parameters
    ----------
    studies
        Those that have a priority table.
    families
        Techniques, the ones measured most often first.
    expectations
        By stated impact, the highest first.
    tau, p
        Kendall's tau-b between the stated impact and the effect in smallest gains, over every
        technique that has both; None for fewer than three, or where all were expected alike. `p`
        is against independence, and treats rows as independent, which those of one study are not.
    n_pairs
        Rows that tau rests on.
    """

    studies: tuple[str, ...]
    families: tuple[Family, ...]
    expectations: tuple[Expectation, ...]
    tau: float | None
    p: float | None
    n_pairs: int


def measurements(database: Database, names: Iterable[str] = ()) -> tuple[Measurement, ...]:
    """Return every technique of a database's priority tables.

    Parameters
    ----------
    database
        An open database.
    names
        Studies; all that have a table by default.
    """
    wanted = tuple(names) or study_names(database)
    tables = (rank_study(database, name) for name in wanted if read_registrations(database, name))
    return tuple(one for priority in tables for one in _of_table(priority))


def roll_up(found: Sequence[Measurement], *, by: By = "family") -> Rollup:
    """Return what many studies say together.

    Parameters
    ----------
    found
        Of any number of databases.
    by
        What makes two techniques the same one: the family they are said to be of, or their
        reference (where they have none, their name counts), or their name alone.
    """
    paired = [one for one in found if one.counts and one.expected in RANKS]
    tau, p = _kendall(paired)
    return Rollup(
        studies=tuple(dict.fromkeys(one.study for one in found)),
        families=_families(found, by),
        expectations=tuple(_expectations(paired)),
        tau=tau,
        p=p,
        n_pairs=len(paired),
    )


def rollup_json(found: Rollup) -> str:
    """Return a roll-up as JSON; every key is always present."""
    shape = plain(asdict(found))
    for family, entry in zip(found.families, shape["families"], strict=True):
        entry["n_adopted"] = family.n_adopted
    return json.dumps(shape, indent=2, allow_nan=False, ensure_ascii=False)


def _of_table(priority: Priority) -> Iterable[Measurement]:
    for row in priority.table.rows:
        entry = priority.entry(row.technique)
        if entry["status"] != "planned":
            yield _measurement(priority, entry, row)


def _measurement(priority: Priority, entry: Mapping[str, Any], row: Row) -> Measurement:
    return Measurement(
        study=priority.name,
        metric=priority.specification["evaluation"]["metric"],
        technique=row.technique,
        family=str(entry.get("family") or ""),
        reference=str(entry.get("reference") or ""),
        expected=str(entry["expected_impact"]),
        effect=row.effect,
        low=row.ci_low,
        high=row.ci_high,
        gains=None if row.effect is None or not row.delta else row.effect / row.delta,
        verdict=row.verdict,
        n_seeds=row.n_seeds,
    )


def _families(found: Iterable[Measurement], by: By) -> tuple[Family, ...]:
    groups: dict[str, list[Measurement]] = {}
    for one in found:
        said = {"family": one.family, "reference": one.reference, "name": ""}[by]
        groups.setdefault((said or one.technique).casefold(), []).append(one)
    families = [_family(mine) for mine in groups.values()]
    return tuple(sorted(families, key=lambda f: (-f.n_studies, f.name.casefold())))


def _family(mine: Sequence[Measurement]) -> Family:
    names = Counter(one.family or one.technique for one in mine)
    return Family(min(names, key=lambda name: (-names[name], len(name))), tuple(mine))


def _expectations(paired: Sequence[Measurement]) -> Iterable[Expectation]:
    for expected in sorted(RANKS, key=lambda word: -RANKS[word]):
        mine = [one for one in paired if one.expected == expected]
        if mine:
            yield Expectation(
                expected,
                len(mine),
                sum(one.verdict is Verdict.ADOPT for one in mine),
                sum(one.verdict is Verdict.HARMFUL for one in mine),
                median(one.gains for one in mine if one.gains is not None),
            )


def _kendall(paired: Sequence[Measurement]) -> tuple[float | None, float | None]:
    ranks = [RANKS[one.expected] for one in paired]
    if len(paired) < 3 or len(set(ranks)) < 2:
        return None, None
    found = kendalltau(ranks, [one.gains for one in paired])
    return float(found.statistic), float(found.pvalue)
