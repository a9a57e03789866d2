"""Mixed precision, as an accelerator has it, tried on a CPU: bfloat16 where torch chooses it."""

import numpy as np
import pytest
import torch

from tests.trainables.han.parts import HARD_TO_KNOW, drawn, noise, parts
from trainables.han.consistency import Teacher

LATENT = {
    "model.forecast_head": "latent",
    "model.decoder": "low_rank",
    "loss.consistency.latent_weight": 0.5,
    "loss.consistency.latent_kind": "huber",
    "loss.consistency.cycle_weight": 0.5,
    "loss.consistency.cycle_kind": "mse",
}
EVERYTHING = [
    {},
    LATENT,
    {"model.fusion": "concat", "model.aggregation": "mean", "model.kernels": "none"},
    {"model.fusion": "attention", "model.geographic": False, "mtl.weighting.kind": "a3dro"},
    {
        "model.uncertainty": "density",
        "loss.anomaly.kind": "nll",
        "loss.anomaly.variance_weight": 0.1,
        "mtl.aggregator": "pcgrad",
    },
    {
        "loss.forecast.unit": "log1p",
        "loss.consistency.physical_weight": 0.1,
        "loss.forecast.smooth_weight": 0.1,
        "mtl.weighting.kind": "kendall",
        "mtl.aggregator": "cagrad",
    },
    {"mtl.gate.kind": "fallback", "mtl.aggregator": "gradnorm", "loss.casualty.kind": "focal"},
]


def lower():
    return torch.autocast("cpu", torch.bfloat16)


@pytest.mark.parametrize("changes", EVERYTHING, ids=str)
def test_every_part_runs_forward_and_backward(changes):
    one = parts(drawn(HARD_TO_KNOW), **changes)
    batch = one.train
    with lower():
        said = one.network(batch)
    width = one.config.model.width
    teacher = Teacher(torch.ones(len(batch), 7, width), torch.ones(len(batch), width))
    losses = one.balance.criterion(said, batch, teacher)
    assert losses.auxiliary or "consistency" not in str(changes)
    one.balance.backward(losses, said.state, share=1.0, watched=True)
    with noise().active():
        one.balance.combine()
    found = [gradient for gradient in one.gradients().values() if gradient is not None]
    assert all(gradient.isfinite().all() for gradient in found)
    assert sum(bool((gradient != 0).any()) for gradient in found) > len(found) / 2


def test_the_encoder_computes_in_half_precision_and_the_heads_in_single():
    one = parts()
    one.network.eval()
    with torch.no_grad():
        single = one.network(one.train)
        with lower():
            mixed = one.network(one.train)
    for task in ("regime", "casualty", "anomaly", "transition", "forecast", "daily_forecast"):
        assert mixed.of(task).dtype == torch.float32
        assert torch.allclose(mixed.of(task), single.of(task), atol=0.1)
    assert not torch.equal(mixed.regime, single.regime)


def test_a_forecast_of_thousands_keeps_its_digits():
    one = parts(**{"loss.forecast.unit": "raw"})
    one.network.eval()
    with torch.no_grad(), lower():
        said = one.balance.criterion.to_scores(one.network(one.train))
    mean = one.series.statistics.forecast_mean.numpy()
    assert mean.max() > 500
    assert np.allclose(said[:, 15 : 15 + len(mean)], mean, rtol=1e-6)
