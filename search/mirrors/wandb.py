"""Runs for Weights & Biases, written where ``wandb sync`` finds them: nothing is sent from here.

Offline alone, so that neither an outage nor a missing login can hold up a study or its end.
"""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from search.errors import OptionError
from search.plain import digest, plain
from search.storage.records import SeriesRecord, TrialRecord

MARKS = "winnow-runs"  # a file for every run that is whole; `wandb clean` leaves it
LONGEST = 64  # characters of a tag


@dataclass(frozen=True)
class WandbMirror:
    """Offline runs under ``FOLDER/wandb``: a project per study, a group per arm."""

    folder: Path

    @classmethod
    def at(cls, where: str) -> WandbMirror:
        """Return the mirror in a folder.

        Raises
        ------
        OptionError
            If the package is not there.
        """
        spec = find_spec("wandb")
        if spec is None or spec.origin is None:  # a folder of this name is no package
            raise OptionError("--mirror wandb needs its package: pip install winnow[wandb]")
        return cls(Path(where).expanduser().absolute())

    @property
    def shown(self) -> str:
        """What it is, in words that may be printed."""
        return f"wandb:{self.folder}"

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """What it raises when runs cannot be written."""
        return (OSError, RuntimeError, ValueError, _wandb().Error)

    def known(self, study: str) -> set[str]:
        """Return the keys of the runs of a study that it holds whole."""
        marks = (self.folder / "wandb" / MARKS).glob("*")
        keys = (path.read_text(encoding="utf-8") for path in marks)
        return {key for key in keys if key.startswith(f"{study}/")}

    def copy(self, key: str, series: SeriesRecord, trial: TrialRecord) -> None:
        """Write a run, then its mark; what an interrupted copy has left is replaced."""
        asked, name, runs = trial.asked, digest(key), self.folder / "wandb"
        (runs / MARKS).mkdir(parents=True, exist_ok=True)
        for partial in runs.glob(f"offline-run-*-{name}"):
            shutil.rmtree(partial)
        run = _wandb().init(
            mode="offline",
            dir=self.folder,
            project=series.name,
            id=name,
            name=f"{asked.arm}, seed {asked.seed}",
            group=asked.arm,
            job_type=series.kind,
            tags=[asked.arm[:LONGEST]],
            config={**plain(dict(asked.configuration)), "winnow": _facts(key, series, trial)},
            reinit="create_new",
            settings=_settings(),
        )
        for step in trial.steps:
            finite = {n: v for n, v in step.metrics.items() if math.isfinite(v)}
            run.log(finite, step=step.step)
        run.summary["outcome"] = trial.outcome
        run.finish(exit_code=int(trial.outcome == "failed"))
        (runs / MARKS / name).write_text(key, encoding="utf-8")


def _facts(key: str, series: SeriesRecord, trial: TrialRecord) -> dict[str, Any]:
    return {
        "key": key,
        "series": series.study,
        "trial": trial.number,
        "arm": trial.asked.arm,
        "seed": trial.asked.seed,
        "outcome": trial.outcome,
    }


def _settings() -> Any:
    """Return settings by which a run is just what it is told: no output, code or commit."""
    return _wandb().Settings(console="off", silent=True, disable_git=True, save_code=False)


def _wandb() -> Any:
    """Return the package, which takes a second to import, and must not report its own errors."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    return wandb
