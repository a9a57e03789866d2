"""Which code each arm's runs are made with: today's, or what its earlier runs were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search.configuration import digest
from search.errors import StudyError
from search.protocol.arms import BASELINE
from search.protocol.code import code_digest
from search.protocol.entries import technique_entry
from search.protocol.rerunning import ASK, Rerun
from search.storage.registrations import RegistrationRecord
from search.study import Study


def current_codes(study: Study) -> dict[str, str]:
    """Return the digest of today's code by arm; a post-hoc technique has code of its own."""
    trained = code_digest(study.trainable)
    found = {BASELINE: trained}
    for technique in study.techniques:
        own = (technique.fit, study.metrics) if technique.stage == "post-hoc" else ()
        parts = [code_digest(function) for function in own if function is not None]
        found[technique.name] = digest(parts) if parts else trained
    return found


def codes_of(
    study: Study,
    earlier: Sequence[RegistrationRecord],
    now: Mapping[str, str],
    rerun: Rerun | None,
) -> dict[str, str]:
    """Return the code each arm's runs are made with: today's for new arms and those run again.

    Code by which an arm was run before gets a mark when it is run again: those runs no longer
    count.

    Parameters
    ----------
    study
        The question.
    earlier
        Its registrations so far.
    now
        From `current_codes`.
    rerun
        Arms to be run again.

    Raises
    ------
    StudyError
        If code has changed, and nothing is to be run again.
    """
    last = earlier[-1].specification if earlier else {"code": {}, "current_code": {}}
    if rerun is None:
        _refuse_changed(study.name, last, now)
    again = [name for name in now if rerun is not None and rerun.covers(name)]
    now = {name: _marked(name, code, earlier) if name in again else code
           for name, code in now.items()}  # fmt: skip
    before = {} if BASELINE in again else last["code"]
    kept = {name: code for name, code in before.items() if name not in again}
    entries = {entry["name"]: entry for entry in last.get("techniques", ())}
    present = {technique.name: technique_entry(study, technique) for technique in study.techniques}
    # what is withdrawn keeps its numbers
    codes = {**kept, BASELINE: kept.get(BASELINE, now[BASELINE])}
    for technique in sorted(study.techniques, key=lambda one: one.stage == "post-hoc"):
        name, own = technique.name, now[technique.name]
        makeup = _makeup(name, present)
        if technique.stage == "post-hoc":  # it is applied to what others' code has predicted
            own = digest([codes[BASELINE], own, makeup, *(codes[v] for v in technique.voters)])
        same = makeup == _makeup(name, entries) and not {*technique.voters} & {*again}
        codes[name] = kept.get(name, own) if same else own
    return codes


def _makeup(name: str, entries: Mapping[str, Mapping[str, Any]]) -> list[Any] | None:
    """Return how many seeds a technique takes together, and its voters with what they set."""
    if name not in entries:
        return None
    entry = entries[name]
    voters = [[voter, _settings(voter, entries)] for voter in entry.get("voters") or ()]
    return [entry["members"], voters]


def _settings(name: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is set where a technique is on: what it requires is on as well."""
    found: dict[str, Any] = {}
    for one in (*entries[name]["requires"], name):
        found |= entries[one]["on"]
    return found


def _marked(name: str, code: str, earlier: Sequence[RegistrationRecord]) -> str:
    """Return the code of an arm that is run again, told from that of its runs so far."""
    last = earlier[-1].specification
    seen = [record.specification["current_code"].get(name) for record in earlier]
    return digest([code, "again", len(earlier)]) if name in last["code"] and code in seen else code


def _refuse_changed(study: str, last: Mapping[str, Any], now: Mapping[str, str]) -> None:
    """Raise if code has changed and nobody has said which arms that concerns."""
    seen = last["current_code"]
    changed = [name for name in now if name in last["code"] and seen.get(name) != now[name]]
    if changed:
        names = ", ".join(f"'{name}'" for name in changed)
        whose = f"study '{study}'" if BASELINE in changed else names
        raise StudyError(
            f"the code of {whose} has changed since "
            "it was registered; runs made by different code are never compared silently. Say which "
            f"arms the change concerns, and what it is: {ASK}"
        )
