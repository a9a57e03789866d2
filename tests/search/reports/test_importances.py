"""Importances: only where they can be computed, and always labelled."""

from __future__ import annotations

import optuna
import pytest

from search.reports.importances import importances


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))


def test_too_few_trials_say_so(study: optuna.Study) -> None:
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=9)
    found = importances(study)
    assert found.shares == {}
    assert found.note == "Needs 10 completed trials; there are 9 completed trials."


def test_one_parameter_has_nothing_to_compare_with(study: optuna.Study) -> None:
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=12)
    assert importances(study).note == "Needs two parameters to compare."


def test_equal_values_tell_nothing(study: optuna.Study) -> None:
    def flat(trial: optuna.Trial) -> float:
        return 0 * trial.suggest_float("x", 0, 1) * trial.suggest_float("y", 0, 1)

    study.optimize(flat, n_trials=12)
    assert importances(study).shares == {}


def test_the_larger_effect_comes_first(study: optuna.Study) -> None:
    def uneven(trial: optuna.Trial) -> float:
        return 100 * trial.suggest_float("big", 0, 1) ** 2 + 0.01 * trial.suggest_float(
            "small", 0, 1
        )

    study.optimize(uneven, n_trials=60)
    found = importances(study)
    assert list(found.shares) == ["big", "small"]
    assert sum(found.shares.values()) == pytest.approx(1.0)
