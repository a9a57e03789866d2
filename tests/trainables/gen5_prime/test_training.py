"""Schedules, optimizers, and what an epoch reports."""

import math

import pytest
import torch

from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.losses import LossConfig
from trainables.gen5_prime.network import LensNetwork, ModelConfig
from trainables.gen5_prime.normalisation import NormConfig
from trainables.gen5_prime.rows import Prepared, fitted, make_rows
from trainables.gen5_prime.training import OptimConfig, Trainer, make_schedule
from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")


def trainer(epochs=3, loss=None, **changes):
    train = small().train  # 40 pairs
    torch.manual_seed(0)
    network = LensNetwork(ModelConfig(width=2), "single3")
    made = Trainer(
        network,
        make_rows(fitted(NormConfig(), train), train, CPU),
        Prepared(DataConfig(), contrasted=False),
        loss or LossConfig(),
        OptimConfig(batch_size=16, **changes),
        epochs=epochs,
        order_seed=0,
    )
    return made, network


def epochs(made, n):
    noise = RandomStream(0, CPU)
    return [made.epoch(noise) for _ in range(n)]


def test_a_cosine_spans_the_run_and_ends_at_its_floor():
    config = OptimConfig(schedule="cosine", floor=0.1)
    schedule = make_schedule(config, epochs=5, per_epoch=4)
    assert schedule.factor(0) == 1.0
    assert schedule.factor(10) == pytest.approx(0.55)
    assert schedule.factor(20) == pytest.approx(0.1)


def test_restarts_come_after_two_and_six_epochs():
    """T_0 = 2 and T_mult = 2: of six epochs, the last is the end of a cosine."""
    config = OptimConfig(schedule="warm_restarts", floor=0.0)
    schedule = make_schedule(config, epochs=6, per_epoch=10)
    tops = [step for step in range(61) if schedule.factor(step) == 1.0]
    assert tops == [0, 20, 60]


@pytest.mark.parametrize("kind", ["constant", "cosine", "warm_restarts", "one_cycle"])
def test_the_rate_is_on_schedule(kind):
    made, _ = trainer(schedule=kind, lr=3e-3)
    found = epochs(made, 3)
    schedule = make_schedule(OptimConfig(schedule=kind), epochs=3, per_epoch=3)
    expected = [3e-3 * schedule.factor(step) for step in (2, 5, 8)]
    assert [each["lr"] for each in found] == pytest.approx(expected)
    assert all(each["lr_off_schedule"] < 1e-9 for each in found)


def test_the_largest_norm_is_no_smaller_than_the_mean_and_holds_the_stems():
    made, _ = trainer()
    for found in epochs(made, 2):
        assert found["grad_norm_max"] >= found["grad_norm"] > found["stem_grad_norm"] > 0


def test_a_clipped_step_of_plain_descent_is_as_long_as_it_may_be():
    made, network = trainer(
        algorithm="sgd", lr=0.5, momentum=0.0, weight_decay=0.0, clip=1e-3, schedule="constant"
    )
    before = torch.cat([p.detach().flatten().clone() for p in network.parameters()])
    found = epochs(made, 1)[0]
    after = torch.cat([p.detach().flatten() for p in network.parameters()])
    moved = float((after - before).norm())
    assert 0 < moved <= 3 * 0.5 * 1e-3 * 1.001
    assert found["grad_norm"] > 1e-2  # before clipping


def test_smoothing_is_in_the_loss_that_is_trained_and_not_in_the_plain_one():
    made, _ = trainer(loss=LossConfig(label_smoothing=0.2), lr=1e-9)
    found = epochs(made, 1)[0]
    plain, _ = trainer(lr=1e-9)
    assert found["train_nll"] == pytest.approx(epochs(plain, 1)[0]["train_loss"], rel=1e-5)
    assert found["train_loss"] != pytest.approx(found["train_nll"], rel=1e-3)


@pytest.mark.parametrize("algorithm", ["adam", "adamw", "sgd"])
def test_every_optimizer_lowers_the_loss(algorithm):
    rate = 0.05 if algorithm == "sgd" else 3e-3
    made, _ = trainer(epochs=12, algorithm=algorithm, lr=rate)
    losses = [each["train_loss"] for each in epochs(made, 12)]
    assert losses[-1] < losses[0]
    assert all(math.isfinite(loss) for loss in losses)
