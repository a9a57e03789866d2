import math
from typing import Any

import numpy as np
import pytest

from search.configuration import override
from tests.contracts.pi_tft import SMALL
from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.sequences import Splits
from trainables.pi_tft.trainable import PiTft
from trainables.techniques import binary
from trainables.techniques.calibration import fit_isotonic, fit_temperature, fit_threshold


def run(splits: Any, *, seed: int = 0, max_steps: int = 3, **changes: Any) -> PiTft:
    config = override(PiTftConfig(), SMALL | changes)
    return PiTft(config, seed=seed, max_steps=max_steps, data=splits)


def curve(one: PiTft) -> list[dict[str, float]]:
    metrics_of_steps = []
    while not one.done:
        metrics_of_steps.append(one.step())
    return metrics_of_steps


def test_the_seed_draws_the_events() -> None:
    small = {
        "data.generator.n_train": 120,
        "data.generator.n_validation": 80,
        "data.generator.n_test": 80,
        "data.generator.near_share": 0.5,
    }
    labels = [run(None, seed=seed, **small).predict("test").targets for seed in (1, 1, 2)]
    assert np.array_equal(labels[0], labels[1])
    assert not np.array_equal(labels[0], labels[2])


def test_it_learns(splits: Splits) -> None:
    last = curve(run(splits, max_steps=12))[-1]
    rate = float(splits.validation.label.mean())
    assert last["val_ap"] > 2 * rate
    assert last["test_auroc"] > 0.75
    assert last["val_nll"] < -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)


def test_a_step_reports_both_splits_and_the_gap(splits: Splits) -> None:
    one = run(splits, max_steps=2)
    step = one.step()
    both = {name.removeprefix("val_") for name in step if name.startswith("val_")}
    assert both == {name.removeprefix("test_") for name in step if name.startswith("test_")}
    assert both >= {"ap", "auroc", "f1", "f1_tuned", "f2", "f2_tuned", "challenge"}
    assert both >= {"brier", "ece", "nll"}
    assert step["generalization_gap"] == step["val_nll"] - step["train_nll"]
    assert {type(value) for value in step.values()} == {float}
    assert all(math.isfinite(value) for value in step.values())


def test_predictions_are_those_the_step_was_measured_on(splits: Splits) -> None:
    one = run(splits, max_steps=1)
    step = one.step()
    for split, prefix in (("validation", "val_"), ("test", "test_")):
        predictions = one.predict(split)
        for name, value in binary.evaluate(predictions).items():
            assert step[prefix + name] == value
        events = getattr(splits, split)
        assert np.array_equal(predictions.targets, events.label)
        assert np.array_equal(predictions.groups, events.event_id)


def test_thresholds_of_the_test_split_come_from_validation(splits: Splits) -> None:
    one = run(splits, max_steps=2)
    last = curve(one)[-1]
    moved = fit_threshold(one.predict("validation"))(one.predict("test"))
    assert last["test_f1_tuned"] == binary.evaluate(moved)["f1"]


def test_post_hoc_techniques_fit_and_apply(splits: Splits) -> None:
    one = run(splits, max_steps=2)
    curve(one)
    validation, test = one.predict("validation"), one.predict("test")
    plain = binary.evaluate(test)
    warm = binary.evaluate(fit_temperature(validation)(test))
    assert warm["ap"] == pytest.approx(plain["ap"])
    calibrated = binary.evaluate(fit_isotonic(validation)(validation))
    assert calibrated["ece"] < 1e-3


def test_early_stopping_ends_at_the_best_epochs_weights_and_metrics(splits: Splits) -> None:
    one = run(splits, max_steps=40, **{"stop.patience": 3})
    steps = curve(one)
    assert len(steps) < 40
    best = max(step["val_ap"] for step in steps[:-1])
    assert steps[-1]["val_ap"] == best
    peak = next(step for step in steps if step["val_ap"] == best)
    assert steps[-1] == peak
    assert steps.index(peak) == len(steps) - 1 - 3
    assert binary.evaluate(one.predict("test"))["ap"] == steps[-1]["test_ap"]


def test_at_full_length_early_stopping_also_answers_with_the_best(splits: Splits) -> None:
    steps = curve(run(splits, max_steps=6, **{"stop.patience": 50, "optim.encoder_lr": 0.3}))
    assert len(steps) == 6
    assert steps[-1]["val_ap"] == max(step["val_ap"] for step in steps)


def test_early_stopping_waits_for_averaging_and_answers_with_an_average(splits: Splits) -> None:
    changes = {"stop.patience": 1, "optim.swa": True, "optim.swa_start": 0.75}
    one = run(splits, max_steps=20, **changes)
    steps = curve(one)
    assert len(steps) > 15
    averaged = steps[15:]
    assert steps[-1]["val_ap"] == max(step["val_ap"] for step in averaged)
