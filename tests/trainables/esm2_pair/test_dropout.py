"""Dropout zeroes as many entries as it says, and nothing else depends on it."""

import pytest
import torch

from trainables.esm2_pair.dropout import Dropout


def dropped(p: float, seed: int = 0, shape: tuple[int, ...] = (301, 97)) -> torch.Tensor:
    torch.manual_seed(seed)
    return Dropout(p)(torch.ones(shape))


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_it_zeroes_a_share_and_keeps_the_mean(p):
    found = dropped(p)
    share = (found == 0).float().mean().item()
    deviation = (p * (1 - p) / found.numel()) ** 0.5
    assert abs(share - p) < 5 * deviation
    assert found[found != 0].unique().tolist() == pytest.approx([1 / (1 - p)], rel=1e-4)


def test_entries_do_not_follow_from_each_other():
    zeroed = (dropped(0.5, shape=(40_000, 4)) == 0).double()
    assert torch.corrcoef(zeroed.T).sub(torch.eye(4)).abs().max() < 0.025  # of one draw
    assert torch.corrcoef(torch.stack([zeroed[1:, 0], zeroed[:-1, 0]]))[0, 1].abs() < 0.025


def test_the_seed_decides():
    assert torch.equal(dropped(0.3), dropped(0.3))
    assert not torch.equal(dropped(0.3), dropped(0.3, seed=1))


def test_gradients_go_where_entries_were_kept():
    torch.manual_seed(0)
    values = torch.ones(5, 7, requires_grad=True)
    found = Dropout(0.4)(values)
    found.sum().backward()
    assert torch.equal(values.grad, found.detach())


def test_outside_training_nothing_is_drawn():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    values = torch.ones(3, 5)
    assert torch.equal(Dropout(0.4).eval()(values), values)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("p", "left"), [(0.0, 1.0), (1e-9, 1.0), (1.0, 0.0)])
def test_nothing_or_everything_is_zeroed(p, left):
    assert dropped(p, shape=(3, 5)).unique().tolist() == [pytest.approx(left)]
