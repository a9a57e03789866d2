"""What a registration's change is: an amendment that reuses runs, runs made again, or a new study.

Changing the yardstick after a look (delta, alpha, looks, metric, data) starts anew on fresh seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.configuration import plain
from search.protocol.arms import BASELINE
from search.protocol.rerunning import Rerun, deviation
from search.storage.registrations import RegistrationRecord

YARDSTICK = (
    "evaluation",
    "objectives",
    "score_at",
    "max_steps",
    "smallest_gain",
    "alpha",
    "looks",
    "verdicts",
    "tuning",
    "tuning_trials",
    "domains",
    "data",
    "split_seed",
    "replication",
    "test_train_ratio",
    "baseline",
    "seed",
)
REMADE = ("max_steps", "score_at", "split_seed", "replication")  # runs mean something else
SETTINGS = ("stage", "status", "on", "knobs", "ranges", "levels", "requires", "members", "voters")
DECLARED = ("targets", "criteria", "guards", "stack")


@dataclass(frozen=True)
class Change:
    """What kind of change a registration sees, in words, and the techniques measured anew."""

    kind: str
    reason: str = ""
    anew: tuple[str, ...] = ()
    remade: bool = False


def tried_again(change: Change, specification: Mapping[str, Any]) -> list[str]:
    """Return the techniques whose scores were seen, and which get another chance.

    New code of the baseline is another study in all but its name; the same code is a second try.
    """
    arms: Sequence[str] = change.anew
    if BASELINE in arms and change.kind == "rerun":
        arms = arms if specification["reruns"][-1]["changed_code"] else [*specification["code"]]
    return [arm for arm in arms if arm != BASELINE]


def reruns(
    record: RegistrationRecord | None, specification: Mapping[str, Any], rerun: Rerun | None
) -> list[dict[str, Any]]:
    """Return everything that was ever run again, and why."""
    before = record.specification if record else {}
    found = list(before.get("reruns", ()))
    if record is None or rerun is None:
        return found
    now = specification["current_code"]
    changed = any(now[name] != code for name, code in before["current_code"].items())
    entry = {"arms": list(rerun.arms), "because": rerun.because, "changed_code": changed}
    return [*found, {"version": record.version + 1, **entry}]


def change_of(
    record: RegistrationRecord, specification: Mapping[str, Any], rerun: Rerun | None
) -> Change | None:
    """Return how a registration changes; None when nothing has changed."""
    before = record.specification
    moved = [key for key in YARDSTICK if plain(before.get(key)) != plain(specification[key])]
    old = {entry["name"]: plain(entry) for entry in before["techniques"]}
    new = {entry["name"]: plain(entry) for entry in specification["techniques"]}
    common = old.keys() & new.keys()
    if any(old[name]["smallest_gain"] != new[name]["smallest_gain"] for name in common):
        moved.append("a technique's smallest_gain")
    again = [deviation(rerun, changed=specification["reruns"][-1]["changed_code"])] if rerun else []
    if moved and record.looks:
        words = f"{', '.join(moved)} changed after a look: fresh seeds, no run reused"
        return Change("new", "; ".join([words, *again]))
    parts = [*again, f"{', '.join(moved)} changed before any look"] if moved else again
    changed = [n for n in old if n in common and _differ(old[n], new[n], SETTINGS)]
    anew = list(dict.fromkeys([*(rerun.arms if rerun else ()), *changed]))
    anew += _voting(anew, before["techniques"])
    declared = [k for k in DECLARED if k in before and plain(before[k]) != plain(specification[k])]
    parts += [f"{', '.join(declared)} changed"] if declared else []
    parts += _technique_words(old, new)
    set_anew = changed + _voting(changed, before["techniques"])
    parts += [f"set anew: {', '.join(set_anew)}"] if set_anew else []
    remade = bool(set(moved) & set(REMADE))
    kind = "rerun" if rerun else "amendment"
    return Change(kind, "; ".join(parts), tuple(anew), remade) if parts else None


def _voting(anew: Sequence[str], entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ensembles that are made anew with their voters."""
    votes = {entry["name"]: entry.get("voters") or () for entry in entries}
    return [n for n, voters in votes.items() if n not in anew and not {*voters}.isdisjoint(anew)]


def _differ(one: Mapping[str, Any], two: Mapping[str, Any], keys: Sequence[str]) -> bool:
    return any(one.get(key) != two.get(key) for key in keys)


def _technique_words(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    added = [name for name in new if name not in old]
    gone = [n for n in old if new[n].get("withdrawn") and not old[n].get("withdrawn")]
    back = [n for n in old if old[n].get("withdrawn") and not new[n].get("withdrawn")]
    parts = [
        f"{sign}{len(names)} technique{'s' if len(names) > 1 else ''} ({', '.join(names)})"
        for sign, names in (("+", added), ("-", gone), ("again ", back))
        if names
    ]
    if len(old) != len(new):
        parts.append(f"K {len(old)} → {len(new)}")
    return parts
