import math

import pytest
import torch
from torch import nn

from trainables.techniques.stopping import EarlyStopping, StopConfig, stop_problems


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


def test_a_smaller_value_is_better_where_a_loss_is_watched() -> None:
    stopping, network = EarlyStopping("loss", patience=2, minimize=True), nn.Linear(1, 1)
    for value in (3.0, 1.0, 2.0, 1.5):
        stopping.observe({"loss": value}, network)
    assert stopping.exhausted
    assert stopping.metrics == {"loss": 1.0}


def test_patience_runs_out_after_the_least_number_of_epochs_only() -> None:
    stopping, network = EarlyStopping("ap", patience=1, min_epochs=4), nn.Linear(1, 1)
    found = []
    for value in (0.5, 0.4, 0.3, 0.2, 0.1):
        stopping.observe({"ap": value}, network)
        found.append(stopping.exhausted)
    assert found == [False, False, False, True, True]


def test_a_lone_peak_is_no_best_step_of_a_smoothed_metric() -> None:
    plain, smooth = EarlyStopping("ap", 9), EarlyStopping("ap", 9, smoothing=0.8)
    for value in (0.1, 0.9, 0.1, 0.4, 0.5, 0.6, 0.6):
        for stopping in (plain, smooth):
            stopping.observe({"ap": value}, nn.Linear(1, 1))
    assert plain.metrics == {"ap": 0.9}
    assert smooth.metrics == {"ap": 0.6}


def test_a_value_that_is_not_finite_leaves_the_mean_as_it_was() -> None:
    with_gap, without = (EarlyStopping("ap", 9, smoothing=0.5) for _ in range(2))
    for value in (0.1, math.nan, 0.7, 0.3):
        with_gap.observe({"ap": value}, nn.Linear(1, 1))
        if math.isfinite(value):
            without.observe({"ap": value}, nn.Linear(1, 1))
    assert with_gap.state_dict()["mean"] == without.state_dict()["mean"]
    assert without.state_dict()["mean"] == pytest.approx(0.35)
    assert with_gap.state_dict()["best"] == pytest.approx(0.4)


def test_the_length_of_a_run_is_its_own_or_the_studys() -> None:
    assert [StopConfig(epochs=n).length(10) for n in (0, 4, 20)] == [10, 4, 10]
    assert list(stop_problems(StopConfig(patience=-1, smoothing=1.0))) == [
        "stop.patience must be 0 or more, got -1",
        "stop.smoothing must lie in [0, 1), got 1.0",
    ]
