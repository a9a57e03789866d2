"""The benchmarks measure what they say; their figures are nobody's test."""

import io
import json
import math
import sqlite3
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.benchmarks.__main__ import run
from tests.benchmarks.accounts import Account, account_for
from tests.benchmarks.cost import STEP_PEERS, TRIAL_PEERS, step_table, trial_table
from tests.benchmarks.kills import Tally, fault_rows
from tests.benchmarks.learning import (
    DOMAINS,
    FAMILIES,
    GUESSING,
    LOWEST,
    MAX_STEPS,
    Config,
    Family,
    train,
)
from tests.benchmarks.peer_winnow import run_winnow
from tests.benchmarks.peers import PEERS, measure
from tests.benchmarks.quality import Finding, compare, quality_table
from tests.benchmarks.table import Result, Row, show, write_json
from tests.benchmarks.timing import Timing

EVERY = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())


def _draw(rng: np.random.Generator, family: Family) -> Config:
    on = [bool(bit) for bit in rng.integers(2, size=3)] if family.techniques else [False] * 3
    return Config(
        lr=10 ** rng.uniform(-5, -1),
        weight_decay=10 ** rng.uniform(-6, -1),
        dropout=rng.uniform(0, 0.6),
        width=int(2 ** rng.uniform(4, 9)),
        smoothing=on[0],
        smoothing_eps=rng.uniform(0, 0.4),
        mixup=on[1],
        mixup_alpha=rng.uniform(0, 1),
        noise=on[2],
    )


@EVERY
def test_no_configuration_beats_the_known_best(family: Family) -> None:
    rng = np.random.default_rng(0)
    drawn = [family.final(_draw(rng, family)) for _ in range(2000)]
    assert family.final(family.best) == pytest.approx(LOWEST)
    assert min(drawn) > LOWEST
    assert max(drawn) < GUESSING
    assert family.best.lr < 0.03, "the best one must not diverge"
    assert set(DOMAINS) == {"lr", "weight_decay", "dropout", "width"}


@EVERY
def test_curves_fall_from_guessing_to_the_final_loss(family: Family) -> None:
    rng = np.random.default_rng(1)
    for config in (_draw(rng, family) for _ in range(50)):
        curve = [family.loss(config, step) for step in range(1, MAX_STEPS + 1)]
        if any(map(math.isnan, curve)):
            assert family.diverges
            assert config.lr > 0.03
            continue
        assert curve == sorted(curve, reverse=True)
        assert curve[0] < GUESSING
        assert curve[-1] == pytest.approx(family.final(config))


def test_curves_cross_where_it_matters() -> None:
    family, rng = FAMILIES["crossing curves"], np.random.default_rng(2)
    good = sorted((_draw(rng, family) for _ in range(500)), key=family.final)[:50]
    early = sorted(good, key=lambda config: family.loss(config, 1))
    assert early.index(good[0]) > 5


def test_only_the_reported_loss_is_noisy_and_the_seed_drives_it() -> None:
    family = FAMILIES["crossing curves, noise"]
    one = list(train(family, Config(), seed=0, max_steps=3))
    again = list(train(family, Config(), seed=0, max_steps=3))
    other = list(train(family, Config(), seed=1, max_steps=3))
    assert one == again
    assert one != other
    assert [step["test_loss"] for step in one] == [step["test_loss"] for step in other]
    assert one[0]["val_loss"] != one[0]["test_loss"] == family.loss(Config(), 1)


def test_a_search_is_compared_with_random_search() -> None:
    found = compare("power laws", 0, trials=3)
    assert LOWEST < found.loss <= FAMILIES["power laws"].final(Config())
    assert 0 < found.share <= 1 or math.isinf(found.share)


def test_the_share_of_steps_is_a_median_over_seeds() -> None:
    findings = [Finding(0.2, share) for share in (0.1, 0.2, math.inf)]
    late = [Finding(0.2, share) for share in (0.1, 0.3, math.inf)]
    rows = quality_table({"a": findings, "b": late}).rows
    assert [(row.figure, row.met) for row in rows] == [(0.2, True), (0.3, False)]


def test_the_steady_state_leaves_start_up_out() -> None:
    assert Timing(0.0, (9.0, 9.5, 9.7, 10.0, 11.0, 12.0)).per_trial_ms == 1000.0
    assert Timing(1.0, (2.0,)).per_step_ms(500) == 2.0


@pytest.mark.parametrize(
    ("ours", "stock", "bare", "met"),
    [
        (50.0, 1000.0, 25.0, [True, True]),  # + 25 ms is more than x 1.5
        (51.0, 1000.0, 25.0, [False, False]),
        (150.0, 3000.0, 100.0, [True, True]),  # x 1.5 is more than + 25 ms
        (151.0, 4000.0, 100.0, [True, False]),
    ],
)
def test_targets_per_trial(ours: float, stock: float, bare: float, met: list[bool]) -> None:
    samples = dict.fromkeys(TRIAL_PEERS, (40.0,))
    samples |= {"winnow-ray": (ours,), "tune-stock": (stock,), "tune-reuse-bare": (bare,)}
    rows = trial_table(samples).rows
    assert len(rows) == len(TRIAL_PEERS)
    assert [row.met for row in rows if row.target] == met


def test_targets_per_step() -> None:
    samples = dict.fromkeys(STEP_PEERS, (3.0,)) | {"tune-reuse-sqlite": (5.0,)}
    rows = step_table(samples | {"winnow-ray-each-step": (4.5,)}).rows
    assert [row.met for row in rows if row.target] == [True, False]
    rows = step_table(samples | {"tune-reuse-sqlite": (2.0,)}).rows
    assert [row.met for row in rows if row.target] == [False, False]


def test_every_peer_exists() -> None:
    assert PEERS.keys() == TRIAL_PEERS.keys() | STEP_PEERS.keys()


@pytest.mark.parametrize("peer", ["winnow-local", "optuna-wal", "optuna-default"])
def test_a_peer_is_measured_in_its_own_process(peer: str) -> None:
    timing = measure(peer, trials=6, steps=2)
    assert len(timing.ends) == 6
    assert [timing.first_step, *timing.ends] == sorted([timing.first_step, *timing.ends])


def test_a_failing_peer_is_said_to_fail() -> None:
    with pytest.raises(RuntimeError, match="invalid choice"):
        measure("nobody", trials=1, steps=1)


def test_a_missed_target_is_said_plainly(tmp_path: Path) -> None:
    rows = (
        Row("ours", (1.0, 2.0, 9.0), "ms", 2.0, target="under 1 ms", met=False),
        Row("theirs", (4.0,), "ms", 4.0, 0.5, "ours ÷ this"),
    )
    result = Result("Cost", rows, ("how",))
    console = Console(record=True, width=132, file=io.StringIO())
    show(result, console, "a machine")
    text = console.export_text()
    assert "target missed — ours: under 1 ms" in text
    assert "every target met" not in text
    assert "a machine" in text
    write_json([result], tmp_path / "out.json", "a machine")
    read = json.loads((tmp_path / "out.json").read_text())
    assert read["tables"][0]["rows"][0]["samples"] == [1.0, 2.0, 9.0]


def test_the_command_refuses_what_it_does_not_know() -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["speed"])


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    run_winnow(folder, trials=6, steps=2, engine="local")
    return folder


def test_an_untouched_search_is_in_order(ended: Path) -> None:
    account = account_for(f"sqlite:///{ended / 'winnow.db'}", "noop/search", 6)
    assert account == Account()
    rows = list(fault_rows("local", Tally(account=account)))
    assert [row.met for row in rows if row.target] == [True] * 5


@pytest.mark.parametrize(
    ("sql", "account"),
    [
        ("UPDATE trials SET state = 'RUNNING' WHERE number = 3", Account(left_running=1)),
        ("UPDATE winnow_trials SET outcome = NULL WHERE number = 3", Account(left_running=1)),
        ("UPDATE winnow_trials SET outcome = 'failed' WHERE number = 3", Account(lost=1)),
        ("DELETE FROM winnow_trials WHERE number = 3", Account(lost=1)),
        ("UPDATE trials SET number = 6 WHERE number = 3", Account(lost=1, counted_twice=1)),
        (
            "UPDATE winnow_trials SET configuration = (SELECT configuration FROM winnow_trials "
            "WHERE number = 2) WHERE number = 3",
            Account(counted_twice=1),
        ),
        (
            "CREATE TEMP TABLE again AS SELECT * FROM winnow_attempts WHERE number = 3;"
            "UPDATE again SET attempt = attempt + 1;"
            "INSERT INTO winnow_attempts SELECT * FROM again",
            Account(ended_twice=1),
        ),
    ],
)
def test_the_account_finds_what_is_wrong(
    ended: Path, tmp_path: Path, sql: str, account: Account
) -> None:
    old, new = (sqlite3.connect(folder / "winnow.db") for folder in (ended, tmp_path))
    old.backup(new)
    new.executescript(sql)
    old.close()
    new.close()
    found = account_for(f"sqlite:///{tmp_path / 'winnow.db'}", "noop/search", 6)
    assert found == account
    rows = list(fault_rows("local", Tally(account=found)))
    assert [row.met for row in rows if row.target].count(False) == sum(astuple(account))


def test_accounts_add_up() -> None:
    assert Account(1, 2, 3, 4) + Account(lost=1) == Account(2, 2, 3, 4)
