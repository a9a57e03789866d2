"""One row per trial of a search: what was tried, what came out; never a held-out metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.storage.records import RunFlag, Step, TrialRecord
from search.trainable import TEST_PREFIX


@dataclass(frozen=True)
class TrialRow:
    """A trial as a report shows it.

    Parameters
    ----------
    number, arm, seed, bracket
        As asked for.
    outcome
        complete, pruned, diverged, failed, stopped or running.
    values
        The objectives' values: of a complete trial its score, of one stopped early its last.
    score_step
        The step of `values`; None where there are none.
    last_step
        The last step that was trained; 0 for none.
    elapsed_s
        Seconds of all ended attempts.
    attempts
        How many times it was started.
    params
        Optuna's parameters; one that did not exist for this trial is absent.
    changes
        The fields that differ from the baseline.
    configuration
        Every field by dotted path.
    metrics
        What the trainable reported at `score_step`, held-out metrics left out.
    reason, error
        Why it ended, and the last traceback.
    flags
        What guards said.
    """

    number: int
    arm: str
    seed: int
    bracket: int
    outcome: str
    values: tuple[float, ...]
    score_step: int | None
    last_step: int
    elapsed_s: float
    attempts: int
    params: Mapping[str, Any]
    changes: Mapping[str, Any]
    configuration: Mapping[str, Any]
    metrics: Mapping[str, float]
    reason: str | None
    error: str | None
    flags: tuple[RunFlag, ...] = ()

    @property
    def flag_kinds(self) -> tuple[str, ...]:
        """The kinds of its flags, each once."""
        return tuple(dict.fromkeys(flag.kind for flag in self.flags))

    @property
    def flag_names(self) -> str:
        """The kinds of its flags, for a cell."""
        return ", ".join(self.flag_kinds).replace("_", " ")

    @property
    def value(self) -> float | None:
        """The first objective's value."""
        return self.values[0] if self.values else None

    @property
    def complete(self) -> bool:
        """Whether it ran to its end and has a score."""
        return self.outcome == "complete" and bool(self.values)

    @property
    def is_baseline(self) -> bool:
        """Whether it tried the baseline configuration."""
        return not self.changes


def trial_row(record: TrialRecord, params: Mapping[str, Any]) -> TrialRow:
    """Return the row of a trial, given its parameters."""
    result = record.result
    step = result.step if result else None
    return TrialRow(
        number=record.number,
        arm=record.asked.arm,
        seed=record.asked.seed,
        bracket=record.asked.bracket,
        outcome=record.outcome,
        values=result.values if result else (),
        score_step=step,
        last_step=record.steps[-1].step if record.steps else 0,
        elapsed_s=record.elapsed_s,
        attempts=len(record.attempts),
        params=params,
        changes=record.asked.changes,
        configuration=record.asked.configuration,
        metrics=open_metrics(record, step),
        reason=result.reason if result else None,
        error=next((a.error for a in reversed(record.attempts) if a.error), None),
        flags=record.flags,
    )


def open_metrics(record: TrialRecord, step: int | None) -> dict[str, float]:
    """Return what a trial reported at a step, held-out metrics left out."""
    found = step_at(record, step)
    metrics = found.metrics if found else {}
    return {name: v for name, v in metrics.items() if not name.startswith(TEST_PREFIX)}


def step_at(record: TrialRecord, step: int | None) -> Step | None:
    """Return a trial's step of this number; None where it has none."""
    return next((found for found in reversed(record.steps) if found.step == step), None)
