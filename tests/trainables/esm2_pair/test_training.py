"""One epoch after another: optimizers, rates, clipping, and what is reported."""

import math

import numpy as np
import pytest
import torch

from tests.trainables.esm2_pair.pair_splits import make_pairs, make_splits
from trainables.esm2_pair.batches import Embeddings, PairRows
from trainables.esm2_pair.features import FeatureConfig, slot_statistics
from trainables.esm2_pair.heads import MlpConfig
from trainables.esm2_pair.losses import Criterion, LossConfig
from trainables.esm2_pair.network import ModelConfig, PairNetwork
from trainables.esm2_pair.training import OptimConfig, Trainer
from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")
NOISE_FREE = MlpConfig(hidden_dims="4", dropout=0.0)


def parts(mlp=NOISE_FREE, loss=None, pairs=None, **optim):
    splits = make_splits()
    pairs = splits.train if pairs is None else pairs
    embeddings = Embeddings(splits.embeddings, pool=True)
    with RandomStream(0, CPU).active():
        network = PairNetwork(
            ModelConfig(mlp=mlp, features=FeatureConfig()),
            1,
            slot_statistics(embeddings, pairs, 2),
        )
    rows = PairRows(embeddings, pairs, CPU)
    criterion = Criterion(loss or LossConfig(), pairs)
    config = OptimConfig(**{"batch_size": 10, **optim})
    return network, rows, Trainer(network, rows, criterion, config, epochs=4, order_seed=0)


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("none", [1, 1, 1, 1]),
        ("cosine", [0.5 * (1 + math.cos(math.pi * k / 4)) for k in range(4)]),
        ("step", [1, 1, 0.1, 0.1]),
    ],
)
def test_schedules(schedule, wanted):
    _, _, trainer = parts(schedule=schedule, batch_size=40, lr=0.1, step_size=2, step_factor=0.1)
    noise = RandomStream(0, CPU)
    rates = [trainer.epoch(noise)["lr"] for _ in range(4)]
    assert rates == pytest.approx([0.1 * factor for factor in wanted])


def test_steps_are_of_epochs_however_many_updates_they_have():
    _, _, trainer = parts(schedule="step", batch_size=5, lr=0.1, step_size=2, step_factor=0.1)
    noise = RandomStream(0, CPU)
    assert [trainer.epoch(noise)["lr"] for _ in range(3)] == pytest.approx([0.1, 0.1, 0.01])


def test_on_a_plateau_the_rate_falls():
    _, _, trainer = parts(schedule="plateau", plateau_patience=1, plateau_factor=0.5, lr=0.1)
    noise, rates = RandomStream(0, CPU), []
    for value in (0.6, 0.6, 0.6, 0.6):
        rates.append(trainer.epoch(noise)["lr"])
        trainer.observe(value)
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05])


def test_reports_are_means_over_pairs():
    network, rows, trainer = parts(
        loss=LossConfig(label_smoothing=0.2, class_weight="fixed", pos_weight=3.0),
        lr=1e-12,
        weight_decay=0.0,
        batch_size=7,  # an uneven last batch
    )
    found = trainer.epoch(RandomStream(0, CPU))
    whole = rows.batch(np.arange(len(rows)))
    with torch.no_grad():
        p = torch.sigmoid(network(whole.tokens, whole.slots).logits).double()
    y = whole.label.double()
    assert found["train_nll"] == pytest.approx(
        float(-(y * p.log() + (1 - y) * (1 - p).log()).mean()), rel=1e-5
    )
    soft = 0.8 * y + 0.1
    terms = 3 * soft * p.log() + (1 - soft) * (1 - p).log()
    assert found["train_loss"] == pytest.approx(float(-terms.mean()), rel=1e-5)


def test_one_step_of_sgd_by_hand():
    network, rows, trainer = parts(algorithm="sgd", lr=0.5, weight_decay=0.0, batch_size=40)
    whole = rows.batch(np.arange(40))
    output = network.body.classifier.output
    before = output.bias.detach().clone()
    excess = torch.sigmoid(network(whole.tokens, whole.slots).logits) - whole.label
    trainer.epoch(RandomStream(0, CPU))
    assert output.bias.item() == pytest.approx(before.item() - 0.5 * excess.mean().item(), abs=1e-6)


def test_clipping_bounds_a_step_and_reports_the_norm_before():
    moved, norms = [], []
    for clip in (0.0, 1e-3):
        network, _, trainer = parts(
            algorithm="sgd", momentum=0.0, lr=1.0, weight_decay=0.0, batch_size=40, clip=clip
        )
        before = torch.nn.utils.parameters_to_vector(network.parameters()).detach().clone()
        norms.append(trainer.epoch(RandomStream(0, CPU))["grad_norm"])
        after = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
        moved.append(float((after - before).norm()))
    assert norms[0] == pytest.approx(norms[1])
    assert moved[0] == pytest.approx(norms[0], rel=1e-3)
    assert moved[1] == pytest.approx(1e-3, rel=1e-2)


def test_weight_decay_is_decoupled_in_one_of_them_only():
    """AdamW shrinks a weight without a gradient by lr · decay; Adam steps by about lr."""
    shrunk = {}
    for algorithm in ("adam", "adamw"):
        network, _, trainer = parts(
            algorithm=algorithm, lr=0.01, weight_decay=0.5, batch_size=40, loss=LossConfig()
        )
        with torch.no_grad():
            network.body.classifier.hidden[0].bias.fill_(-1e3)  # no unit is ever active
        weight = network.body.classifier.hidden[0].weight
        before = weight.detach().clone()
        trainer.epoch(RandomStream(0, CPU))
        shrunk[algorithm] = (before - weight.detach()) / before
    assert shrunk["adamw"].flatten().tolist() == pytest.approx([0.005] * 48, rel=1e-2)
    assert float(shrunk["adam"].abs().min()) > 0.01


def test_a_last_pair_does_not_break_batch_normalisation():
    pairs = make_pairs(31)
    _, _, trainer = parts(MlpConfig("4", norm="batch"), pairs=pairs, batch_size=10)
    assert math.isfinite(trainer.epoch(RandomStream(0, CPU))["train_loss"])


def test_it_learns_what_there_is_to_learn():
    _, _, trainer = parts(lr=0.03, batch_size=8)
    noise = RandomStream(0, CPU)
    losses = [trainer.epoch(noise)["train_nll"] for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]


def test_losses_of_distances_report_no_cross_entropy():
    splits = make_splits()
    embeddings = Embeddings(splits.embeddings, pool=True)
    network = PairNetwork(ModelConfig("siamese"), 1, slot_statistics(embeddings, splits.train, 2))
    trainer = Trainer(
        network,
        PairRows(embeddings, splits.train, CPU),
        Criterion(LossConfig(kind="contrastive"), splits.train),
        OptimConfig(),
        epochs=1,
        order_seed=0,
    )
    assert set(trainer.epoch(RandomStream(0, CPU))) == {"train_loss", "grad_norm", "lr"}
