"""What a series stores is what is read, once, on every database; and Optuna's tools agree."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from search.errors import StorageError
from search.space import Categorical
from search.storage.database import Database
from search.storage.ledger import ASKED, Series
from search.storage.reader import read_series, series_names, study_names
from search.storage.records import Result, RunFlag, Step
from search.storage.tables import FLAGS
from tests.contracts.records import (
    DOMAINS,
    EPOCH,
    SPECIFICATION,
    asked,
    attempt,
    checkpoint,
    complete,
    contents,
    open_series,
    steps,
)


def test_what_is_written_is_read_back(database: Database) -> None:
    series = open_series(database)
    first = series.ask(asked(seed=2**40), {"arm": "Focal loss"})
    begun = attempt()
    series.start(first, begun)
    series.record(first, 0, steps(1, 3), [checkpoint(3)])
    ended = replace(begun, ended=EPOCH + 50, end="raised", error="Boom\nat 3", log="…\x1b[31mred")
    series.record(first, 0, ended=ended)
    series.start(first, attempt(1, start_step=3))

    found = read_series(database, "demo/search")
    assert (found.study, found.name, found.kind) == ("demo/search", "demo", "search")
    assert found.specification == SPECIFICATION
    assert [goal.metric for goal in found.objectives] == ["val_ap"]
    (trial,) = found.trials
    assert trial.number == first == 0
    assert trial.asked == replace(
        asked(seed=2**40),
        configuration={**asked().configuration, "clip": "inf"},  # as JSON holds it
        params={},
        distributions={},
    )
    assert trial.outcome == "running"
    assert trial.result is None
    assert trial.attempts == (ended, attempt(1, start_step=3))
    assert trial.steps == steps(1, 3)
    assert trial.checkpoints == (checkpoint(3),)
    assert trial.elapsed_s == 50
    assert trial.gpu_s == 25
    assert trial.curve("val_ap") == ((1, 0.1), (2, 0.2), (3, 0.3))
    assert trial.asked.key != replace(trial.asked, code="").key


def test_the_end_of_a_trial_is_read_back_and_its_checkpoints_are_forgotten(
    database: Database,
) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    series.start(number, attempt())
    series.record(number, 0, steps(1, 9), [checkpoint(9)])
    ended = attempt(ended=EPOCH + 9, end="complete", peak_memory=3 * 2**31)
    series.record(number, 0, ended=ended, result=complete())
    (trial,) = read_series(database, "demo/search").trials
    assert trial.result == complete()
    assert trial.outcome == "complete"
    assert trial.checkpoints == ()
    assert trial.attempts[0].peak_memory == 3 * 2**31


def test_metrics_may_be_nan_or_infinite(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    strange = {"val_ap": math.nan, "loss": math.inf, "gain": -math.inf, "lr": 1e-300}
    series.record(number, 0, [Step(1, strange, 0.1, EPOCH)])
    (trial,) = read_series(database, "demo/search").trials
    found = dict(trial.steps[0].metrics)
    assert math.isnan(found.pop("val_ap"))
    assert found == {"loss": math.inf, "gain": -math.inf, "lr": 1e-300}


def test_what_guards_said_is_read_back_and_counts_once(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    late = RunFlag("non_finite", "train_loss", 7, math.inf, "train_loss is not finite", stops=True)
    early = RunFlag("not_reported", "grad_norm", 3, None, "metric 'grad_norm' …")
    series.record(number, 0, flags=[late])
    series.record(number, 1, flags=[early, replace(late, step=9)])  # an attempt that repeats steps
    (trial,) = read_series(database, "demo/search").trials
    assert trial.flags == (early, late)


def test_a_database_from_before_there_were_guards_is_read(database: Database) -> None:
    series = open_series(database)
    series.ask(asked(), {})
    FLAGS.drop(database.engine)
    (trial,) = read_series(database, "demo/search").trials
    assert trial.flags == ()


def test_steps_that_a_later_attempt_repeats_count_once(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    series.start(number, attempt(0))
    series.record(number, 0, steps(1, 5))
    series.start(number, attempt(1, start_step=3))  # from its checkpoint
    series.record(number, 1, steps(4, 6, val_ap=0.5))
    series.start(number, attempt(2))  # its checkpoints were damaged: from the beginning
    series.record(number, 2, steps(1, 2, val_ap=0.7))
    (trial,) = read_series(database, "demo/search").trials
    assert trial.curve("val_ap") == ((1, 0.7), (2, 0.7))
    oldest_first = [(step.step, step.metrics["val_ap"]) for step in trial.superseded]
    assert oldest_first == [
        *((4, 0.4), (5, 0.5)),  # by the second attempt
        *((1, 0.1), (2, 0.2), (3, 0.3), (4, 0.5), (5, 0.5), (6, 0.5)),  # by the third
    ]


def test_curves_may_be_left_out(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    series.record(number, 0, steps(1, 3))
    (trial,) = read_series(database, "demo/search", steps=False).trials
    assert trial.steps == ()


def test_every_write_may_be_repeated(database: Database) -> None:
    def play(series: Series) -> None:
        series.adopt(number, asked(), EPOCH)
        series.start(number, attempt())
        series.record(number, 0, steps(1, 3))
        series.record(number, 0, ended=attempt(ended=EPOCH + 3, end="lost"))
        series.start(number, attempt(1, start_step=3))
        series.record(number, 1, steps(4, 9))
        series.mirror_study({"qmc:seed": 1})

    def play_running(series: Series) -> None:
        series.record(number, 0, steps(1, 3), [checkpoint(3)])
        series.draw(number, {step.step: step.metrics["val_ap"] for step in steps(1, 9)})
        series.mirror(number, {"nsga2:generation": 3})

    def play_end(series: Series) -> None:
        ended = attempt(1, 3, ended=EPOCH, end="complete")
        series.record(number, 1, ended=ended, result=complete())
        series.tell(number, complete(), {"outcome": "complete", "attempts": 2})

    first = open_series(database)
    number = first.ask(asked(), {"arm": "Focal loss", "seed": 7})
    for acts in ((play, play_running), (play, play_end)):  # Optuna's part of a trial ends with it
        for act in acts:
            act(first)
        before = contents(database)
        for series in (first, open_series(database)):  # the same driver, and one that came back
            for act in acts:
                act(series)
                assert contents(database) == before
    assert len(before["trials"]) == len(before["winnow_trials"]) == 1
    assert len(before["winnow_steps"]) == 9


def test_optuna_sees_the_truth(database: Database) -> None:
    series = open_series(database)
    person = {"arm": "Focal loss", "seed": 7, "git_commit": "0123456789ab"}
    outcomes: dict[str, Result] = {
        "complete": complete(),
        "pruned": Result("pruned", (0.3,), 3, None, EPOCH),
        "diverged": Result("diverged", (), 2, "val_ap=nan at step 2", EPOCH),
        "failed": Result("failed", (), 1, "ValueError: boom", EPOCH),
        "stopped": Result("stopped", (0.4,), 4, None, EPOCH),
    }
    for outcome, result in outcomes.items():
        number = series.ask(asked(), person)
        series.draw(number, {1: 0.1, 2: math.nan})
        series.record(number, 0, result=result)
        series.tell(number, result, {"outcome": outcome, "reason": result.reason, "gpu_s": 2.5})
    waiting = series.ask(asked(), person)

    study = optuna.load_study(study_name="demo/search", storage=database.optuna)
    trials = dict(zip([*outcomes, "running"], study.get_trials(), strict=True))
    states = {name: trial.state for name, trial in trials.items()}
    assert states == {
        "complete": TrialState.COMPLETE,
        "pruned": TrialState.PRUNED,
        "diverged": TrialState.PRUNED,
        "failed": TrialState.FAIL,
        "stopped": TrialState.PRUNED,
        "running": TrialState.RUNNING,
    }
    assert trials["complete"].value == 0.9
    assert trials["pruned"].value == 0.3
    assert trials["pruned"].intermediate_values == {1: 0.1, 3: 0.3}
    assert trials["stopped"].value == 0.4
    assert trials["diverged"].value is None
    assert trials["failed"].value is None
    assert trials["diverged"].intermediate_values == {1: 0.1}
    assert study.best_trial.number == trials["complete"].number
    assert trials["running"].number == waiting
    for trial in trials.values():
        assert trial.params == asked().params
        assert trial.distributions == DOMAINS
        assert person.items() <= trial.user_attrs.items()
    assert trials["diverged"].user_attrs["reason"] == "val_ap=nan at step 2"
    assert trials["complete"].user_attrs["gpu_s"] == 2.5
    assert trials["complete"].datetime_complete is not None


def test_optuna_gets_a_curves_shape_and_its_last_step(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    series.draw(number, {step: 1 / step for step in range(1, 1001)})
    (trial,) = series.optuna_trials()
    assert trial.intermediate_values[1000] == 1e-3
    assert len(trial.intermediate_values) <= 20
    drawn = sorted(trial.intermediate_values)
    assert {later - earlier for earlier, later in pairwise(drawn)} == {50}


def test_the_last_step_of_a_fast_long_trial_is_drawn_at_its_end(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    for step in range(1, 91):
        series.draw(number, {step: step / 100})
    series.tell(number, complete(0.9, 90), {})
    (trial,) = series.optuna_trials()
    assert trial.last_step == 90
    assert trial.intermediate_values[60] == 0.6
    series.tell(number, complete(0.9, 90), {})  # once more: nothing happens


def test_several_objectives(database: Database) -> None:
    goals = [
        {"metric": "val_ap", "direction": "maximize"},
        {"metric": "val_loss", "direction": "minimize"},
    ]
    series = Series(
        database, "two/search", "search", ["maximize", "minimize"], {"objectives": goals}
    )
    for values in ((0.9, 0.5), (0.8, 0.1), (0.7, 0.6)):
        number = series.ask(asked(), {})
        result = Result("complete", values, 9, None, EPOCH)
        series.record(number, 0, result=result)
        series.tell(number, result, {})
    study = optuna.load_study(study_name="two/search", storage=database.optuna)
    assert [trial.number for trial in study.best_trials] == [0, 1]
    found = read_series(database, "two/search")
    assert [goal.direction for goal in found.objectives] == ["maximize", "minimize"]
    assert found.trials[1].result is not None
    assert found.trials[1].result.values == (0.8, 0.1)


def test_a_study_keeps_its_directions(database: Database) -> None:
    open_series(database)
    with pytest.raises(StorageError, match=r"'demo/search' exists in .* with other directions"):
        Series(database, "demo/search", "search", ["minimize"], SPECIFICATION)
    with pytest.raises(StorageError, match="other directions"):
        Series(database, "demo/search", "search", ["maximize", "minimize"], SPECIFICATION)


def test_the_specification_is_kept_from_the_first_time_until_it_is_replaced(
    database: Database,
) -> None:
    open_series(database)
    series = Series(database, "demo/search", "search", ["maximize"], {"objectives": []})
    assert read_series(database, "demo/search").specification == SPECIFICATION
    series.specify({"n_trials": 3, "limit": math.inf})
    assert read_series(database, "demo/search").specification == {"n_trials": 3, "limit": "inf"}


def test_several_series_and_studies_share_a_database(database: Database) -> None:
    for study in ("demo/search", "demo/tune/Focal loss/0", "other/search"):
        series = open_series(database, study, study.split("/")[1])
        number = series.ask(asked(), {"study": study})
        series.record(number, 0, steps(1, 2))
    assert study_names(database) == ("demo", "other")
    assert series_names(database, "demo") == ("demo/search", "demo/tune/Focal loss/0")
    for study in ("demo/search", "demo/tune/Focal loss/0", "other/search"):
        (trial,) = read_series(database, study).trials
        assert trial.number == 0
        assert trial.steps == steps(1, 2)
    with pytest.raises(StorageError, match="did you mean 'demo/search'"):
        read_series(database, "demo/serach")


def test_a_long_name_is_a_name(database: Database) -> None:
    study = f"{'s' * 80}/tune/{'ü' * 200}/999"
    series = open_series(database, study)
    assert series.ask(asked(), {}) == 0
    assert len(read_series(database, study).trials) == 1


def test_a_trial_of_another_space_is_refused(database: Database) -> None:
    series = open_series(database)
    series.ask(asked(), {})
    other = {**DOMAINS, "pooling": Categorical(("mean", "attention"))}
    params = {**asked().params, "pooling": "attention"}
    with pytest.raises(StorageError, match=r"was begun with another space .*another name"):
        series.ask(asked(params=params, distributions=other), {})
    assert [trial.number for trial in series.optuna_trials()] == [0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("outcome", ["complete", "pruned", "stopped"])
def test_a_value_that_cannot_be_compared_never_reaches_optuna(
    database: Database, outcome: Any, value: float
) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    with pytest.raises(StorageError, match=f"trial 0 of 'demo/search' is {outcome} with values"):
        series.tell(number, Result(outcome, (value,), 3, None, EPOCH), {})
    assert series.optuna_trials()[0].state == TrialState.RUNNING


def test_a_complete_trial_has_a_value(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {})
    with pytest.raises(StorageError, match="complete with values"):
        series.tell(number, Result("complete", (), 3, None, EPOCH), {})


def test_a_driver_that_died_between_both_tables_finds_what_it_asked(database: Database) -> None:
    series = open_series(database)
    series.ask(asked(), {})
    (trial,) = series.optuna_trials()
    copy = trial.system_attrs[ASKED]
    assert '"seed": 7' in copy
    assert '"arm": "Focal loss"' in copy


def test_no_nan_no_pickle_and_no_bytes_in_any_column(database: Database) -> None:
    series = open_series(database)
    number = series.ask(asked(), {"arm": "Focal loss"})
    series.start(number, attempt())
    strange = {"val_ap": math.nan, "loss": -math.inf}
    series.record(number, 0, [Step(1, strange, 0.1, EPOCH)], [checkpoint(1)])
    series.draw(number, {1: math.nan, 2: math.inf, 3: 0.5})
    diverged = Result("diverged", (), 1, "val_ap=nan", EPOCH)
    series.record(number, 0, ended=attempt(ended=EPOCH, end="diverged"), result=diverged)
    series.tell(number, diverged, {"outcome": "diverged"})
    rows = contents(database)
    assert len(rows["winnow_steps"]) == 1
    for table, found in rows.items():
        for value in (value for row in found for value in row):
            assert not isinstance(value, bytes | memoryview), table
            assert not (isinstance(value, float) and not math.isfinite(value)), table
            assert not re.search(r"\bNaN\b|\bInfinity\b|gASV|^80049", str(value)), table
