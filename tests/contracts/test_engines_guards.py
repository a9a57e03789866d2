"""Guards on each engine: what they say is stored, and a run that one stops ends there."""

import math

import pytest
from optuna.trial import TrialState

from search import Guard
from search.protocol.registering import Design
from search.protocol.running import run_study
from search.protocol.searching import Options
from search.reports import priority_report, render, search_report
from search.reports.priority_json import as_json
from search.storage.database import Database
from search.storage.registrations import read_registrations
from tests.contracts.conftest import Place, with_study


@pytest.fixture(scope="module")
def place(new_place):
    return new_place()


@pytest.fixture(scope="module")
def guarded(place):
    """Run one trial of each kind."""
    loaded = place.load("guards")
    outcome = place.search(loaded, trials=len(loaded.module.KINDS), workers=1, data=False)
    return place.found("guards/search", outcome)


def said(trial):
    return [(flag.kind, flag.metric, flag.step) for flag in trial.flags]


SILENT = ("not_reported", "grad_norm", 9)  # the guard that names a metric nobody reports


def test_a_healthy_run_is_only_told_what_it_does_not_report(guarded):
    trial = guarded.trial("healthy")
    assert (trial.outcome, said(trial)) == ("complete", [SILENT])


def test_a_guard_that_stops_a_run_makes_it_diverge_with_its_words_as_the_reason(guarded):
    trial = guarded.trial("collapses")
    assert trial.outcome == "diverged"
    assert trial.result.reason == "guard: train_loss = 1e-09 collapses, under 1e-05 at step 4"
    assert (trial.result.values, trial.result.step) == ((), 4)
    assert [step.step for step in trial.steps] == [1, 2, 3, 4]  # and not one further
    assert [(flag.kind, flag.stops) for flag in trial.flags] == [("collapse", True)]
    stored = guarded.optuna[trial.number]
    assert stored.state == TrialState.PRUNED
    assert stored.user_attrs["outcome"] == "diverged"
    assert stored.user_attrs["reason"] == trial.result.reason
    assert len(trial.attempts) == 1


def test_a_guard_that_only_flags_lets_the_run_go_on(guarded):
    trial = guarded.trial("loses its loss")
    assert (trial.outcome, len(trial.steps)) == ("complete", 9)
    assert said(trial) == [("non_finite", "train_loss", 5), SILENT]
    assert math.isnan(trial.flags[0].value)


def test_a_run_that_stalls_is_flagged_at_its_step(guarded):
    assert said(guarded.trial("stalls"))[0] == ("no_improvement", "val_ap", 5)


def test_held_out_metrics_reach_no_guard(guarded):
    assert said(guarded.trial("cheats")) == [SILENT]
    metrics = {flag.metric for trial in guarded.series.trials for flag in trial.flags}
    assert not any(metric.startswith("test_") for metric in metrics)


def test_the_search_report_shows_them_in_every_format(guarded, place):
    number = guarded.trial("loses its loss").number
    database = Database(place.url, create=False)
    report = search_report(database, "guards")
    database.close()
    assert report.trial(number).flag_kinds == ("non_finite", "not_reported")
    for format_ in ("csv", "json"):
        assert "non_finite" in render(report, format_)
    for format_ in ("markdown", "html"):
        assert "non finite, not reported" in render(report, format_)
    for format_ in ("table", "markdown", "html"):
        assert "a loss is not finite (1)" in " ".join(render(report, format_).split())


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A table whose only technique is stopped by a guard; in this process only."""
    place = Place(tmp_path_factory.mktemp("guarded") / "place", "local")
    loaded = place.load("guards")
    run_table(place, with_study(loaded, loaded.module.table()))
    database = Database(place.url)
    yield place, loaded, database
    database.close()


def run_table(place, loaded, looks=(3, 4)):
    design = Design.of("quick", looks=looks)
    return run_study(loaded, Options(place.url, engine="local"), design)


def test_replicates_that_a_guard_stops_are_failures_at_the_floor(measured):
    _, _, database = measured
    report = priority_report(database, "guarded")
    line = report.line("Risky")
    assert line.row.n_seeds > 0
    assert line.row.n_failed == line.row.n_seeds  # though its held-out score is far better
    assert line.row.verdict.value not in ("adopt", "inconclusive")
    (row,) = as_json(report)["rows"]
    assert {"collapse"} <= set(row["flags"])
    n = line.row.n_seeds
    words = f"a loss collapses (train_loss) in {n} of {n} runs, {n} of which it stopped"
    assert words in [flag.words for flag in report.flags if flag.arm == "Risky"]
    assert "collapse" not in [flag.kind for flag in report.flags if flag.arm == "baseline"]


def test_guards_and_criteria_are_registered_and_judged(measured):
    _, loaded, database = measured
    (record,) = read_registrations(database, "guarded")
    assert [Guard(**entry) for entry in record.specification["guards"]] == list(
        loaded.module.GUARDS
    )
    report = priority_report(database, "guarded")
    found = {(check.criterion, check.arm): check.threshold for check in report.checks}
    assert found["published", "baseline"].decision == "go"
    assert found["<trained>", "baseline"].decision == "no-go"
    assert found["<trained>", "baseline"].mean == pytest.approx(1 / 9)
    entry = next(entry for entry in report.log if entry.arm == "baseline")
    assert entry.gaps["published"].estimate == pytest.approx(report.baseline_score - 0.4)
    html = render(report, "html")
    assert "&lt;trained&gt;" in html
    assert "<trained>" not in html


def test_other_guards_amend_the_registration_and_reuse_the_runs(measured):
    place, loaded, database = measured
    before = len(priority_report(database, "guarded").lines[0].differences)
    study = loaded.module.table(guards=[Guard("collapse")])
    outcome = run_table(place, with_study(loaded, study))
    first, second = read_registrations(database, "guarded")
    assert (second.kind, second.reason) == ("amendment", "guards changed")
    assert first.specification["seeds"] == second.specification["seeds"]
    assert len(outcome.priority.measured.superseded) == 0
    assert len(priority_report(database, "guarded").lines[0].differences) == before
