import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.trainables.han.outputs import N, draw_outputs, draw_targets
from trainables.han.loss_config import RegimeLoss
from trainables.han.regimes import class_weights, frequencies, regime_loss


def test_frequencies_leave_no_class_without_a_logarithm() -> None:
    found = frequencies(torch.tensor([98.0, 0.0, 0.0, 0.0]))
    assert found.tolist() == pytest.approx([0.985, 0.005, 0.005, 0.005])


def test_class_weights_are_cuis_and_average_to_one() -> None:
    counts = torch.tensor([900.0, 90.0, 10.0, 0.0])
    weights = class_weights(counts, 0.99)
    effective = (1 - 0.99 ** torch.tensor([900.0, 90.0, 10.0, 1.0])) / 0.01
    ratio = weights * effective
    assert torch.allclose(ratio, ratio[0].expand(4), rtol=1e-4)
    assert float((weights * counts).sum() / counts.sum()) == pytest.approx(1.0)
    assert torch.equal(class_weights(counts, 0.0), torch.ones(4))
    assert torch.equal(class_weights(torch.zeros(4), 0.9), torch.ones(4))


def regime(logits: Tensor, labels: Tensor, config: RegimeLoss) -> Tensor:
    prior, balance = torch.tensor([0.6, 0.25, 0.1, 0.05]), torch.tensor([0.5, 1.0, 2.0, 4.0])
    return regime_loss(config, logits, labels, balance=balance, prior=prior)


def test_regime_terms_by_hand() -> None:
    logits, labels = draw_outputs().regime.detach(), draw_targets()["regime"].long()
    p = logits.softmax(dim=-1)
    hit = p[torch.arange(N), labels]
    balance = torch.tensor([0.5, 1.0, 2.0, 4.0])[labels]
    plain = -(balance * hit.log()).mean()
    assert torch.allclose(regime(logits, labels, RegimeLoss()), plain)
    smoothed = functional.cross_entropy(logits, labels, label_smoothing=0.2, reduction="none")
    found = regime(logits, labels, RegimeLoss(label_smoothing=0.2))
    assert torch.allclose(found, (balance * smoothed).mean())
    found = regime(logits, labels, RegimeLoss(focal_gamma=2.0))
    assert torch.allclose(found, -(balance * (1 - hit).square() * hit.log()).mean(), rtol=1e-4)
    entropy = -(p * p.log()).sum(dim=-1).mean()
    found = regime(logits, labels, RegimeLoss(entropy_weight=0.3)) - plain
    assert float(found) == pytest.approx(0.3 * (math.log(4) - float(entropy)), rel=1e-4)
    mean, prior = p.mean(dim=0), torch.tensor([0.6, 0.25, 0.1, 0.05])
    found = regime(logits, labels, RegimeLoss(diversity_weight=0.3)) - plain
    assert float(found) == pytest.approx(0.3 * float((mean * (mean / prior).log()).sum()), rel=1e-3)


def test_the_diversity_term_is_nothing_at_the_prior_and_much_at_a_collapse() -> None:
    prior = torch.tensor([0.6, 0.25, 0.1, 0.05])
    config = RegimeLoss(diversity_weight=1.0)
    labels = torch.zeros(N, dtype=torch.int64)

    def term(logits: Tensor) -> float:
        return float(regime(logits, labels, config) - regime(logits, labels, RegimeLoss()))

    assert term(prior.log().expand(N, 4)) == pytest.approx(0.0, abs=1e-6)
    assert term(torch.tensor([0.0, 0.0, 0.0, 40.0]).expand(N, 4)) == pytest.approx(
        math.log(20), rel=1e-3
    )


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_sure_and_right_regime_has_a_finite_gradient(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0, 0.0]], requires_grad=True)
    regime(logits, torch.zeros(1, dtype=torch.int64), RegimeLoss(focal_gamma=gamma)).backward()
    assert bool(torch.isfinite(logits.grad).all())
