"""Records as rows of our tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from search.plain import plain
from search.storage.records import Checkpoint, RunFlag, Step

Rows = list[dict[str, Any]]


def dumps(value: Any) -> str:
    """Return canonical JSON; non-finite numbers become text."""
    return json.dumps(plain(value), sort_keys=True)


def step_rows(key: Mapping[str, Any], steps: Sequence[Step]) -> Rows:
    """Return the rows of an attempt's steps."""
    return [
        {
            **key,
            "step": step.step,
            "metrics": dumps(step.metrics),
            "elapsed_s": step.elapsed_s,
            "finished": step.finished,
        }
        for step in steps
    ]


def checkpoint_rows(key: Mapping[str, Any], checkpoints: Sequence[Checkpoint]) -> Rows:
    """Return the rows of an attempt's checkpoints."""
    return [
        {
            **key,
            "step": checkpoint.step,
            "path": checkpoint.path,
            "sha256": checkpoint.sha256,
            "size": checkpoint.size,
            "written": checkpoint.written,
        }
        for checkpoint in checkpoints
    ]


def flag_rows(trial: Mapping[str, Any], flags: Sequence[RunFlag]) -> Rows:
    """Return the rows of what guards said of a trial."""
    return [
        {
            **trial,
            "kind": flag.kind,
            "metric": flag.metric,
            "step": flag.step,
            "content": dumps({"value": flag.value, "words": flag.words, "stops": flag.stops}),
        }
        for flag in flags
    ]
