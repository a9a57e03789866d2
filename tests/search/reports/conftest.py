"""Databases with planted searches, written through the ledger as an engine writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.configuration import Source, flatten, override
from search.parameters import Parameters
from search.space import Categorical, Float, Int, Space
from search.storage.database import Database
from search.storage.ledger import Series
from search.storage.records import Asked, Attempt, Result, Step
from search.study import Objective
from search.technique import Technique
from tests.chromium import NoChromium, chromium

EPOCH = 1_760_000_000.0
RUNGS = (3, 9)
FULL = 27


@dataclass(frozen=True)
class Model:
    width: int = 32
    pooling: str = "mean"


@dataclass(frozen=True)
class Config:
    lr: float = 1e-3
    dropout: float = 0.1
    focal: bool = False
    gamma: float = 2.0
    model: Model = field(default_factory=Model)


FOCAL = Technique("Focal loss", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)})
SPACE = Space(
    baseline=Config(),
    domains={
        "lr": Float(1e-5, 1e-1, log=True),
        "dropout": Float(0.0, 0.6),
        "model.width": Int(8, 128),
        "model.pooling": Categorical(("mean", "max", "attention")),
    },
)
PARAMETERS = Parameters.of(SPACE, [FOCAL])


def specification(**changes: Any) -> dict[str, Any]:
    """Return what a search registers."""
    found: dict[str, Any] = {
        "objectives": [{"metric": "val_ap", "direction": "maximize"}],
        "evaluation": {"metric": "test_ap", "direction": "maximize"},
        "max_steps": FULL,
        "score_at": "last",
        "pruner": {"kind": "ASHA", "reduction_factor": 3, "rungs": [list(RUNGS)]},
        "sampler": "tpe",
        "seed": 7,
        "n_trials": 40,
        "parameters": [_entry(p.name, p.domain, p.when) for p in PARAMETERS.parameters],
        "baseline": flatten(Config()),
        "source": asdict(Source.of(Config())),
        "targets": {"published": 0.9},
        "resources": {"cpus": 1.0, "gpus": None},
        "versions": {"python": "3.11.9", "optuna": "5.0.0"},
        "git_commit": "0123456789ab",
        "machine": {"host": "ada", "cpus": 8, "memory_gib": 62.7},
    }
    return found | changes


def _entry(name: str, domain: Any, when: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    text = " and ".join(f"{k} = {v}" for condition in when for k, v in condition.items()) or None
    if isinstance(domain, Categorical):
        kind: dict[str, Any] = {"kind": "categorical", "choices": list(domain.choices)}
    else:
        kind = {"kind": "int" if isinstance(domain, Int) else "float", "log": domain.log}
        kind |= {"low": domain.low, "high": domain.high, "step": domain.step}
    return {"name": name, "when": text, **kind}


class Planter:
    """Writes one series of trials into a database."""

    def __init__(
        self,
        database: Database,
        name: str = "demo",
        kind: str = "search",
        spec: Mapping[str, Any] | None = None,
    ) -> None:
        self.spec = dict(specification() if spec is None else spec)
        self.goals = [Objective(g["metric"], g["direction"]) for g in self.spec["objectives"]]
        directions = [goal.direction for goal in self.goals]
        self.series = Series(database, f"{name}/{kind}", kind, directions, self.spec)
        self._free = [EPOCH, EPOCH]  # when each of two workers is free

    def trial(
        self,
        curve: Sequence[float | Mapping[str, float]] = (),
        outcome: str = "complete",
        config: Config | None = None,
        *,
        arm: str = "baseline",
        seed: int = 7,
        params: Mapping[str, Any] | None = None,
        distributions: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
        values: Sequence[float] | None = None,
        reason: str | None = None,
        error: str | None = None,
        lost_at: int | None = None,
        step_s: float = 2.0,
    ) -> int:
        """Write a trial whose curve is the first objective's, or whole metrics by step."""
        config = config or Config()
        encoded = PARAMETERS.encode(config) if params is None else dict(params)
        domains = PARAMETERS.distributions(encoded) if distributions is None else distributions
        changed = _changes(config) if changes is None else dict(changes)
        asked = Asked(arm, seed, flatten(config), changed, FULL, encoded, dict(domains))
        number = self.series.ask(asked, {})
        worker = int(np.argmin(self._free))
        started, attempt = self._free[worker], 0
        metrics = [m if isinstance(m, Mapping) else {self.goals[0].metric: m} for m in curve]
        if lost_at is not None:
            self._attempt(number, 0, worker, 0, started, metrics[:lost_at], "lost", None, step_s)
            started, attempt = started + step_s * lost_at + 5, 1
        end = {"failed": "raised", "running": None}.get(outcome, outcome)
        ended = self._attempt(
            number, attempt, worker, lost_at or 0, started, metrics, end, error, step_s
        )
        self._free[worker] = ended + 1
        if outcome != "running":
            result = self._result(outcome, metrics, values, reason, ended)
            self.series.record(number, attempt, result=result)
            self.series.tell(number, result, {})
        return number

    def _attempt(
        self,
        number: int,
        attempt: int,
        worker: int,
        start: int,
        started: float,
        metrics: Sequence[Mapping[str, float]],
        end: Any,
        error: str | None,
        step_s: float,
    ) -> float:
        found = Attempt(attempt, f"{number}-{attempt}", "ada", 100 + worker, start, started, 0.0)
        self.series.start(number, found)
        rows = list(enumerate(metrics, start=1))[start:]
        steps = [
            Step(step, values, step_s, started + (i + 1) * step_s)
            for i, (step, values) in enumerate(rows)
        ]
        ended = started + max(1, len(steps)) * step_s
        done = None if end is None else replace(found, ended=ended, end=end, error=error)
        self.series.record(number, attempt, steps, ended=done)
        return ended

    def _result(
        self,
        outcome: Any,
        metrics: Sequence[Mapping[str, float]],
        values: Sequence[float] | None,
        reason: str | None,
        ended: float,
    ) -> Result:
        scored = outcome in ("complete", "pruned", "stopped") and len(metrics) > 0
        last = [metrics[-1][goal.metric] for goal in self.goals] if scored else []
        return Result(
            outcome=outcome,
            values=tuple(last if values is None else values),
            step=len(metrics) or None,
            reason=reason,
            finished=ended,
        )


def _changes(config: Config) -> dict[str, Any]:
    before = flatten(Config())
    return {path: value for path, value in flatten(config).items() if value != before[path]}


def quality(config: Config) -> float:
    """Return the planted score at full length: a bump in lr, a little of everything else."""
    bump = np.exp(-((np.log10(config.lr) + 2.2) ** 2))
    pooled = {"mean": 0.0, "max": 0.01, "attention": 0.04}[config.model.pooling]
    focal = 0.03 - 0.006 * (config.gamma - 1.5) ** 2 if config.focal else 0.0
    return float(0.55 + 0.25 * bump + pooled + focal - 0.2 * (config.dropout - 0.2) ** 2)


def learn(config: Config, steps: int = FULL) -> list[dict[str, float]]:
    """Return a curve that rises to the planted score; held-out values are a decoy."""
    top = quality(config)
    rise = 1 - np.exp(-np.arange(1, steps + 1) / 6)
    scale = 1 - np.exp(-steps / 6) if steps == FULL else 1 - np.exp(-FULL / 6)
    return [{"val_ap": float(0.3 + (top - 0.3) * r / scale), "test_ap": 0.123456} for r in rise]


def sample(rng: np.random.Generator) -> Config:
    """Return a random configuration of the space."""
    focal = bool(rng.random() < 0.5)
    config = Config(
        lr=float(10 ** rng.uniform(-5, -1)),
        dropout=float(rng.uniform(0, 0.6)),
        focal=focal,
        model=Model(int(rng.integers(8, 129)), str(rng.choice(["mean", "max", "attention"]))),
    )
    return override(config, {"gamma": float(rng.uniform(0, 5))}) if focal else config


def plant_search(database: Database, name: str, n_trials: int = 40) -> None:
    """Plant a pruned search: the baseline, then random configurations, and one of each mishap."""
    planter = Planter(database, name, spec=specification(n_trials=n_trials))
    rng = np.random.default_rng(5)
    planter.trial(learn(Config()))
    for number in range(1, n_trials):
        config = sample(rng)
        arm = "Focal loss" if config.focal else "baseline"
        if number == 6:
            curve = learn(config)[:4]
            curve[-1] = {"val_ap": float("nan"), "test_ap": 0.1}
            planter.trial(curve, "diverged", config, arm=arm, reason="val_ap is nan at step 4")
        elif number == 11:
            planter.trial(
                learn(config)[:2], "failed", config, arm=arm,
                reason="ValueError: bad batch", error="Traceback …\nValueError: bad batch",
            )  # fmt: skip
        elif number == 14:
            planter.trial(learn(config), config=config, arm=arm, lost_at=5)
        else:
            top = quality(config)
            length = FULL if top > 0.66 else RUNGS[1] if top > 0.6 else RUNGS[0]
            outcome = "complete" if length == FULL else "pruned"
            planter.trial(learn(config)[:length], outcome, config, arm=arm)


def plant_check(
    database: Database, name: str, scores: Mapping[int, tuple[float, float]], **changes: Any
) -> None:
    """Plant the check: baseline and best held-out scores by seed."""
    spec = specification(seeds=list(scores), **changes)
    planter = Planter(database, name, "confirm", spec)
    arm = spec.get("best_arm", "best")
    for seed, pair in scores.items():
        for run, score in zip(("baseline", arm), pair, strict=True):
            curve = [{"val_ap": 0.5, "test_ap": 0.0}, {"val_ap": 0.6, "test_ap": score}]
            planter.trial(curve, arm=run, seed=seed, params={})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'study.db'}")
    yield found
    found.close()


@pytest.fixture
def plant(database: Database) -> Callable[..., Planter]:
    """Open a series to plant trials in; give it `spec`, or changes to the usual one."""

    def open_series(name: str = "demo", kind: str = "search", **changes: Any) -> Planter:
        return Planter(database, name, kind, specification(**changes))

    return open_series


@pytest.fixture
def confirm(database: Database) -> Callable[..., None]:
    def plant_it(scores: Mapping[int, tuple[float, float]], **changes: Any) -> None:
        plant_check(database, "demo", scores, **changes)

    return plant_it


@pytest.fixture
def configs() -> Any:
    """The planted configuration's classes, for tests that build their own."""
    return Config, Model


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A search of 40 trials with its check, written once."""
    path = tmp_path_factory.mktemp("demo") / "study.db"
    found = Database(f"sqlite:///{path}")
    plant_search(found, "demo")
    plant_check(
        found,
        "demo",
        {101: (0.50, 0.53), 102: (0.52, 0.51), 103: (0.48, 0.55)},
        reference_lines={"Logistic regression": {str(s): {"test_ap": 0.44} for s in (101, 102)}},
    )
    yield found
    found.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield a browser, or say that there is none."""
    try:
        with chromium() as found:
            yield found
    except NoChromium as reason:
        pytest.skip(str(reason))
