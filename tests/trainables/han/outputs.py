"""A batch's outputs and targets of no network, for tests of what reads them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from trainables.han.batch import AHEAD, REGIMES, TASKS, Batch, Outputs, Task
from trainables.han.scaling import TargetStatistics

N, F, WIDTH = 12, 3, 5


def statistics() -> TargetStatistics:
    return TargetStatistics(
        forecast_mean=torch.tensor([0.0, 50.0, -3000.0]),
        forecast_deviation=torch.tensor([1.0, 20.0, 1000.0]),
        daily_mean=torch.tensor([0.5, 60.0, -2000.0]),
        daily_deviation=torch.tensor([2.0, 40.0, 1500.0]),
        casualty_mean=12.0,
        anomaly_mean=2.0,
        anomaly_deviation=4.0,
        regime_counts=torch.tensor([60.0, 25.0, 10.0, 5.0]),
        transition_rate=0.02,
        availability=dict.fromkeys(TASKS, 0.5),
    )


def draw_outputs(seed: int = 0, **changes: Tensor) -> Outputs:
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng).requires_grad_()

    outputs = Outputs(
        state=draw(N, 4),
        regime=draw(N, REGIMES),
        casualty=draw(N, 3),
        anomaly=torch.stack([draw(N).detach(), draw(N).detach().exp()], dim=1).requires_grad_(),
        transition=draw(N),
        forecast=draw(N, F),
        daily_forecast=draw(N, AHEAD, F),
        latents=draw(N, AHEAD, WIDTH),
        cycle=draw(N, WIDTH),
        weights={},
    )
    return replace(outputs, **changes)


def draw_targets(seed: int = 1) -> dict[Task, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    known = statistics()
    month = torch.randn(N, F, generator=rng) * known.forecast_deviation + known.forecast_mean
    days = torch.randn(N, AHEAD, F, generator=rng) * known.daily_deviation + known.daily_mean
    return {
        "regime": torch.randint(REGIMES, (N,), generator=rng).float(),
        "casualty": torch.poisson(torch.full((N,), 8.0), generator=rng)
        * (torch.rand(N, generator=rng) < 0.6),
        "anomaly": torch.randn(N, generator=rng) * 4 + 2,
        "transition": (torch.arange(N) % 4 == 0).float(),
        "forecast": month,
        "daily_forecast": days,
    }


def batch_of(targets: dict[Task, Tensor]) -> Batch:
    empty = torch.zeros(N, 0, dtype=torch.int64)
    return Batch({}, {}, {}, empty, empty, empty, empty, targets)
