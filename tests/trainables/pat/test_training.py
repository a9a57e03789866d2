"""What is trained when, at which rates, on which loss."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from trainables.pat.config import LossConfig, OptimConfig
from trainables.pat.encoder import PatEncoder
from trainables.pat.heads import PatClassifier, PatHead
from trainables.pat.inputs import Rows
from trainables.pat.sizes import SIZES, Size
from trainables.pat.training import Trainer, class_weights, trained_stages
from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")
TINY = Size(patch=10, heads=1, layers=2, width=8, key=8, feed_forward=8, dropout=0.0)


def network() -> PatClassifier:
    with RandomStream(0, CPU).active():
        return PatClassifier(PatEncoder(TINY), PatHead(8, dropout=0.0))


def rows(n: int = 12) -> Rows:
    generator = torch.Generator().manual_seed(1)
    activity = torch.randn(n, 40, generator=generator)
    return Rows(activity, (torch.arange(n) % 4 == 0).float(), np.arange(n))


def trainer(
    one: PatClassifier, optim: OptimConfig, loss: LossConfig | None = None, epochs: int = 4
) -> Trainer:
    return Trainer(one, rows(), optim, loss or LossConfig(), epochs=epochs, order_seed=0)


def changed(before: dict[str, torch.Tensor], one: PatClassifier) -> set[str]:
    return {n for n, value in one.state_dict().items() if not torch.equal(before[n], value)}


def epochs_of(optim: OptimConfig, epochs: int) -> Iterator[set[str]]:
    one = network()
    work, noise = trainer(one, optim, epochs=epochs), RandomStream(0, CPU)
    for _ in range(epochs):
        before = {name: value.clone() for name, value in one.state_dict().items()}
        work.epoch(noise)
        yield changed(before, one)


def parts(names: set[str]) -> set[str]:
    """Return which of head, patches and blocks moved."""
    found = set()
    for name in names:
        words = name.split(".")
        found.add(words[0] if words[0] == "head" else ".".join(words[1:3])[:8])
    return {part if part != "patches." else "patches" for part in found}


@pytest.mark.parametrize(
    ("optim", "wanted"),
    [
        (OptimConfig(mode="probe"), [{"head"}] * 3),
        (OptimConfig(mode="two_stage", unfreeze_epoch=2), [{"head"}, {"head"}, None]),
        (OptimConfig(mode="gradual"), [{"head"}, {"head", "blocks.1"}, None]),
        (OptimConfig(mode="full"), [None] * 3),
    ],
    ids=lambda value: value.mode if isinstance(value, OptimConfig) else "",
)
def test_parts_are_trained_when_it_is_their_turn(optim: Any, wanted: Any) -> None:
    everything = {"head", "patches", "blocks.0", "blocks.1"}
    if optim.mode == "gradual":
        wanted = [*wanted[:2], {"head", "blocks.0", "blocks.1"}]
    expected = [everything if part is None else part for part in wanted]
    assert [parts(names) for names in epochs_of(optim, 3)] == expected


def test_weight_decay_leaves_frozen_parts_alone() -> None:
    (first, *_) = epochs_of(OptimConfig(mode="probe", weight_decay=0.5), 1)
    assert parts(first) == {"head"}


def test_one_rate_or_one_each() -> None:
    same = OptimConfig(lr=1e-3, encoder_lr=1e-9, head_lr=1e-9)
    apart = OptimConfig(differential=True, lr=1.0, encoder_lr=1e-9, head_lr=1e-3)
    moved = []
    for optim in (same, apart):
        one = network()
        before = {name: value.clone() for name, value in one.encoder.state_dict().items()}
        trainer(one, optim).epoch(RandomStream(0, CPU))
        after = one.encoder.state_dict()
        moved.append(max(float((before[n] - after[n]).abs().max()) for n in before))
    assert moved[0] > 1e-4
    assert moved[1] < 1e-7


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("none", [1.0, 1.0, 1.0, 1.0]),
        ("cosine", [0.5 * (1 + math.cos(math.pi * k / 4)) for k in range(4)]),
        ("warmup_cosine", [0.5, 1.0, 1.0, 0.5]),
    ],
)
def test_schedules(schedule: Any, wanted: list[float]) -> None:
    optim = OptimConfig(schedule=schedule, warmup=0.5, batch_size=12, lr=0.1)
    work, noise = trainer(network(), optim), RandomStream(0, CPU)
    rates = [work.epoch(noise)["lr"] for _ in range(4)]
    assert rates == pytest.approx([0.1 * factor for factor in wanted])


def test_on_a_plateau_the_rate_falls() -> None:
    optim = OptimConfig(schedule="plateau", plateau_patience=1, plateau_factor=0.5, lr=0.1)
    work, noise = trainer(network(), optim), RandomStream(0, CPU)
    rates = []
    for value in (0.6, 0.6, 0.6, 0.6):
        rates.append(work.epoch(noise)["lr"])
        work.observe(value)
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05])


@pytest.mark.parametrize("kind", ["none", "balanced", "sqrt"])
def test_class_weights(kind: Any) -> None:
    label = torch.tensor([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    weights = class_weights(label, kind)
    assert float(weights.mean()) == pytest.approx(1.0)
    ratio = float(weights[0] / weights[1])
    assert ratio == pytest.approx({"none": 1.0, "balanced": 9.0, "sqrt": 3.0}[kind])


def test_reports_are_means_over_windows() -> None:
    one = network()
    data = rows()
    optim = OptimConfig(lr=1e-12, batch_size=5)  # an uneven last batch
    loss = LossConfig(class_weight="balanced", label_smoothing=0.2)
    found = trainer(one, optim, loss).epoch(RandomStream(0, CPU))
    with torch.no_grad():
        p = torch.sigmoid(network()(data.activity)).double()
    y = data.label.double()
    plain = -(y * p.log() + (1 - y) * (1 - p).log())
    soft = y * 0.8 + 0.1
    smooth = -(soft * p.log() + (1 - soft) * (1 - p).log())
    weights = class_weights(data.label, "balanced")
    assert found["train_nll"] == pytest.approx(float(plain.mean()), rel=1e-4)
    assert found["train_loss"] == pytest.approx(float((smooth * weights).mean()), rel=1e-4)


@pytest.mark.parametrize(("epoch", "wanted"), [(0, 0), (1, 1), (7, 2)])
def test_stages_join_one_after_the_other(epoch: int, wanted: int) -> None:
    stages = len(PatEncoder(SIZES["S"]).stages())
    assert trained_stages(OptimConfig(mode="gradual"), epoch, stages) == wanted
