"""Reference lines: their columns by hand, and what they reach."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.pat.config import DataConfig, PatConfig
from trainables.pat.generator import GeneratorConfig
from trainables.pat.reference import logistic_regression, random_forest, summaries
from trainables.pat.splits import Splits, generate_splits
from trainables.pat.windows import DAY, Windows

PEOPLE = GeneratorConfig(n_train=120, n_validation=40, n_test=200, prevalence=0.5, days=1)
SMALL = PatConfig(DataConfig(PEOPLE))
METRICS = ("ap", "auroc", "f1", "f2", "brier", "ece", "nll")


def windows(activity):
    rows = len(activity)
    worn, numbers = np.ones(activity.shape, bool), np.arange(rows)
    return Windows(np.asarray(activity, np.float32), worn, numbers, numbers % 2)


def test_columns_by_hand():
    quiet_then_busy = np.zeros((1, 2 * DAY))
    quiet_then_busy[:, 720:1440] = np.e - 1  # log counts of 1, in the afternoon of the first day
    found = summaries(windows(quiet_then_busy))[0]
    hours, spread, still, rest = found[:24], found[24:48], found[48:72], found[72:]
    assert hours == pytest.approx([0.0] * 12 + [0.5] * 12, abs=1e-6)
    assert spread == pytest.approx([0.0] * 12 + [0.5] * 12, abs=1e-6)
    assert still == pytest.approx([1.0] * 12 + [0.5] * 12)
    deviation = np.sqrt(0.25 * 0.75)
    persistence = 1 - 2 / (2 * DAY - 1) / (2 * deviation**2)  # two changes by 1
    assert rest == pytest.approx([0.25, deviation, persistence, 0.5**2 / 23], abs=1e-6)


def test_a_window_without_any_activity_has_finite_columns():
    assert np.isfinite(summaries(windows(np.zeros((2, DAY))))).all()


@pytest.mark.parametrize("line", [logistic_regression, random_forest])
def test_a_line_is_scored_on_the_splits_of_its_seed(line):
    found = line(0, config=SMALL)
    assert found == line(0, config=SMALL)
    assert found != line(1, config=SMALL)
    assert 0.75 < found["test_auroc"] < 0.97  # severity's own is 0.92
    assert set(found) == {s + m for s in ("val_", "test_") for m in METRICS}


def test_without_anything_of_severity_nothing_is_found():
    empty = PatConfig(DataConfig(replace(PEOPLE, latent_shift=0.0)))
    found = [logistic_regression(seed, config=empty)["test_auroc"] for seed in range(6)]
    assert abs(np.mean(found) - 0.5) < 0.05


def test_extreme_windows_are_ordered_by_the_linear_model():
    """Both are depressed for all that a probability tells; one more clearly than the other."""
    course = (np.arange(DAY) % 2) * (np.arange(DAY) // 60 % 2)  # every other minute and hour
    levels = {"train": [20.0, 200.0] * 20, "validation": [1e5, 1e9], "test": [1e5, 1e9]}
    parts = {name: windows(np.outer(level, course)) for name, level in levels.items()}
    found = logistic_regression(0, data=Splits(**parts))
    assert found["test_auroc"] == found["val_auroc"] == 1.0


def test_ready_splits_are_taken_as_they_are():
    splits = generate_splits(PEOPLE, seed=3)
    assert logistic_regression(9, data=splits) == logistic_regression(3, config=SMALL)
