"""Tuning: what it was worth, what it chose, and what may not be read from it."""

from __future__ import annotations

from typing import Any

import pytest

from search.reports import priority_report, render
from search.statistics import expected_best

BUDGET = 4


@pytest.fixture
def planted(plant: Any, entry: Any, scores: Any) -> Any:
    """A study of one technique with its replicates; the caller plants the tunings."""
    baseline, better, _ = scores

    def make(mode: str = "once", **changes: Any) -> Any:
        planter = plant(entry("A"), looks=[3], tuning=mode, tuning_trials=BUDGET, **changes)
        for seed, score in zip(planter.seeds, baseline(12)[:3], strict=True):
            planter.run("baseline", seed, score, val=0.70)
        for seed, score in zip(planter.seeds, better(12, 0.05, 1)[:3], strict=True):
            planter.run("A", seed, score, val=0.75)
        return planter

    return make


def tune(planter: Any, arm: str, place: str, trials: list[tuple[float | None, float]]) -> None:
    """Plant a tuning: (score, lr) of each trial; a score of None was pruned at 0.2."""
    for score, lr in trials:
        kind, changes = f"tune/{arm}/{place}", {"lr": lr}
        if score is None:
            rows = [{"val_ap": 0.2, "test_ap": 0.0}]
            planter.run(arm, 5, 0.2, kind=kind, curve=rows, outcome="pruned", changes=changes,
                        params={"lr": lr})  # fmt: skip
        else:
            planter.run(arm, 5, 0.5, val=score, kind=kind, changes=changes, params={"lr": lr})


def test_the_expected_best_is_the_plug_in_estimate(planted: Any) -> None:
    planter = planted()
    tune(planter, "baseline", "0", [(0.70, 0.01), (0.72, 0.02), (0.68, 0.03), (None, 0.05)])
    (arm,) = priority_report(planter.database, "demo").tuning.arms
    # the pruned trial counts with its last value, which is worse than the worst completed one
    assert arm.expected_best == pytest.approx(expected_best([0.70, 0.72, 0.68, 0.2]).tolist())
    assert arm.outcomes == {"complete": 3, "pruned": 1}
    assert arm.best == 0.72
    assert arm.chosen == "lr=0.02"
    assert arm.border == {"lr": 0.0}
    assert arm.ranges == {"lr": "0.0001 to 0.1, log"}
    assert arm.optimism is not None
    assert arm.optimism.estimate == pytest.approx(0.02)
    assert "completed trials" in arm.importances.note


def test_a_pruned_trial_is_never_better_than_a_completed_one(planted: Any) -> None:
    planter = planted()
    tune(planter, "baseline", "0", [(0.10, 0.01), (None, 0.02)])
    (arm,) = priority_report(planter.database, "demo").tuning.arms
    assert arm.expected_best == pytest.approx((0.1, 0.1))


def test_a_choice_on_the_border_is_a_flag(planted: Any) -> None:
    planter = planted()
    tune(planter, "baseline", "0", [(0.70, 0.01), (0.71, 0.012)])
    tune(planter, "A", "0", [(0.70, 0.01), (0.75, 0.099)])
    report = priority_report(planter.database, "demo")
    assert "on_border" in report.line("A").flags
    assert "the best lr lies at the border of its range: widen it" in render(report, "markdown")
    assert "not_retuned" not in report.line("A").flags


def test_crossing_curves_are_said_in_words(planted: Any) -> None:
    planter = planted()
    tune(planter, "baseline", "0", [(0.50, 0.01), (0.50, 0.02), (0.50, 0.03)])
    tune(planter, "A", "0", [(0.10, 0.01), (0.40, 0.02), (0.90, 0.03)])
    report = priority_report(planter.database, "demo")
    (said,) = report.tuning.crossings
    assert said.startswith("A is ahead of baseline on validation data from 2 trials on")
    assert said in render(report, "html")


def test_tuned_per_seed_each_run_is_compared_with_its_own_tuning(planted: Any) -> None:
    planter = planted("per-seed")
    for place, best in enumerate((0.71, 0.73, 0.75)):
        tune(planter, "baseline", str(place), [(0.60, 0.01), (best, 0.09 if place else 0.02)])
    (arm,) = priority_report(planter.database, "demo").tuning.arms
    assert (arm.n_tunings, arm.n_trials) == (3, 6)
    assert arm.best == pytest.approx(0.73)
    assert arm.optimism is not None
    assert arm.optimism.estimate == pytest.approx(0.03)
    assert arm.border == {"lr": pytest.approx(2 / 3)}


def test_a_new_draw_reads_its_own_tunings(planted: Any) -> None:
    planter = planted(draw="f00d")
    tune(planter, "baseline", "0", [(0.99, 0.01)])
    tune(planter, "baseline", "0@f00d", [(0.70, 0.01)])
    (arm,) = priority_report(planter.database, "demo").tuning.arms
    assert arm.best == 0.70


def test_it_is_labelled_as_display(planted: Any) -> None:
    planter = planted()
    tune(planter, "baseline", "0", [(0.60 + i / 100, 0.001 * (i + 1)) for i in range(3)])
    report = priority_report(planter.database, "demo")
    for format_ in ("html", "markdown"):
        assert "display, not evidence" in render(report, format_)
    latex = render(report, "latex")
    assert "lr: 0.0001 to 0.1, log" in latex
    assert "Tuned once per arm, 4 trials each" in latex
