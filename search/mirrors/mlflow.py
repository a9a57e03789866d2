"""An MLflow server that runs are copied to.

An experiment per study; in it a run per run, with its arm, its seed and how it ended as tags, its
configuration as parameters, and every step's metrics.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from search.errors import OptionError
from search.mirrors.mlflow_server import call
from search.mirrors.outbox import UndeliveredError
from search.storage.records import SeriesRecord, TrialRecord

RULE = "--mirror mlflow: takes the address of a tracking server, mlflow:http://HOST:PORT"
KEY = "winnow.key"
BATCH = 900  # metrics a call: MLflow takes 1000
PARAMS = 90  # parameters a call: it takes 100
LONGEST = 500  # characters of a parameter's value, as its older servers take
PAGE = 1000
STATUS = {"failed": "FAILED", "stopped": "KILLED"}


@dataclass(frozen=True)
class MlflowMirror:
    """A tracking server."""

    url: str
    troubles: tuple[type[Exception], ...] = (UndeliveredError, LookupError, TypeError)
    experiments: dict[str, str] = field(default_factory=dict)
    partial: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, where: str) -> MlflowMirror:
        """Return the mirror at an address.

        Raises
        ------
        OptionError
            If it is no server's; the words do not repeat it.
        """
        try:
            parts = urlsplit(where)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise OptionError(RULE) from None
        if parts.scheme not in ("http", "https") or not host:
            raise OptionError(RULE)
        if parts.username is not None or parts.query or parts.fragment:
            raise OptionError(f"{RULE}; a password belongs into MLFLOW_TRACKING_PASSWORD")
        return cls(where.rstrip("/"))

    @property
    def shown(self) -> str:
        """What it is, in words that may be printed."""
        parts = urlsplit(self.url)
        return f"mlflow:{parts.scheme}://{parts.netloc}"

    def known(self, study: str) -> set[str]:
        """Return the keys of the runs of a study that it holds whole."""
        experiment, whole = self._experiment(study), set[str]()
        for run in self._runs(experiment):
            tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", ())}
            if KEY not in tags:
                continue
            if run["info"]["status"] == "RUNNING":  # this mirror was interrupted
                self.partial[tags[KEY]] = run["info"]["run_id"]
            else:
                whole.add(tags[KEY])
        return whole

    def copy(self, key: str, series: SeriesRecord, trial: TrialRecord) -> None:
        """Take over a run; its end is sent last, so that one without is known to be partial."""
        if key in self.partial:
            call(self.url, "runs/delete", {"run_id": self.partial.pop(key)})
        created = {
            "experiment_id": self._experiment(series.name),
            "run_name": f"{trial.asked.arm}, seed {trial.asked.seed}",
            "start_time": round(1000 * trial.created),
            "tags": [{"key": k, "value": v} for k, v in _tags(key, series, trial).items()],
        }
        run = call(self.url, "runs/create", created)["run"]["info"]["run_id"]
        self.partial[key] = run
        for part in _parts(_params(trial), PARAMS):
            call(self.url, "runs/log-batch", {"run_id": run, "params": part})
        for part in _parts(list(_metrics(trial)), BATCH):
            call(self.url, "runs/log-batch", {"run_id": run, "metrics": part})
        finished = trial.result.finished if trial.result else trial.created
        end = {"status": STATUS.get(trial.outcome, "FINISHED"), "end_time": round(1000 * finished)}
        call(self.url, "runs/update", {"run_id": run, **end})
        del self.partial[key]

    def _experiment(self, study: str) -> str:
        if study not in self.experiments:
            found = call(self.url, "experiments/get-by-name", query={"experiment_name": study})
            if "experiment" in found:
                self.experiments[study] = found["experiment"]["experiment_id"]
            else:
                made = call(self.url, "experiments/create", {"name": study})
                self.experiments[study] = made["experiment_id"]
        return self.experiments[study]

    def _runs(self, experiment: str) -> Iterator[Mapping[str, Any]]:
        asked: dict[str, Any] = {"experiment_ids": [experiment], "max_results": PAGE}
        while True:
            page = call(self.url, "runs/search", asked)
            yield from page.get("runs", ())
            if not page.get("next_page_token"):
                return
            asked["page_token"] = page["next_page_token"]


def _tags(key: str, series: SeriesRecord, trial: TrialRecord) -> dict[str, str]:
    return {
        KEY: key,
        "winnow.series": series.study,
        "winnow.trial": str(trial.number),
        "winnow.arm": trial.asked.arm[:LONGEST],
        "winnow.seed": str(trial.asked.seed),
        "winnow.outcome": trial.outcome,
    }


def _params(trial: TrialRecord) -> list[dict[str, str]]:
    return [
        {"key": _name(path), "value": str(value)[:LONGEST]}
        for path, value in trial.asked.configuration.items()
    ]


def _metrics(trial: TrialRecord) -> Iterator[dict[str, Any]]:
    """Yield every step's finite metrics; others are no numbers in JSON."""
    for step in trial.steps:
        at = {"timestamp": round(1000 * step.finished), "step": step.step}
        for name, value in step.metrics.items():
            if math.isfinite(value):
                yield {"key": _name(name), "value": value, **at}


def _parts(entries: Sequence[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    yield from (entries[i : i + size] for i in range(0, len(entries), size))


def _name(text: str) -> str:
    """Return a text with the characters that MLflow takes in a name."""
    return re.sub(r"[^\w./ -]", "_", text, flags=re.ASCII)[:250]
