"""Checks of knobs and toggles: each is read, and changes the run.

Changing a knob and comparing metrics is honest, but two steps do not show a patience or a late
schedule. So a knob that changes nothing is looked for among the fields that the trainable reads;
only one that a whole run never reads is wrong for certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.configuration import override
from search.errors import SpaceError
from search.protocol.arms import Arm, trained_arms
from search.protocol.checking_bench import (
    STEPS,
    Bench,
    Check,
    OutOfTime,
    Status,
    differing,
    fields_of,
)
from search.space import Categorical, Domain, When, bare, same, wanted_values
from search.study import Study

NEAR = 0.1  # of the way to a bound: a width stays affordable, a learning rate trains


@dataclass(frozen=True)
class Knob:
    """A field to change, and what must be on for it to matter.

    Parameters
    ----------
    path
        The field.
    context
        What the run beside it sets.
    values
        What the field may be changed to, the most promising first.
    """

    path: str
    context: Mapping[str, Any]
    values: Sequence[Any]


@dataclass(frozen=True)
class Judged:
    """What is known of a field that changed no metric in the first steps."""

    status: Status
    words: str


def check_toggles(bench: Bench) -> Iterator[Check]:
    """Check that every technique changes the run of what it is switched on in."""
    works, quiet = [], []
    n = len(trained_arms(bench.study)) - 1
    for arm in trained_arms(bench.study)[1:]:
        without = _without(bench.study, arm)
        run = bench.tried(arm.settings)
        if run is None or run.error:  # there was no time for it, or it is told elsewhere
            continue
        if dict(arm.settings) == without or differing(run, bench.run(without)):
            works.append(arm.name)
            continue
        own = [path for path in arm.settings if path not in without]
        own = own or [p for p in arm.settings if not same(arm.settings[p], without[p])]
        judged = _judge(bench, own, arm.settings, without)
        if judged.status == "passed":
            quiet.append(arm.name)
            continue
        yield Check("toggles", judged.status, f"technique '{arm.name}': {judged.words}", arm.name)
    if works or quiet:
        words = f"{len(works) + len(quiet)} of {n} techniques' arms change the run{_later(quiet)}"
        yield Check("toggles", "passed", words)


def check_knobs(bench: Bench) -> Iterator[Check]:
    """Check that every knob is read."""
    knobs, quiet, n = list(_knobs(bench.study)), [], 0
    for place, knob in enumerate(knobs):
        try:
            judged = _turned(bench, knob)
        except OutOfTime:
            left = ", ".join(other.path for other in knobs[place:])
            yield Check("knobs", "not reached", f"{left}: the time was over; see --seconds")
            return
        if judged is None:
            n += 1
        elif judged.status == "passed":
            n += 1
            quiet.append(knob.path)
        else:
            yield Check("knobs", judged.status, judged.words)
    if n:
        yield Check("knobs", "passed", f"{n} of {len(knobs)} are read{_later(quiet)}")


def check_leftovers(bench: Bench) -> Iterator[Check]:
    """Check that the configuration has no field that nothing reads."""
    known = {knob.path for knob in _knobs(bench.study)}
    known |= {path for arm in trained_arms(bench.study) for path in arm.settings}
    others = set(fields_of(bench.study)) - known
    whole = bench.affords_whole_runs(len(trained_arms(bench.study)))
    read: set[str] = set()
    for arm in trained_arms(bench.study) if others else ():
        reads = bench.reads(arm.settings, steps=None if whole else STEPS)
        if reads is None or reads.whole:
            return
        read |= reads.fields
    if unread := sorted(others - read):
        when = "" if whole else f" in the first {STEPS} steps"
        words = f"{', '.join(unread)}: never read{when}; a leftover, or a typo where it is used?"
        yield Check("fields", "warning", words)


def _without(study: Study, arm: Arm) -> dict[str, Any]:
    """Return what the run beside an arm's sets: only what the technique requires."""
    settings: dict[str, Any] = {}
    for one in study.with_required(str(arm.technique))[:-1]:
        settings |= one.on
    return settings


def _knobs(study: Study) -> Iterator[Knob]:
    """Yield every field with a domain: the space's in the baseline, a technique's in its arm."""
    baseline = fields_of(study)
    seen: set[str] = set()
    domains: list[tuple[str, Domain | When, dict[str, Any]]]
    domains = [(path, domain, {}) for path, domain in study.space.domains.items()]
    domains += [
        (path, domain, dict(arm.settings))
        for arm in trained_arms(study)
        for path, domain in arm.knobs.items()
    ]
    for path, domain, context in domains:
        if path in seen:
            continue
        seen.add(path)
        if isinstance(domain, When):
            context = {**context, **_condition(domain, {**baseline, **context})}
        context.pop(path, None)
        values = [v for v in _others(bare(domain), baseline[path]) if not same(v, baseline[path])]
        yield Knob(path, context, values)


def _condition(domain: When, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that make a domain exist, where they do not already."""
    return {
        path: wanted_values(wanted)[0]
        for path, wanted in domain.fields.items()
        if not any(same(values[path], value) for value in wanted_values(wanted))
    }


def _others(domain: Domain, value: Any) -> list[Any]:
    """Return values of a domain, beginning near the present one, then its bounds."""
    if isinstance(domain, Categorical):
        return list(domain.choices)
    found: list[Any] = []
    for bound in (domain.high, domain.low):
        if domain.log and value > 0:
            found.append(value * (bound / value) ** NEAR)
        else:
            found.append(value + NEAR * (bound - value))
    if domain.step is not None:
        up, down = value + domain.step, value - domain.step
        found = [v for v in (up, down) if domain.low <= v <= domain.high]
    return [*found, domain.low, domain.high]


def _turned(bench: Bench, knob: Knob) -> Judged | None:
    """Turn a knob; return None where that changes the run, else what is known of it."""
    before = bench.run(knob.context)
    if before.error:
        return Judged("not reached", f"{knob.path}: the run that it belongs to raises")
    tried = 0
    for value in knob.values:
        changes = {**knob.context, knob.path: value}
        try:
            override(bench.study.space.baseline, changes)
        except SpaceError:  # of two fields that depend on each other
            continue
        run = bench.run(changes)
        if run.error:
            last = run.error.strip().splitlines()[-1]
            return Judged("warning", f"{knob.path}={value!r} is in its domain, and raises {last}")
        if differing(before, run):
            return None
        tried += 1
        if tried == 2:
            break
    if not tried:
        return Judged("warning", f"{knob.path}: no other value goes with the baseline; not turned")
    return _judge(bench, [knob.path], changes, knob.context)


def _judge(
    bench: Bench, paths: Sequence[str], changes: Mapping[str, Any], without: Mapping[str, Any]
) -> Judged:
    """Say what it means that these fields have changed no metric in the first steps."""
    shown = ", ".join(paths)
    reads = bench.reads(changes)
    if reads is not None and reads.fields.isdisjoint(paths) and bench.affords_whole_runs():
        late = bench.reads(changes, steps=None)
        if late is not None and not late.whole and late.fields.isdisjoint(paths):
            words = f"{shown} is never read in a whole run: a typo, or not used yet?"
            return Judged("failed", words)
        reads = late
    if reads is None:
        return Judged("warning", f"{shown} changes nothing in the first {STEPS} steps")
    if reads.fields.isdisjoint(paths):
        how = "not read by itself (the configuration is read as a whole)" if reads.whole else ""
        words = f"{shown} changes nothing in the first {STEPS} steps and is "
        return Judged("warning", words + (how or "not read there; more --seconds look further"))
    if bench.affords_whole_runs(2):
        if differing(bench.run(changes, steps=None), bench.run(without, steps=None)):
            return Judged("passed", "it works later in the run")
        return Judged("warning", f"{shown} is read, but changes nothing in a whole run")
    return Judged("passed", "it is read, and may work later in the run")


def _later(quiet: Sequence[str]) -> str:
    if not quiet:
        return ""
    return f" ({', '.join(quiet)}: read, without effect in the first {STEPS} steps)"
