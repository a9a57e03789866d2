"""Package versions: what `constraints.txt` pins, what a cluster has, where the two differ."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

CONSTRAINTS = "constraints.txt"
OURS = "winnow"  # travels with the tree
CLUSTERS = "ray"  # a job runs in the cluster's own, whatever it installs
SHOWN = 8


def read_pins(text: str) -> dict[str, str]:
    r"""Return the version that a constraints file pins, by package.

    Examples
    --------
    >>> read_pins("# exact\nNumPy==2.4.6\ntorch>=2.6  # no pin\n")
    {'numpy': '2.4.6'}
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        requirement = _requirement(line.partition("#")[0].strip())
        pins = (
            [] if requirement is None else [s for s in requirement.specifier if s.operator == "=="]
        )
        if requirement is not None and len(pins) == 1 and _applies(requirement):
            found[canonicalize_name(requirement.name)] = pins[0].version
    return found


def pins_of(root: Path) -> dict[str, str]:
    """Return the versions a tree's study runs with, by package.

    Those are the packages that winnow, and the project in the tree if there is one, need; each at
    the version that the tree's ``constraints.txt`` pins, else at the one that is installed here.
    """
    file = root / CONSTRAINTS
    pins = read_pins(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found: dict[str, str] = {}
    for name in sorted(needed([OURS, *_project(root)])):
        if (wanted := pins.get(name) or installed_version(name)) is not None:
            found[name] = wanted
    return found


def to_install(pins: Mapping[str, str]) -> list[str]:
    """Return what pip is asked for: every pin, except Ray, which is the cluster's."""
    return [f"{name}=={pins[name]}" for name in sorted(pins) if name not in (CLUSTERS, OURS)]


def needed(names: Iterable[str]) -> set[str]:
    """Return packages and everything that they need here, as far as it is installed."""
    found: set[str] = set()
    waiting = [(canonicalize_name(Requirement(n).name), Requirement(n).extras) for n in names]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        found.add(name)
        waiting += [(canonicalize_name(r.name), r.extras) for r in _requirements(name, extras)]
    return found - {OURS}


def installed_version(name: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def installed(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed here."""
    found = {name: installed_version(name) for name in names}
    return {name: there for name, there in found.items() if there is not None}


def missing(wanted: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return the packages that are wanted and not there."""
    return [name for name in sorted(wanted) if name not in there]


def different(wanted: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Return the packages whose version is another one, in words.

    Examples
    --------
    >>> different({"numpy": "2.4.6", "torch": "2.13.0"}, {"numpy": "2.4.1", "torch": "2.13.0+cpu"})
    ['numpy 2.4.1 instead of 2.4.6']
    """
    return [
        f"{name} {there[name]} instead of {wanted[name]}"
        for name in sorted(wanted)
        # what follows a plus is how it was built, not what it is
        if name in there and there[name].partition("+")[0] != wanted[name].partition("+")[0]
    ]


def listed(words: Iterable[str]) -> str:
    """Return some words in a line, and how many more there are."""
    found = list(words)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def _requirements(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    try:
        texts = distribution(name).requires or ()
    except PackageNotFoundError:
        return
    for text in texts:
        requirement = _requirement(text)
        if requirement is not None and _applies(requirement, ("", *extras)):
            yield requirement


def _project(root: Path) -> list[str]:
    """Return what the project in a tree says that it needs."""
    file = root / "pyproject.toml"
    if not file.is_file():
        return []
    project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    found = [_requirement(str(text)) for text in project.get("dependencies", ())]
    return [str(requirement) for requirement in found if requirement and _applies(requirement)]


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _applies(requirement: Requirement, extras: Iterable[str] = ("",)) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)
