"""Losses against closed forms, and against loops."""

import math

import pytest
import torch

from trainables.gen5_prime.losses import LossConfig, by_margin, loss_of, supervised
from trainables.gen5_prime.network import Outputs


def unit(*shape, seed=0):
    vectors = torch.randn(
        *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return torch.nn.functional.normalize(vectors, dim=-1)


LABEL = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0], dtype=torch.float64)
LOGITS = torch.tensor([2.0, -1.0, -0.5, 0.3, 0.0], dtype=torch.float64)


def entropy(logit, target, weight=1.0):
    chance = 1 / (1 + math.exp(-logit))
    return -weight * target * math.log(chance) - (1 - target) * math.log(1 - chance)


def test_smoothing_and_weights_are_the_closed_form():
    config = LossConfig(label_smoothing=0.2, pos_weight=3.0)
    outputs = Outputs(LOGITS, unit(5, 4))
    targets = [0.9 if label else 0.1 for label in LABEL.tolist()]
    expected = [entropy(x, y, 3.0) for x, y in zip(LOGITS.tolist(), targets, strict=True)]
    found = loss_of(config, outputs, None, LABEL)
    assert float(found) == pytest.approx(sum(expected) / 5)


@pytest.mark.parametrize("contrast", ["margin", "supervised"])
def test_a_contrast_is_added_with_its_weight(contrast):
    outputs, ctrl = Outputs(LOGITS, unit(5, 4)), unit(5, 4, seed=1)
    plain = loss_of(LossConfig(), outputs, None, LABEL)
    one, two = (
        loss_of(LossConfig(contrast=contrast, weight=weight), outputs, ctrl, LABEL)
        for weight in (0.1, 0.3)
    )
    assert float(two - plain) == pytest.approx(3 * float(one - plain))
    assert float(two) > float(plain)


def test_the_margin_is_hadsells_with_arcs_apart():
    stamp, ctrl = unit(5, 4), unit(5, 4, seed=1)
    distance = (stamp - ctrl).norm(dim=1).tolist()
    expected = [
        max(0.0, 1.5 - far) ** 2 if label else far**2
        for far, label in zip(distance, LABEL.tolist(), strict=True)
    ]
    found = float(by_margin(stamp, ctrl, LABEL, margin=1.5))
    assert found == pytest.approx(sum(expected) / 5, rel=1e-4)


def test_a_stamp_on_its_control_has_a_finite_gradient():
    stamp = unit(5, 4).requires_grad_()
    by_margin(stamp, stamp.detach().clone(), LABEL, margin=1.0).backward()
    assert bool(torch.isfinite(stamp.grad).all())


def test_the_supervised_contrast_is_khoslas():
    """A loop over the paper's equation 2."""
    stamp, ctrl, tau = unit(5, 4), unit(5, 4, seed=1), 0.3
    images, kinds = torch.cat([stamp, ctrl]).tolist(), [*LABEL.tolist(), *[0.0] * 5]

    def near(i, j):
        return math.exp(sum(a * b for a, b in zip(images[i], images[j], strict=True)) / tau)

    losses = []
    for i in range(10):
        others = [j for j in range(10) if j != i]
        alike = [j for j in others if kinds[j] == kinds[i]]
        total = sum(near(i, j) for j in others)
        losses.append(-sum(math.log(near(i, j) / total) for j in alike) / len(alike))
    found = float(supervised(stamp, ctrl, LABEL, temperature=tau))
    assert found == pytest.approx(sum(losses) / 10)


def test_a_lone_arc_has_no_partner_and_no_loss():
    stamp, ctrl = unit(2, 4), unit(2, 4, seed=1)
    found = supervised(stamp, ctrl, torch.tensor([1.0, 0.0]), temperature=0.2)
    assert math.isfinite(float(found))
    far = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    near = torch.tensor([[-1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    perfect = supervised(far, near, torch.tensor([1.0, 0.0]), temperature=0.05)
    assert float(perfect) == pytest.approx(math.log(2), abs=1e-6)  # two others, both partners
