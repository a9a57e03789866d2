"""What is made of a protein by itself is made once: the same logits, gradients and weights."""

import numpy as np
import pytest
import torch

from trainables.esm2_pair import batches as reading
from trainables.esm2_pair.batches import Distinct, Embeddings, PairRows
from trainables.esm2_pair.features import FeatureConfig, slot_statistics
from trainables.esm2_pair.heads import MlpConfig
from trainables.esm2_pair.losses import Criterion, LossConfig
from trainables.esm2_pair.network import ModelConfig, PairNetwork
from trainables.esm2_pair.pairs import Pairs
from trainables.esm2_pair.training import OptimConfig, Trainer
from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")
N_PROTEINS, N_SLOTS, DIMS = 12, 3, 10


@pytest.fixture(autouse=True)
def small_batches_count(monkeypatch):
    monkeypatch.setattr(reading, "SMALLEST", 2)


def pairs(n=60):
    """Return pairs of three slots, in which some proteins come first and second."""
    rng = np.random.default_rng(0)
    slots = np.array([[0, 1], [0, 2], [1, 2]])[rng.integers(3, size=n)]
    first, second = (slots[:, place] * 4 + rng.integers(4, size=n) for place in (0, 1))
    label = np.arange(n) % 2
    return Pairs(first, second, label, label == 1, label, slots)


def embeddings(n_tokens=1):
    rng = np.random.default_rng(1)
    stored = rng.normal(size=(N_PROTEINS, n_tokens, DIMS)).astype(np.float16)
    return Embeddings(stored, pool=True)


def network(transform="none", mlp=None):
    read, config = embeddings(), ModelConfig(features=FeatureConfig(slot_transform=transform))
    if mlp is not None:
        config = ModelConfig(features=config.features, mlp=mlp)
    with RandomStream(0, CPU).active():
        return PairNetwork(config, 1, slot_statistics(read, pairs(), N_SLOTS)).double()


def batches(rows, n_tokens=1):
    return [
        PairRows(embeddings(n_tokens), pairs(), CPU, distinct=distinct).batch(rows)
        for distinct in (False, True)
    ]


def doubled(tokens):
    """Return the same in double precision, where the order of sums hardly matters."""
    return tokens.map(lambda x, _: x.double()) if isinstance(tokens, Distinct) else tokens.double()


def answered(net, batch):
    with RandomStream(3, CPU).active():  # the same dropout
        logits = net(doubled(batch.tokens), batch.slots).logits
    net.zero_grad()
    (logits * torch.linspace(-1, 1, len(logits))).sum().backward()
    return logits, [parameter.grad.clone() for parameter in net.parameters()]


@pytest.mark.parametrize("transform", ["none", "slot_norm", "slot_layer_norm", "unit_norm"])
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("position", ["pre_activation", "post_activation"])
def test_logits_and_gradients_are_the_same(transform, norm, position):
    net = network(transform, MlpConfig("8-4", 0.3, norm, position)).train()
    plain, shared = batches(np.arange(60))
    assert isinstance(shared.tokens, Distinct)
    (logits, gradients), (same, alike) = answered(net, plain), answered(net, shared)
    assert torch.allclose(logits, same, rtol=0, atol=1e-6)
    for gradient, other in zip(gradients, alike, strict=True):
        assert torch.allclose(gradient, other, rtol=0, atol=1e-6)
    assert any(gradient.abs().max() > 0.01 for gradient in gradients)


def test_each_protein_of_a_slot_comes_once_and_every_pair_finds_its_own():
    plain, shared = batches(np.arange(60), n_tokens=3)
    for place, side in enumerate((shared.tokens.first, shared.tokens.second)):
        assert len(side.tokens) == len(torch.unique(plain.proteins[:, place]))
        assert torch.equal(side.tokens[side.row][:, 0], plain.tokens[:, place])
        assert torch.equal(side.slots[side.row][:, 0], plain.slots[:, place])


def test_one_protein_in_two_slots_is_transformed_as_either():
    slots = np.array([[0, 1], [1, 2]] * 4)
    both = Pairs(*[np.full(8, 3)] * 2, *[np.arange(8) % 2] * 3, slots)
    rows = PairRows(embeddings(), both, CPU, distinct=True)
    side = rows.batch(np.arange(8)).tokens.first
    assert sorted(side.slots[:, 0].tolist()) == [0, 1]
    assert side.slots[side.row, 0].tolist() == slots[:, 0].tolist()


@pytest.mark.parametrize(
    ("n", "smallest", "shared"), [(2, 2, False), (60, 2, True), (60, 61, False)]
)
def test_a_batch_of_strangers_or_few_is_read_as_it_is(n, smallest, shared, monkeypatch):
    monkeypatch.setattr(reading, "SMALLEST", smallest)
    _, batch = batches(np.arange(n))
    assert isinstance(batch.tokens, Distinct) == shared


@pytest.mark.parametrize(
    ("config", "possible"),
    [
        (ModelConfig(), True),
        (ModelConfig("siamese"), False),
        (ModelConfig("cross_attention"), False),
        (ModelConfig(features=FeatureConfig(use_diff=True)), False),
        (ModelConfig(features=FeatureConfig(use_prod=True)), False),
    ],
)
def test_only_a_first_layer_of_both_by_themselves_is_a_sum(config, possible):
    assert config.reads_one_by_one == possible


def test_training_comes_to_the_same_weights():
    ends = []
    for distinct in (False, True):
        net = network(mlp=MlpConfig("8-4", 0.3, "batch")).float()
        rows = PairRows(embeddings(), pairs(), CPU, distinct=distinct)
        optim = OptimConfig(algorithm="sgd", lr=0.05, batch_size=30)
        trainer = Trainer(
            net, rows, Criterion(LossConfig(), pairs()), optim, epochs=5, order_seed=0
        )
        noise = RandomStream(0, CPU)
        ends.append([trainer.epoch(noise)["train_loss"] for _ in range(5)])
    assert ends[0] == pytest.approx(ends[1], abs=1e-5)
    assert ends[0][-1] < ends[0][0]
