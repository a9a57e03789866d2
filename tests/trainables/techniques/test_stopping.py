import math

import torch
from torch import nn

from trainables.techniques.stopping import EarlyStopping


def set_weights(network: nn.Linear, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def observe(stopping: EarlyStopping, network: nn.Linear, values: list[float]) -> None:
    for value in values:
        set_weights(network, value)
        stopping.observe({"ap": value, "other": 10 * value}, network)


def test_patience_counts_steps_since_the_best() -> None:
    stopping, network = EarlyStopping("ap", patience=2), nn.Linear(1, 1)
    observe(stopping, network, [0.1, 0.3, 0.2])
    assert not stopping.exhausted
    observe(stopping, network, [0.3])  # an equal value is no new best
    assert stopping.exhausted


def test_the_best_steps_weights_and_metrics_come_back() -> None:
    stopping, network = EarlyStopping("ap", patience=2), nn.Linear(1, 1)
    observe(stopping, network, [0.1, 0.5, 0.2])
    stopping.restore(network)
    assert float(network.weight.detach()) == 0.5
    assert stopping.metrics == {"ap": 0.5, "other": 5.0}


def test_a_restart_forgets_a_better_past() -> None:
    stopping, network = EarlyStopping("ap", patience=2), nn.Linear(1, 1)
    observe(stopping, network, [0.9])
    stopping.restart()
    observe(stopping, network, [0.2])
    assert stopping.metrics["ap"] == 0.2


def test_not_a_number_is_never_the_best() -> None:
    stopping, network = EarlyStopping("ap", patience=1), nn.Linear(1, 1)
    observe(stopping, network, [0.2, math.nan])
    assert stopping.metrics["ap"] == 0.2
    assert stopping.exhausted


def test_state_continues() -> None:
    stopping, network = EarlyStopping("ap", patience=2), nn.Linear(1, 1)
    observe(stopping, network, [0.1, 0.5, 0.2])
    resumed = EarlyStopping("ap", patience=2)
    resumed.load_state_dict(stopping.state_dict())
    observe(resumed, network, [0.4])
    assert resumed.exhausted
    resumed.restore(network)
    assert float(network.weight.detach()) == 0.5
