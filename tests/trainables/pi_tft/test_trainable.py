import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from search.configuration import flatten, override
from search.errors import TrainableError
from search.trainable import inspect_trainable
from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.sequences import Splits
from trainables.pi_tft.trainable import CHECKPOINT, PiTft
from trainables.techniques import binary
from trainables.techniques.calibration import fit_isotonic, fit_temperature, fit_threshold

SMALL = {"model.width": 8, "optim.batch_size": 32, "optim.encoder_lr": 0.02, "optim.head_lr": 0.02}
EVERYTHING = {
    "optim.swa": True,
    "optim.swa_start": 0.5,
    "optim.ema": True,
    "optim.accum_steps": 2,
    "optim.batch_size": 16,
    "optim.patience": 10,
    "mtl.aggregator": "gradnorm",
    "model.pooling": "attention",
    "loss.kind": "focal",
}


def run(splits: Any, *, seed: int = 0, max_steps: int = 3, **changes: Any) -> PiTft:
    config = override(PiTftConfig(), SMALL | changes)
    return PiTft(config, seed=seed, max_steps=max_steps, data=splits)


def curve(one: PiTft) -> list[dict[str, float]]:
    metrics_of_steps = []
    while not one.done:
        metrics_of_steps.append(one.step())
    return metrics_of_steps


def logits(one: PiTft) -> np.ndarray[Any, Any]:
    return np.concatenate([one.predict(split).scores for split in ("validation", "test")])


def test_it_meets_the_contract() -> None:
    contract = inspect_trainable(PiTft)
    assert contract.kind == "class"
    assert contract.predicts
    assert contract.keywords == {"max_steps", "data"}


def test_a_seed_decides_everything_whatever_the_global_generators_say(splits: Splits) -> None:
    first = run(splits, **EVERYTHING)
    once = curve(first)
    torch.manual_seed(1234)
    np.random.seed(1234)  # noqa: NPY002 - the global state is what must not matter
    second = run(splits, **EVERYTHING)
    assert curve(second) == once
    assert np.array_equal(logits(first), logits(second))


def test_another_seed_gives_another_run_on_the_same_events(splits: Splits) -> None:
    assert curve(run(splits, seed=1)) != curve(run(splits, seed=2))


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


def test_two_runs_in_one_process_do_not_disturb_each_other(splits: Splits) -> None:
    alone = curve(run(splits, seed=1))
    mine, other = run(splits, seed=1), run(splits, seed=2)
    together = []
    for _ in range(3):
        other.step()
        together.append(mine.step())
        torch.rand(5)
    assert together == alone


def test_the_global_generator_is_left_as_it_was(splits: Splits) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    curve(run(splits, max_steps=1, **{"mtl.aggregator": "pcgrad"}))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        EVERYTHING,
        EVERYTHING | {"mtl.aggregator": "gradvac", "optim.swa_schedule": "cyclic"},
        {"mtl.aggregator": "cagrad", "optim.patience": 2, "optim.encoder_lr": 0.3},
    ],
)
def test_a_resumed_run_is_the_run(splits: Splits, tmp_path: Path, changes: dict[str, Any]) -> None:
    whole = run(splits, max_steps=6, **changes)
    expected = curve(whole)
    half = run(splits, max_steps=6, **changes)
    for _ in range(3):
        half.step()
    half.save(tmp_path)
    resumed = run(splits, max_steps=6, **changes)
    resumed.load(tmp_path)
    assert curve(resumed) == expected[3:]
    assert np.array_equal(logits(resumed), logits(whole))
    after = tmp_path / "end"
    after.mkdir()
    for one in (whole, resumed):
        one.save(after)
        state = torch.load(after / CHECKPOINT, weights_only=True)
        assert state["progress"]["steps"] == len(expected)
        weights = state["trainer"]["network"]
        if one is whole:
            reference = weights
    assert all(torch.equal(weights[name], reference[name]) for name in reference)


def test_a_finished_run_answers_as_before_when_loaded(splits: Splits, tmp_path: Path) -> None:
    changes = {"optim.patience": 2, "optim.encoder_lr": 0.3}
    ended = run(splits, max_steps=8, **changes)
    curve(ended)
    ended.save(tmp_path)
    loaded = run(splits, max_steps=8, **changes)
    loaded.load(tmp_path)
    assert loaded.done
    assert np.array_equal(logits(loaded), logits(ended))


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


def test_an_unknown_split_is_refused(splits: Splits) -> None:
    with pytest.raises(TrainableError, match="no split 'tets'; did you mean 'test'"):
        run(splits).predict("tets")


def test_a_run_that_is_over_takes_no_step(splits: Splits) -> None:
    one = run(splits, max_steps=1)
    assert not one.done
    one.step()
    assert one.done
    with pytest.raises(TrainableError, match="over after 1 steps"):
        one.step()


def test_early_stopping_ends_at_the_best_epochs_weights_and_metrics(splits: Splits) -> None:
    one = run(splits, max_steps=40, **{"optim.patience": 3})
    steps = curve(one)
    assert len(steps) < 40
    best = max(step["val_ap"] for step in steps[:-1])
    assert steps[-1]["val_ap"] == best
    peak = next(step for step in steps if step["val_ap"] == best)
    assert steps[-1] == peak
    assert steps.index(peak) == len(steps) - 1 - 3
    assert binary.evaluate(one.predict("test"))["ap"] == steps[-1]["test_ap"]


def test_at_full_length_early_stopping_also_answers_with_the_best(splits: Splits) -> None:
    steps = curve(run(splits, max_steps=6, **{"optim.patience": 50, "optim.encoder_lr": 0.3}))
    assert len(steps) == 6
    assert steps[-1]["val_ap"] == max(step["val_ap"] for step in steps)


def test_early_stopping_waits_for_averaging_and_answers_with_an_average(splits: Splits) -> None:
    changes = {"optim.patience": 1, "optim.swa": True, "optim.swa_start": 0.75}
    one = run(splits, max_steps=20, **changes)
    steps = curve(one)
    assert len(steps) > 15
    averaged = steps[15:]
    assert steps[-1]["val_ap"] == max(step["val_ap"] for step in averaged)


def test_a_run_that_diverges_reports_it_without_an_exception(splits: Splits) -> None:
    one = run(splits, max_steps=3, **{"optim.encoder_lr": 1e30, "optim.head_lr": 1e30})
    assert math.isnan(curve(one)[-1]["val_ap"])


CONTEXTS: dict[str, dict[str, Any]] = {
    "loss.gamma": {"loss.kind": "focal"},
    "loss.alpha": {"loss.kind": "focal"},
    "loss.pos_weight": {"loss.kind": "wbce"},
    "model.pool_hidden": {"model.pooling": "attention"},
    "optim.swa_start": {"optim.swa": True},
    "optim.swa_lr": {"optim.swa": True},
    "optim.swa_anneal": {"optim.swa": True, "optim.swa_start": 0.3},
    "optim.swa_schedule": {"optim.swa": True},
    "optim.cycle_len": {"optim.swa": True, "optim.swa_schedule": "cyclic", "optim.swa_start": 0.3},
    "optim.ema_decay": {"optim.ema": True},
    "mtl.gradnorm_alpha": {"mtl.aggregator": "gradnorm"},
    "mtl.cagrad_c": {"mtl.aggregator": "cagrad"},
    "optim.patience": {"optim.encoder_lr": 0.3},
}
TOGGLES: list[tuple[str, Any]] = [
    ("model.width", 12),
    ("model.layers", 2),
    ("model.heads", 4),
    ("model.dropout", 0.4),
    ("model.gated_selection", True),
    ("model.pooling", "mean"),
    ("model.pooling", "attention"),
    ("model.pool_hidden", 0),
    ("loss.kind", "wbce"),
    ("loss.kind", "focal"),
    ("loss.gamma", 1.0),
    ("loss.alpha", 0.4),
    ("loss.pos_weight", 3.0),
    ("loss.miss_weight", 0.1),
    ("loss.physics_weight", 0.0),
    ("loss.bound", 0.0),
    ("loss.consistency", 0.0),
    ("loss.monotone", 0.0),
    ("loss.martingale", 0.0),
    ("loss.dex_per_logit", 2.0),
    ("optim.encoder_lr", 0.01),
    ("optim.head_lr", 0.01),
    ("optim.weight_decay", 0.5),
    ("optim.batch_size", 16),
    ("optim.accum_steps", 2),
    ("optim.clip", 0.01),
    ("optim.warmup", 0.5),
    ("optim.schedule", "constant"),
    ("optim.swa", True),
    ("optim.swa_start", 0.3),
    ("optim.swa_lr", 0.05),
    ("optim.swa_anneal", 0),
    ("optim.swa_schedule", "cyclic"),
    ("optim.cycle_len", 2),
    ("optim.ema", True),
    ("optim.ema_decay", 0.5),
    ("optim.patience", 1),
    ("mtl.aggregator", "mean"),
    ("mtl.aggregator", "pcgrad"),
    ("mtl.aggregator", "gradvac"),
    ("mtl.aggregator", "cagrad"),
    ("mtl.aggregator", "gradnorm"),
    ("mtl.gradnorm_alpha", 0.0),
    ("mtl.cagrad_c", 0.1),
    ("mtl.groups", "risk_only"),
    ("mtl.groups", "risk+miss"),
    ("mtl.groups", "risk+physics"),
]


def outcome(splits: Splits, changes: dict[str, Any]) -> tuple[list[float], int]:
    one = run(splits, max_steps=5, **changes)
    steps = curve(one)
    return [step["train_loss"] for step in steps] + logits(one).tolist(), len(steps)


@pytest.mark.parametrize(("path", "value"), TOGGLES)
def test_every_knob_changes_the_run(splits: Splits, path: str, value: Any) -> None:
    context = CONTEXTS.get(path, {})
    assert outcome(splits, context | {path: value}) != outcome(splits, context)


def test_every_knob_is_among_the_toggles() -> None:
    elsewhere = {"data.delta_features", "data.max_length", "data.horizon_days", "data.split_seed"}
    elsewhere |= {"data.replication"}  # read where splits are made: test_batches
    generator = {f"data.generator.{name}" for name in flatten(GeneratorConfig())}
    known = set(flatten(PiTftConfig())) - elsewhere - generator
    assert known == {path for path, _ in TOGGLES}
