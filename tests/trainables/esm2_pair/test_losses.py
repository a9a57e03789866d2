"""Losses against their formulas, written out."""

import math

import numpy as np
import pytest
import torch

from tests.trainables.esm2_pair.pair_splits import make_pairs
from trainables.esm2_pair.batches import Batch
from trainables.esm2_pair.heads import Measured, Outputs
from trainables.esm2_pair.losses import (
    Criterion,
    LossConfig,
    contrastive,
    loss_problems,
    nt_xent,
    pos_weight,
)
from trainables.esm2_pair.pairs import Pairs

LOGITS = torch.tensor([2.0, -1.0, 0.5, -0.5])
LABEL = torch.tensor([1.0, 0.0, 0.0, 1.0])
DISTANCE = torch.tensor([0.2, 0.4, 1.5, 0.9])


def l2(first, second):
    return (first - second).norm(dim=-1)


def batch(label=LABEL, proteins=None):
    n = len(label)
    if proteins is None:
        proteins = torch.arange(2 * n).reshape(n, 2)
    return Batch(torch.zeros(n, 2, 1, 3), torch.zeros(n, 2).long(), proteins, label)


def loss(**config):
    towers = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    outputs = Outputs(LOGITS, Measured(towers, DISTANCE, l2))
    return float(Criterion(LossConfig(**config), make_pairs())(outputs, batch()))


def by_hand(targets, weight=1.0):
    p = 1 / (1 + np.exp(-LOGITS.double().numpy()))
    terms = weight * targets * np.log(p) + (1 - targets) * np.log(1 - p)
    return -terms.mean()


def test_cross_entropy_and_its_weight():
    y = LABEL.double().numpy()
    assert loss() == pytest.approx(by_hand(y))
    weighted = loss(class_weight="fixed", pos_weight=3.0)
    assert weighted == pytest.approx(by_hand(y, 3.0))


def test_smoothing_is_two_sided():
    soft = np.array([0.9, 0.1, 0.1, 0.9])
    assert loss(label_smoothing=0.2) == pytest.approx(by_hand(soft))


def test_focal_loss_without_focus_is_half_of_cross_entropy():
    assert loss(kind="focal", gamma=0.0, alpha=0.5) == pytest.approx(loss() / 2)
    assert loss(kind="focal", gamma=2.0, alpha=0.5) < loss() / 2


def test_contrastive_loss_of_a_batch():
    wanted = (0.2**2 + 0.6**2 + 0.0 + 0.9**2) / 4
    assert loss(kind="contrastive") == pytest.approx(wanted)
    both = loss(kind="bce+contrastive", weight=0.25, label_smoothing=0.2)
    assert both == pytest.approx(0.25 * wanted + 0.75 * loss(label_smoothing=0.2))


def test_negatives_beyond_the_margin_have_no_gradient():
    distance = torch.tensor([0.3, 0.3, 1.2], requires_grad=True)
    contrastive(distance, torch.tensor([1.0, 0.0, 0.0]), margin=1.0).sum().backward()
    assert distance.grad.tolist() == pytest.approx([0.6, -1.4, 0.0])


def test_the_automatic_weight_is_negatives_per_positive():
    pairs = make_pairs(40)
    few = Pairs(
        pairs.first,
        pairs.second,
        (np.arange(40) < 8).astype(int),
        pairs.same_lineage,
        pairs.matches,
        pairs.slots,
    )
    assert pos_weight(LossConfig(class_weight="auto"), few) == 4.0
    assert pos_weight(LossConfig(class_weight="fixed", pos_weight=2.5), few) == 2.5
    assert pos_weight(LossConfig(), few) == 1.0


def unit_towers(n=5, width=3):
    towers = torch.randn(n, 2, width, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.normalize(towers, dim=-1)


def measured(towers):
    def cosine(first, second):
        return 1 - (first * second).sum(dim=-1)

    return Measured(towers, cosine(towers[:, 0], towers[:, 1]), cosine)


def brute_force(towers, label, tau, linked=()):
    """Return NT-Xent with one sum per positive and direction, over partners that count."""
    total, positives = 0.0, [i for i in range(len(label)) if label[i]]
    for i in positives:
        for one, other in ((0, 1), (1, 0)):
            exponents = {}
            for j in range(len(label)):
                pair = (i, j) if one == 0 else (j, i)
                if pair not in linked:
                    cosine = float(towers[i, one] @ towers[j, other])
                    exponents[j] = math.exp(cosine / tau)
            total -= math.log(exponents[i] / sum(exponents.values()))
    return total / (2 * len(positives))


def test_nt_xent_against_brute_force():
    towers, label = unit_towers(), torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])
    found = nt_xent(measured(towers), batch(label), temperature=0.3)
    assert float(found) == pytest.approx(brute_force(towers, label.tolist(), 0.3), rel=1e-5)


def test_copies_are_no_wrong_answers():
    """Positives 0 and 2 have one second protein: its copy is no negative of either."""
    towers, label = unit_towers(), torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])
    proteins = torch.tensor([[0, 10], [1, 11], [2, 10], [3, 13], [4, 14]])
    found = nt_xent(measured(towers), batch(label, proteins), temperature=0.3)
    linked = {(0, 2), (2, 0)}
    assert float(found) == pytest.approx(brute_force(towers, label.tolist(), 0.3, linked), rel=1e-5)
    proteins[2, 1] = 13  # positive 2 has what negative 3 has: a partner of 2, and of no other
    found = nt_xent(measured(towers), batch(label, proteins), temperature=0.3)
    assert float(found) == pytest.approx(
        brute_force(towers, label.tolist(), 0.3, {(2, 3)}), rel=1e-5
    )


def test_a_batch_without_positives_says_nothing():
    towers = unit_towers().requires_grad_()
    found = nt_xent(measured(towers), batch(torch.zeros(5)), temperature=0.3)
    found.backward()
    assert found.item() == 0.0
    assert towers.grad.abs().max() == 0.0


def test_a_loss_of_distances_says_so():
    of_distances = {
        kind: Criterion(LossConfig(kind=kind), make_pairs()).of_distances
        for kind in ("bce", "focal", "contrastive", "bce+contrastive", "nt_xent")
    }
    assert {kind for kind, flag in of_distances.items() if flag} == {"contrastive", "nt_xent"}


def test_towers_are_needed():
    criterion = Criterion(LossConfig(kind="contrastive"), make_pairs())
    with pytest.raises(ValueError, match="needs the distance between two towers"):
        criterion(Outputs(LOGITS), batch())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"kind": "contrast"}, "loss.kind has no 'contrast'"),
        ({"kind": "focal", "class_weight": "auto"}, "loss.class_weight belongs to cross-entropy"),
        ({"kind": "nt_xent", "label_smoothing": 0.1}, "loss.label_smoothing belongs to"),
        ({"label_smoothing": 1.0}, "loss.label_smoothing must lie in [0, 1), got 1.0"),
        ({"margin": 0.0}, "loss.margin must be positive, got 0.0"),
        ({"weight": 1.5}, "loss.weight must lie in [0, 1], got 1.5"),
    ],
)
def test_what_cannot_be_is_refused(config, words):
    assert words in " ".join(loss_problems(LossConfig(**config)))
