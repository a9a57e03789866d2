"""The trainable as an engine sees it, beyond the contract of all systems."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from search.configuration import override
from search.errors import DataError
from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.metrics import SHIFTED, clean, evaluate, shift
from trainables.gen5_prime.stamps import Splits
from trainables.gen5_prime.trainable import Gen5Prime
from trainables.techniques.calibration import fit_platt, fit_temperature

SMALL = {"model.width": 2, "optim.batch_size": 16, "stop.epochs": 3}
PAIRED = {"data.mode": "paired6"}


def run(splits=None, max_steps=3, seed=0, **changes):
    config = override(Gen5Config(), {**SMALL, **changes})
    return Gen5Prime(config, seed=seed, max_steps=max_steps, data=splits or small())


def curve(one):
    found = []
    while not one.done:
        found.append(one.step())
    return found


def test_held_out_pairs_are_seen_at_the_end_only():
    steps = curve(run())
    assert len(steps) == 3
    assert not any(name.startswith("test_") for step in steps[:-1] for name in step)
    assert {"test_auroc", "test_shift_auroc", "test_core_masked_drop"} <= set(steps[-1])
    assert steps[-1]["generalization_gap"] == steps[-1]["val_nll"] - steps[-1]["train_nll"]


def test_the_test_split_is_clean_pairs_and_then_shifted_ones():
    one, splits = run(), small()
    last = curve(one)[-1]
    test = one.predict("test")
    n = len(splits.test)
    assert (test.groups < SHIFTED).tolist() == [True] * n + [False] * len(splits.shift)
    np.testing.assert_array_equal(test.targets[:n], splits.test.label)
    np.testing.assert_array_equal(test.groups[n:] - SHIFTED, splits.shift.brick)
    assert last["test_auroc"] == evaluate(clean(test))["auroc"]
    moved = shift(test)
    alone = evaluate(replace(moved, groups=None))
    assert last["test_shift_auroc"] == alone["auroc"]
    assert "val_shift_auroc" not in last


@pytest.mark.parametrize("fit", [fit_platt, fit_temperature])
def test_calibration_moves_no_area_of_either_part(fit):
    one = run(**{"optim.lr": 0.01})
    curve(one)
    test = one.predict("test")
    calibrate = fit(one.predict("validation"))
    before, after = evaluate(test), evaluate(calibrate(test))
    if getattr(calibrate, "slope", 1.0) > 0:
        for area in ("auroc", "shift_auroc", "ap", "shift_ap"):
            assert after[area] == pytest.approx(before[area], abs=1e-12)
    validation = one.predict("validation")
    assert evaluate(calibrate(validation))["nll"] <= evaluate(validation)["nll"] + 0.01


def test_what_is_looked_at_changes_no_training():
    plain = run()
    blind = run(**{"evaluation.probes": False, "evaluation.attention": False})
    first, second = curve(plain), curve(blind)
    for split in ("validation", "test"):
        np.testing.assert_array_equal(plain.predict(split).scores, blind.predict(split).scores)
    for seen, unseen in zip(first, second, strict=True):
        assert unseen.items() <= seen.items()
    gone = set(first[-1]) - set(second[-1])
    assert {"val_on_arc", "test_core_lr_auroc", "test_hard_negative_auroc"} <= gone
    assert curve(run(**{"evaluation.min_per_brick": 999}))[-1].get("test_brick_auroc_sd") is None


@pytest.mark.parametrize(("epochs", "looks"), [(10, [2, 5, 10]), (3, [1, 2, 3]), (1, [1])])
def test_maps_are_made_at_a_fifth_at_half_and_at_the_end(epochs, looks):
    steps = curve(run(max_steps=epochs, **{"stop.epochs": epochs}))
    assert [place for place, step in enumerate(steps, start=1) if "val_on_arc" in step] == looks


def test_maps_can_be_looked_at():
    one = run()
    curve(one)
    maps = one.maps(np.array([3, 0]))
    assert maps.shape == (2, 64, 64)
    np.testing.assert_allclose(one.maps(np.array([0]))[0], maps[1], atol=1e-6)
    before = one.predict("validation").scores
    assert one.diagnose()["gallery"]["rows"]
    np.testing.assert_array_equal(one.predict("validation").scores, before)


def test_a_network_of_three_channels_needs_no_control():
    last = curve(run())[-1]
    assert last["test_deploy_duplicate_auroc"] == last["test_shift_auroc"]
    assert last["test_deploy_median_recall"] == last["test_shift_recall"]
    paired = curve(run(**PAIRED))[-1]
    assert paired["test_deploy_duplicate_auroc"] != paired["test_shift_auroc"]
    difference = curve(run(**{"data.mode": "residual_diff"}))[-1]
    assert difference["test_deploy_duplicate_auroc"] == 0.5


@pytest.mark.parametrize(
    ("watch", "metric", "best"),
    [
        ("loss", "val_nll", min),
        ("auroc", "val_auroc", max),
        ("core_masked_auroc", "val_core_masked_auroc", max),
    ],
)
def test_early_stopping_answers_with_the_best_epoch_by_what_it_watches(watch, metric, best):
    changes = {"stop.epochs": 8, "stop.patience": 1, "stop.watch": watch, "optim.lr": 0.03}
    one = run(max_steps=8, **changes)
    values = [step[metric] for step in curve(one)]
    assert values[-1] == best(values)
    assert values[:-1].index(values[-1]) < len(values) - 1  # not simply the last one's


def test_arms_of_one_seed_start_alike(tmp_path):
    """Whatever is done to pairs: same first weights, same order."""
    started = []
    for changes in ({}, {"data.shortcut.core_dropout": 0.5}, {"data.augmentation.rot90": True}):
        run(**changes).save(tmp_path)
        state = torch.load(tmp_path / Gen5Prime.checkpoint, weights_only=True)["trainer"]
        started.append((state["network"], state["order"]))
    for network, order in started[1:]:
        assert torch.equal(order, started[0][1])
        assert all(torch.equal(network[name], started[0][0][name]) for name in network)


def test_positives_alone_may_be_trained_on_and_nothing_else_without_a_class():
    last = curve(run(**PAIRED, **{"data.negatives.source": "none"}))[-1]
    assert last["test_core_lr_auroc"] == 0.5
    splits = small()
    arcs = splits.shift.take(splits.shift.label == 1)
    with pytest.raises(DataError, match="the shift split must hold pairs with an arc and others"):
        run(Splits(splits.train, splits.validation, splits.test, arcs))


def test_stamps_are_left_as_they_are():
    splits = small()
    before = splits.train.stamp.copy()
    curve(run(**{"data.norm.kind": "joint_pair", "data.augmentation.noise": 0.5}))
    np.testing.assert_array_equal(splits.train.stamp, before)
