"""A folder that TensorBoard shows: a run's curves, by arm and seed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from search.mirrors.events import event_file
from search.storage.records import SeriesRecord, TrialRecord

DONE = "winnow-run"  # holds a run's key, once its events are whole


@dataclass(frozen=True)
class TensorBoardMirror:
    """Event files under ``FOLDER/<study>/<kind>/<arm>/seed-<seed>-trial-<number>``."""

    folder: Path
    troubles: tuple[type[Exception], ...] = (OSError,)

    @classmethod
    def at(cls, where: str) -> TensorBoardMirror:
        """Return the mirror in a folder."""
        return cls(Path(where).expanduser().absolute())

    @property
    def shown(self) -> str:
        """What it is, in words that may be printed."""
        return f"tensorboard:{self.folder}"

    def known(self, study: str) -> set[str]:
        """Return the keys of the runs of a study that it holds whole."""
        found = (self.folder / study).rglob(DONE)
        return {path.read_text(encoding="utf-8") for path in found}

    def copy(self, key: str, series: SeriesRecord, trial: TrialRecord) -> None:
        """Write a run's curves, then its key; what an earlier database has left is replaced."""
        asked = trial.asked
        folder = self.folder / Path(*map(_name, series.study.split("/"))) / _name(asked.arm)
        folder /= f"seed-{asked.seed}-trial-{trial.number}"
        folder.mkdir(parents=True, exist_ok=True)
        for old in [folder / DONE, *folder.glob("events.out.tfevents.*")]:
            old.unlink(missing_ok=True)
        steps = ((step.finished, step.step, step.metrics) for step in trial.steps)
        path = folder / f"events.out.tfevents.{trial.created:.0f}.winnow"
        path.write_bytes(event_file(trial.created, steps))
        (folder / DONE).write_text(key, encoding="utf-8")


def _name(text: str) -> str:
    """Return a text as a folder's name."""
    return re.sub(r"[^\w.+=,() -]", "_", text).strip(". ")[:100] or "_"
