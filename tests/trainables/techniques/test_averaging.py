import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from trainables.techniques.averaging import WeightAverages


def walk(
    network: nn.Linear,
    averages: WeightAverages[nn.Linear],
    steps: int,
    *,
    snapshot_at: Sequence[int] = (),
) -> list[Tensor]:
    history = []
    for step in range(steps):
        with torch.no_grad():
            network.weight.add_(torch.full_like(network.weight, float(step + 1)))
        averages.after_update(network)
        if step in snapshot_at:
            averages.snapshot(network)
        history.append(network.weight.detach().clone())
    return history


def test_equal_weight_average_is_the_mean_of_its_snapshots() -> None:
    network = nn.Linear(2, 1)
    averages = WeightAverages(network, swa=True, ema_decay=None)
    history = walk(network, averages, 5, snapshot_at=(1, 3, 4))
    mean = torch.stack([history[i] for i in (1, 3, 4)]).mean(dim=0)
    assert torch.allclose(averages.answering(network).weight, mean)
    assert averages.snapshots == 3


def test_moving_average_starts_at_the_first_weights_and_follows_the_recursion() -> None:
    network = nn.Linear(2, 1)
    averages = WeightAverages(network, swa=False, ema_decay=0.8)
    history = walk(network, averages, 4)
    expected = history[0]
    for weights in history[1:]:
        expected = 0.8 * expected + 0.2 * weights
    assert torch.allclose(averages.answering(network).weight, expected)


def test_before_the_first_snapshot_the_network_itself_answers() -> None:
    network = nn.Linear(2, 1)
    averages = WeightAverages(network, swa=True, ema_decay=None)
    assert averages.answering(network) is network


def test_with_both_the_snapshots_are_of_the_moving_average() -> None:
    network = nn.Linear(2, 1)
    both = WeightAverages(network, swa=True, ema_decay=0.5)
    alone = WeightAverages(copy.deepcopy(network), swa=False, ema_decay=0.5)
    twin = copy.deepcopy(network)
    walk(network, both, 3, snapshot_at=(2,))
    walk(twin, alone, 3)
    assert torch.allclose(both.answering(network).weight, alone.answering(twin).weight)


@pytest.mark.parametrize(("swa", "decay"), [(True, None), (False, 0.9), (True, 0.9), (False, None)])
def test_state_continues_exactly(swa: bool, decay: float | None) -> None:
    network = nn.Linear(2, 1)
    averages = WeightAverages(network, swa=swa, ema_decay=decay)
    walk(network, averages, 3, snapshot_at=(1,))
    twin = copy.deepcopy(network)
    resumed = WeightAverages(nn.Linear(2, 1), swa=swa, ema_decay=decay)
    resumed.load_state_dict(averages.state_dict())
    for each, kept in ((network, averages), (twin, resumed)):
        walk(each, kept, 2, snapshot_at=(0,))
    assert torch.equal(averages.answering(network).weight, resumed.answering(twin).weight)
    assert averages.snapshots == resumed.snapshots
