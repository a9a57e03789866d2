"""What a look at a cluster is asked, and what it has found: plain records, as JSON between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MARK = "WINNOW-FINDINGS "


@dataclass(frozen=True)
class Question:
    """What is to be found out on the cluster; it may be read by everybody.

    Parameters
    ----------
    file
        The study file, relative to the tree's root.
    packages
        Whose versions are asked for.
    data, artifacts
        Paths that every node must have, if any.
    """

    file: str
    packages: tuple[str, ...] = ()
    data: str | None = None
    artifacts: str | None = None

    def text(self) -> str:
        """Return the question as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Question:
        """Return the question that a text holds."""
        found: dict[str, Any] = json.loads(text)
        return cls(**found | {"packages": tuple(found["packages"])})


@dataclass(frozen=True)
class Node:
    """One node that is up.

    `has_data` and `shares_artifacts` are None where nothing was asked.
    """

    host: str
    resources: Mapping[str, float]
    python: str
    packages: Mapping[str, str]
    has_data: bool | None = None
    shares_artifacts: bool | None = None


@dataclass(frozen=True)
class Findings:
    """What was found; `storage` and `study` say in words what is wrong with them there."""

    nodes: tuple[Node, ...]
    storage: str | None = None
    study: str | None = None

    def text(self) -> str:
        """Return the findings as one marked line."""
        return f"{MARK}{json.dumps(asdict(self))}"

    @classmethod
    def find(cls, log: str) -> Findings | None:
        """Return the findings that a log holds, if any."""
        lines = [line for line in log.splitlines() if line.startswith(MARK)]
        if not lines:
            return None
        found: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK))
        return cls(**found | {"nodes": tuple(Node(**node) for node in found["nodes"])})
