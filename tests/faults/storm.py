"""Drivers and workers killed at random instants, and an account of every trial afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from optuna.trial import FrozenTrial

from search.storage.database import Database
from search.storage.reader import read_series
from search.storage.records import TrialRecord

DRIVER = Path(__file__).with_name("driver.py")
FOREIGN = Path(__file__).parents[1] / "contracts" / "foreign"
LENGTH = 12
Event = dict[str, Any]
Driver = subprocess.Popen[bytes]


class Storm:
    """One search that is killed again and again; `environment` is added to its drivers'."""

    def __init__(
        self,
        folder: Path,
        url: str,
        engine: str,
        *,
        trials: int,
        seed: int,
        address: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.url, self.trials, self.study = url, trials, "storm/search"
        self.environment = dict(environment or {})
        self.folder, self.data = folder, folder / "data"
        self.data.mkdir(parents=True)
        shutil.copytree(FOREIGN, folder / "elsewhere")
        study = folder / "elsewhere" / "storm_study.py"
        words = [sys.executable, DRIVER, study, url, self.data, engine, trials]
        self.command = [str(word) for word in (*words, *([address] if address else []))]
        self.engine, self.rng = engine, np.random.default_rng(seed)
        self.killed: list[str] = []

    def rename(self, name: str) -> None:
        """Give the study another name, so that a database may hold several."""
        file = Path(self.command[2])
        file.write_text(file.read_text().replace('name="storm"', f'name="{name}"'))
        self.study = f"{name}/search"

    @property
    def events(self) -> list[Event]:
        """What the trainables saw, in the order of time."""
        path = self.data / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return sorted((json.loads(line) for line in lines), key=lambda event: event["at"])

    def start(self) -> Driver:
        """Start a driver; what it says goes into a file of the folder."""
        with (self.folder / "said.txt").open("ab") as said:
            environment = os.environ | self.environment
            return subprocess.Popen(self.command, stdout=said, stderr=said, env=environment)

    def kill_driver(self, *, after_events: int | None = None, after_s: float = 0.0) -> bool:
        """Start a driver, and kill it after so many events or seconds; False if it ended before."""
        driver = self.start()
        if after_events is None:
            driver_ended = self.wait(driver, lambda begun: time.monotonic() - begun >= after_s)
        else:
            wanted = len(self.events) + after_events
            driver_ended = self.wait(driver, lambda _: len(self.events) >= wanted)
        if driver_ended:
            return False
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        self.killed.append("driver")
        return True

    def kill_worker(self, *, after_events: int) -> Driver:
        """Start a driver, kill one of its workers, and let the driver go on to its end."""
        driver = self.start()
        wanted = len(self.events) + after_events
        if not self.wait(driver, lambda _: len(self.events) >= wanted):
            self.kill_newest_worker()
        return driver

    def kill_newest_worker(self) -> None:
        """Kill the worker that was heard of last, if it still is one."""
        pid = self.events[-1]["pid"]
        try:
            process = psutil.Process(pid)
            if "ray::" in " ".join(process.cmdline()):  # and nobody who has inherited its number
                process.kill()
                self.killed.append("worker")
        except psutil.NoSuchProcess:
            pass  # its work was done

    def finish(self, limit_s: float = 240) -> int:
        """Run the command to its end; return its exit status."""
        driver = self.start()
        try:
            return driver.wait(limit_s)
        finally:
            driver.kill()

    def rage(self, kills: int) -> None:
        """Kill drivers (and workers, where there are any) so many times at random instants.

        A search that has ended is extended, so that there is always something to kill.
        """
        while len(self.killed) < kills:
            before = len(self.killed)
            choice = self.rng.random()
            if choice < 0.3:
                self.kill_driver(after_s=float(self.rng.uniform(0.1, 4.0)))
            elif choice < 0.7 or self.engine == "local":
                self.kill_driver(after_events=int(self.rng.integers(1, 25)))
            else:
                driver = self.kill_worker(after_events=int(self.rng.integers(1, 25)))
                time.sleep(float(self.rng.uniform(0.0, 2.0)))
                if driver.poll() is None:
                    driver.send_signal(signal.SIGKILL)
                    self.killed.append("driver")
                driver.wait()
            if len(self.killed) == before:
                self.trials += 4
                self.command[6] = str(self.trials)

    def wait(self, driver: Driver, ready: Callable[[float], bool], limit_s: float = 300) -> bool:
        """Wait until it is time; return whether the driver has ended by itself before."""
        begun = time.monotonic()
        while not ready(begun):
            if driver.poll() is not None:
                return True
            assert time.monotonic() - begun < limit_s, "the driver makes no progress"
            time.sleep(0.004)
        return driver.poll() is not None

    # -- the account --------------------------------------------------------------------------

    def check(self, *, repeats: bool = True) -> None:
        """Assert that every trial was brought to its end exactly once.

        `repeats`: and that every attempt began at one of the two newest checkpoints.
        """
        database = Database(self.url)
        try:
            series = read_series(database, self.study)
            study_id = database.optuna.get_study_id_from_name(self.study)
            optuna = database.optuna.get_all_trials(study_id)
        finally:
            database.close()
        assert [trial.number for trial in series.trials] == list(range(self.trials))
        assert len(optuna) == self.trials
        assert all(trial.state.is_finished() for trial in optuna)
        for trial, stored in zip(series.trials, optuna, strict=True):
            self._check_trial(trial, stored)
        if repeats:
            self._check_repeats(series.trials)
        assert not list((self.folder / "artifacts").glob("**/step-*"))

    def _check_trial(self, trial: TrialRecord, stored: FrozenTrial) -> None:
        outcome = trial.outcome
        assert outcome is not None
        assert stored.user_attrs.get("outcome", outcome) == outcome
        assert stored.state.name == {"complete": "COMPLETE"}.get(outcome, "PRUNED")
        steps = [step.step for step in trial.steps]
        assert steps == list(range(1, len(steps) + 1)), "a step is missing or counted twice"
        assert outcome in ("complete", "pruned", "diverged")
        assert (len(steps) == LENGTH) == (outcome == "complete")
        values = [step.metrics["val_ap"] for step in trial.steps]
        limit = 1 - abs(np.log10(trial.asked.configuration["lr"]) + 2) / 4
        wanted = limit * (1 - 0.7 ** np.arange(1, len(steps) + 1))
        np.testing.assert_allclose(values[:4], wanted[:4])
        ends: list[str | None] = [attempt.end for attempt in trial.attempts]
        assert ends.count(outcome) == 1
        assert ends[-1] == outcome
        assert set(ends[:-1]) <= {"interrupted", "lost"}
        assert stored.user_attrs.get("attempts", 1) == len(trial.attempts)

    def _check_repeats(self, trials: Sequence[TrialRecord]) -> None:
        """An attempt begins at the newest checkpoint, or before one that was being written."""
        runs: dict[float, list[Event]] = defaultdict(list)
        for event in self.events:
            runs[event["lr"]].append(event)
        assert len({trial.asked.configuration["lr"] for trial in trials}) == len(trials)
        for events in runs.values():
            saved = [0]
            for event, following in pairwise([*events, {"event": "end"}]):
                if event["event"] == "saved":
                    saved.append(event["step"])
                if event["event"] == "made" and following["event"] != "end":
                    start = following["step"] if following["event"] == "resumed" else 0
                    assert start in saved[-2:]
            ends = [e for e in events if e["event"] == "step" and e["step"] == LENGTH]
            assert len(ends) <= 1 + len(self.killed)
