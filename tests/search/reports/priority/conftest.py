"""Databases with planted priority tables, written as the protocol writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from search.ranking import rank_study
from search.ranking.priority import look_entries
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.records import Asked, Attempt, Result, Step
from search.storage.registrations import add_registration, store_looks
from tests.chromium import Visit

EPOCH = 1_760_000_000.0
CODE = "c0de"
STEPS = 8
BASELINE = "baseline"


def technique(name: str, **changes: Any) -> dict[str, Any]:
    """Return a technique as the database keeps it."""
    found = {
        "name": name,
        "stage": "training",
        "status": "implemented",
        "on": {"switch": name},
        "knobs": [],
        "levels": [],
        "expected_impact": "Medium",
        "expected_note": "",
        "effort": "Low",
        "effort_note": "",
        "effort_hours": 1.0,
        "effort_weight": 0.5,
        "smallest_gain": None,
        "requires": [],
        "conflicts": [],
        "secondary": None,
        "members": 1,
        "reference": "",
    }
    return found | changes


def specification(techniques: Sequence[Mapping[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return what a study registers."""
    looks = changes.get("looks", [3, 6, 12])
    found = {
        "objectives": [{"metric": "val_ap", "direction": "maximize"}],
        "evaluation": {"metric": "test_ap", "direction": "maximize"},
        "secondary": [],
        "max_steps": STEPS,
        "score_at": "last",
        "seed": 7,
        "split_seed": 0,
        "replication": "fresh",
        "smallest_gain": 0.01,
        "baseline": {"lr": 0.01},
        "targets": {},
        "looks": looks,
        "alpha": 0.05,
        "tuning": "none",
        "tuning_trials": 0,
        "stack": True,
        "data": "",
        "draw": "",
        "also_registered": 0,
        "techniques": list(techniques),
        "code": dict.fromkeys([BASELINE, *(t["name"] for t in techniques)], CODE),
        "seeds": [1000 + i for i in range(max(looks))],
    }
    return found | changes


SURROUNDINGS = {
    "machine": {"host": "ada", "cpus": 8, "memory_gib": 62.7},
    "resources": {"cpus": 1.0, "gpus": None},
    "git_commit": "0123456789ab",
    "versions": {"python": "3.11.9"},
}


@dataclass
class Planter:
    """Registers a study, and writes runs whose held-out scores are given."""

    database: Database
    name: str = "demo"
    spec: dict[str, Any] = field(default_factory=dict)
    clock: float = EPOCH
    series: dict[str, Series] = field(default_factory=dict)

    def register(self, kind: str = "first", reason: str = "") -> None:
        add_registration(self.database, self.name, kind, reason, self.spec)

    @property
    def seeds(self) -> list[int]:
        found: list[int] = self.spec["seeds"]
        return found

    def open(self, kind: str) -> Series:
        if kind not in self.series:
            stored = {**self.spec, **SURROUNDINGS}
            directions = [goal["direction"] for goal in self.spec["objectives"]]
            study = f"{self.name}/{kind}"
            word = kind.partition("/")[0]
            self.series[kind] = Series(self.database, study, word, directions, stored)
        return self.series[kind]

    def run(
        self,
        arm: str,
        seed: int,
        score: float | None,
        *,
        kind: str = "replicate",
        val: float | None = None,
        outcome: str = "",
        reason: str | None = None,
        curve: Sequence[Mapping[str, float]] | None = None,
        step_s: float = 2.0,
        memory: int = 2**30,
        changes: Mapping[str, Any] | None = None,
        extra: Mapping[str, float] | None = None,
        code: str = CODE,
        params: Mapping[str, float] | None = None,
    ) -> int:
        """Write a run; without a score it failed (or ended as `outcome`)."""
        series = self.open(kind)
        domains = {name: FloatDistribution(1e-4, 1e-1, log=True) for name in params or {}}
        changed = ({} if arm == BASELINE else {"switch": arm}) if changes is None else changes
        asked = Asked(
            arm=arm,
            seed=seed,
            configuration={"lr": 0.01, **changed},
            changes=dict(changed),
            max_steps=self.spec["max_steps"],
            params=dict(params or {}),
            distributions=domains,
            code=code,
        )
        number = series.ask(asked, {})
        started = self.clock
        attempt = Attempt(0, f"{kind}-{number}", "ada", 100, 0, started, 0.0, {"python": "3.11.9"})
        series.start(number, attempt)
        rows = curve if curve is not None else self._curve(score, val, extra)
        steps = [
            Step(i, dict(metrics), step_s, started + i * step_s)
            for i, metrics in enumerate(rows, start=1)
        ]
        self.clock = started + max(1, len(steps)) * step_s
        word = outcome or ("failed" if score is None else "complete")
        last = rows[-1].get(self.goal, math.nan) if rows else math.nan
        result = Result(
            word,  # type: ignore[arg-type]
            (last,) if word in ("complete", "pruned") and math.isfinite(last) else (),
            len(steps) or None,
            reason,
            self.clock,
        )
        ended = Attempt(
            **{**vars(attempt), "ended": self.clock, "end": "complete" if steps else "raised",
               "error": reason, "peak_memory": memory}
        )  # fmt: skip
        series.record(number, 0, steps, ended=ended, result=result)
        series.tell(number, result, {})
        return number

    @property
    def goal(self) -> str:
        found: str = self.spec["objectives"][0]["metric"]
        return found

    def _curve(
        self, score: float | None, val: float | None, extra: Mapping[str, float] | None
    ) -> list[dict[str, float]]:
        """Return a rising curve that peaks one step before its end."""
        if score is None:
            return []
        n, held_out = self.spec["max_steps"], self.spec["evaluation"]["metric"]
        top = score + 0.02 if val is None else val
        rise = [(top + 0.002) * (1 - 0.5**i) / (1 - 0.5 ** (n - 1)) for i in range(1, n)]
        found = [{self.goal: v, held_out: v - 0.02} for v in rise]
        return [*found, {self.goal: top, held_out: score, **(extra or {})}]

    def arm(self, name: str, scores: Sequence[float | None], **options: Any) -> None:
        """Write one run per seed, in the list's order."""
        for seed, score in zip(self.seeds, scores, strict=False):
            self.run(name, seed, score, **options)

    def looked(self) -> None:
        """Store the looks that are due, as the protocol does."""
        looks = rank_study(self.database, self.name).table.looks
        store_looks(self.database, self.name, 1, look_entries(looks))


def noise(n: int, sd: float = 0.004, seed: int = 0) -> list[float]:
    """Return noise whose mean is exactly 0."""
    found = np.random.default_rng(seed).normal(0, sd, n)
    return [float(v) for v in found - found.mean()]


def baseline(n: int) -> list[float]:
    """Return the baseline's scores."""
    return [0.60 + v for v in noise(n, 0.02, 99)]


def better(n: int, gain: float, seed: int, sd: float = 0.004) -> list[float]:
    """Return scores that exceed the baseline's by exactly `gain` on average."""
    return [b + gain + v for b, v in zip(baseline(n), noise(n, sd, seed), strict=True)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'study.db'}")
    yield found
    found.close()


@pytest.fixture
def plant(database: Database) -> Callable[..., Planter]:
    """Register a study with these techniques, and hand back its planter."""

    def open_study(*techniques: Mapping[str, Any], **changes: Any) -> Planter:
        found = Planter(database, spec=specification(techniques, **changes))
        found.register()
        return found

    return open_study


@pytest.fixture
def entry() -> Callable[..., dict[str, Any]]:
    """A technique as it is registered."""
    return technique


@pytest.fixture
def scores() -> Any:
    """(baseline(n), better(n, gain, seed, sd), noise(n, sd, seed)) for planted scores."""
    return baseline, better, noise


def plant_demo(database: Database, name: str = "demo") -> Planter:
    """Plant a finished study with one technique of every kind."""
    techniques = [
        technique("Focal loss", expected_impact="High", reference="arXiv:1708.02002"),
        technique("SWA", effort="Not stated", effort_hours=4.0, effort_weight=1.0),
        technique("Mixup", expected_impact="Low-Medium"),
        technique("Wider & <deeper>", effort="High", effort_hours=16.0, effort_weight=2.0),
        technique("Width", on={}, levels=["Width [width=2]", "Width [width=4]"]),
        technique("Crashing"),
        technique("Temperature", stage="post-hoc", on={}, secondary="test_ece"),
        technique("Someday", status="planned"),
    ]
    spec = specification(
        techniques,
        targets={"published": 0.61, "dream": 0.9},
        secondary=[
            {"metric": "test_f1", "direction": "maximize"},
            {"metric": "test_ece", "direction": "minimize"},
        ],
    )
    found = Planter(database, name, spec)
    found.register()
    n = 12
    ece = noise(n, 0.01, 5)
    for seed, score, e in zip(found.seeds, baseline(n), ece, strict=True):
        extra = {"test_ece": 0.2 + e, "test_f1": 0.5}
        found.run(BASELINE, seed, score, extra=extra)
        found.run(
            "Temperature", seed, score, kind="post-hoc",
            curve=[{"val_ap": score + 0.02, "test_ap": score, "test_ece": 0.1 + e / 2}],
            changes={}, step_s=0.0,
        )  # fmt: skip
    arms = {
        "Focal loss": (0.030, 1, 3),
        "SWA": (0.024, 2, 6),
        "Mixup": (0.004, 3, 12),
        "Wider & <deeper>": (-0.030, 4, 3),
        "Width [width=2]": (0.001, 5, 12),
        "Width [width=4]": (0.003, 6, 12),
    }
    for arm, (gain, seed, seeds) in arms.items():
        for at, score in list(zip(found.seeds, better(n, gain, seed), strict=True))[:seeds]:
            found.run(arm, at, score, extra={"test_f1": 0.5 + gain / 2}, step_s=2.5)
    for at in found.seeds[:3]:
        found.run("Crashing", at, None, reason="ValueError: </script> & | bad batch")
    found.run(
        BASELINE,
        found.seeds[0],
        baseline(n)[0],
        kind="aa",
        extra={"test_ece": 0.2 + ece[0], "test_f1": 0.5},
    )
    found.run("Focal loss", found.seeds[0], 0.5, code="0ld")
    for i, at in enumerate(found.seeds[:6]):
        if i >= 3:
            found.run("Focal loss", at, better(n, 0.030, 1)[i])
        found.run("Focal loss + SWA", at, better(n, 0.045, 7)[i], kind="stack")
    found.looked()
    return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A finished study with one technique of every kind, written once."""
    path = tmp_path_factory.mktemp("priority") / "study.db"
    found = Database(f"sqlite:///{path}")
    plant_demo(found)
    yield found
    found.close()


@pytest.fixture(scope="session")
def visit() -> type[Visit]:
    return Visit
