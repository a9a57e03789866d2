"""Towers, what they share, and how far apart what they make is."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from trainables.esm2_pair.heads import MlpConfig
from trainables.esm2_pair.towers import Distance, Siamese, TowerConfig, tower_problems

U, V = torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
SLOTS = torch.tensor([[0, 1]] * 5)


def siamese(**tower):
    torch.manual_seed(0)
    config = TowerConfig(dims="6-3", **tower)
    return Siamese(4, 2, config, MlpConfig(dropout=0.0)).eval()


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("cosine", [1.0, 1.0]),  # of nothing with anything; of orthogonal ones
        ("l2", [5.0, math.sqrt(5)]),
        ("learned", [3.5, 1.5]),  # the mean difference, at first
    ],
)
def test_distances(kind, wanted):
    with torch.random.fork_rng():
        assert Distance(kind, 2)(U, V).tolist() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("kind", ["cosine", "l2", "learned"])
def test_a_distance_is_symmetric_and_never_negative(kind):
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 50, 7, generator=generator)
    distance = Distance(kind, 7)
    assert torch.allclose(distance(first, second), distance(second, first))
    assert bool((distance(first, second) >= 0).all())
    assert distance(first, first).abs().max() < 1e-5
    between = distance(first[:, None], second[None])
    assert between.shape == (50, 50)
    assert torch.allclose(between.diagonal(), distance(first, second), atol=1e-6)


def test_learned_weights_stay_positive():
    distance = Distance("learned", 2)
    with torch.no_grad():
        distance.weight.fill_(-3.0)
    assert bool((distance(U, V) > 0).all())
    assert distance(U, V)[0].item() == pytest.approx(
        7 * float(functional.softplus(torch.tensor(-3.0))), rel=1e-5
    )


def test_the_gradient_of_a_copy_is_finite():
    values = torch.zeros(2, 3, requires_grad=True)
    Distance("l2", 3)(values, values.detach().clone()).sum().backward()
    assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize("sharing", ["shared", "two_tower", "shared_adapter"])
def test_only_one_tower_treats_both_sides_alike(sharing):
    network = siamese(sharing=sharing)
    tokens = torch.randn(5, 2, 1, 4)
    there, back = network(tokens, SLOTS), network(tokens.flip(1), SLOTS.flip(1))
    alike = torch.allclose(there.logits, back.logits, atol=1e-6)
    assert alike == (sharing != "two_tower")
    assert len(network.towers) == (2 if sharing == "two_tower" else 1)


def test_each_of_two_towers_reads_its_own_side():
    network = siamese(sharing="two_tower")
    tokens = torch.randn(5, 2, 1, 4)
    made = network(tokens, SLOTS).measured.towers
    for side in (0, 1):
        assert torch.allclose(made[:, side], network.towers[side](tokens[:, side, 0]))
    assert not torch.allclose(network.towers[1](tokens[:, 0, 0]), made[:, 0])


def test_an_adapter_can_take_a_slots_offset_away():
    plain, adapted = siamese(), siamese(sharing="shared_adapter")
    tokens = torch.randn(5, 2, 1, 4)
    assert torch.equal(plain(tokens, SLOTS).logits, adapted(tokens, SLOTS).logits)
    moved = tokens.clone()
    moved[:, 1] += 30.0
    with torch.no_grad():
        adapted.adapter.shift[1] -= 3.0  # a shift counts ten times
    assert torch.allclose(adapted(moved, SLOTS).logits, plain(tokens, SLOTS).logits, atol=1e-4)


def test_a_logit_falls_with_distance_and_is_zero_at_the_centre():
    network = siamese(distance="l2")
    outputs = network(torch.randn(5, 2, 1, 4), SLOTS)
    wanted = 4.0 * (1.0 - outputs.measured.distance)
    assert torch.allclose(outputs.logits, wanted, atol=1e-5)
    made = outputs.measured.towers
    assert made.shape == (5, 2, 3)
    apart = (made[:, 0] - made[:, 1]).norm(dim=1)
    assert torch.allclose(outputs.measured.distance, apart, atol=1e-5)


def test_batches_are_not_mixed_up():
    network = siamese()
    tokens = torch.randn(5, 2, 1, 4)
    together = network(tokens, SLOTS).logits.detach().numpy()
    alone = [network(tokens[k : k + 1], SLOTS[:1]).logits.item() for k in range(5)]
    assert np.allclose(together, alone, atol=1e-6)


def test_unknown_words_are_refused():
    problems = " ".join(tower_problems(TowerConfig("8-", "share", "cosin")))  # type: ignore[arg-type]
    assert "model.tower.dims takes widths" in problems
    assert "no 'share'; did you mean 'shared'" in problems
    assert "no 'cosin'; did you mean 'cosine'" in problems
