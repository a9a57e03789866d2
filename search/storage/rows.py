"""Records as rows of our tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import RowMapping

from search.plain import plain
from search.storage.records import Asked, Attempt, Checkpoint, RunFlag, Step

Rows = list[dict[str, Any]]


def dumps(value: Any) -> str:
    """Return canonical JSON; non-finite numbers become text."""
    return json.dumps(plain(value), sort_keys=True)


def attempt_row(trial: Mapping[str, Any], attempt: Attempt) -> dict[str, Any]:
    """Return the row of an attempt that begins."""
    return {
        **trial,
        "attempt": attempt.number,
        "token": attempt.token,
        "host": attempt.host,
        "pid": attempt.pid,
        "versions": dumps(attempt.versions),
        "start_step": attempt.start_step,
        "started": attempt.started,
        "gpus": attempt.gpus,
    }


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


def asked_row(asked: Asked) -> dict[str, Any]:
    """Return what was asked, as a trial's row holds it."""
    return {
        "arm": asked.arm,
        "seed": asked.seed,
        "configuration": dumps(asked.configuration),
        "changes": dumps(asked.changes),
        "max_steps": asked.max_steps,
        "bracket": asked.bracket,
        "code": asked.code,
        "data": asked.data,
    }


def asked_of(row: Mapping[str, Any] | RowMapping) -> Asked:
    """Return what was asked, from a row of ours (or from the copy in Optuna's attributes)."""
    return Asked(
        arm=row["arm"],
        seed=row["seed"],
        configuration=json.loads(row["configuration"]),
        changes=json.loads(row["changes"]),
        max_steps=row["max_steps"],
        bracket=row["bracket"],
        code=row["code"],
        data=row["data"],
    )
