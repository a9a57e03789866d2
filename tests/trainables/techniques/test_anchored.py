import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.techniques.anchored import (
    A3droConfig,
    Anchored,
    a3dro_problems,
    anchored_value,
    clipped,
)
from trainables.techniques.weighting import total

SIX = ("regime", "casualty", "anomaly", "transition", "forecast", "daily_forecast")
SOURCE = A3droConfig(clip_mode="hard", anchoring="warm_up")  # as the source document has it
SEEN = (
    0.069,
    4.7e-6,
    2.6e-5,
    2.6e-9,
    0.74,
    1e-5,
)  # its losses at its best epoch; the last fell too


def scalars(values: tuple[float, ...]) -> dict[str, Tensor]:
    return {
        task: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for task, value in zip(SIX, values, strict=False)
    }


def slopes(weighting: Anchored, values: tuple[float, ...], **known: float) -> np.ndarray:
    """Return d total / d log L."""
    losses = scalars(values)
    found = torch.autograd.grad(total(weighting(losses, known)), list(losses.values()))
    return np.array([float(g) * v for g, v in zip(found, values, strict=True)])


def anchored(config: A3droConfig, values: tuple[float, ...]) -> Anchored:
    """Return a weighting whose baselines are given."""
    weighting = Anchored(SIX, config)
    weighting(scalars(values), {})
    for _ in range(config.warmup_epochs):
        weighting.end_epoch()
    return weighting


@pytest.mark.parametrize(("tasks", "cap"), [(6, 0.708), (4, 0.738), (3, 0.767)])
def test_the_budget_caps_and_floors_weights(tasks: int, cap: float) -> None:
    config = A3droConfig(clip=0.0, temperature=0.01)
    weighting = anchored(config, (1.0,) * tasks).eval()
    weighting(scalars((1e6, *(1.0,) * (tasks - 1))), {})
    weights = list(weighting.weights.values())[:tasks]
    assert weights[0] == pytest.approx(cap, abs=5e-4)
    assert weights[0] == pytest.approx(0.65 + 0.35 / tasks)
    assert weights[1:] == pytest.approx([0.35 / tasks] * (tasks - 1))


def test_gated_tasks_are_no_part_of_the_budget() -> None:
    config = A3droConfig(clip=0.0, temperature=0.01, kappa=200.0)
    weighting = anchored(config, (1.0,) * 6).eval()
    gone = {"forecast": 0.0, "daily_forecast": 0.0}
    weighting(scalars((1e6, 1.0, 1.0, 1.0, 1.0, 1.0)), gone)
    weights = list(weighting.weights.values())
    assert weights[0] == pytest.approx(0.738, abs=5e-4)  # of four, not of six
    assert weights[4:] == pytest.approx([0.0, 0.0], abs=1e-12)


def test_the_gate_is_half_open_at_its_threshold() -> None:
    weighting = anchored(A3droConfig(beta=0.0), (1.0, 1.0)).eval()
    weighting(scalars((1.0, 1.0)), {"regime": 1.0, "casualty": 0.2})
    assert weighting.weights["casualty"] == pytest.approx(0.5 / 1.5, rel=1e-5)


def test_all_gates_shut_is_no_division_by_zero() -> None:
    weighting = anchored(replace(A3droConfig(), kappa=1e4), (1.0, 1.0)).eval()
    found = slopes(weighting, (1.0, 2.0), regime=0.0, casualty=0.0)
    assert np.isfinite(found).all()


def test_the_sources_clip_stops_tasks_whose_loss_is_below_five_hundredths() -> None:
    """Before its baselines freeze they are 1, and log L < -3 is flat."""
    found = slopes(Anchored(SIX, SOURCE), SEEN)
    assert found[[1, 2, 3, 5]].tolist() == [0.0] * 4
    assert (found[[0, 4]] > 0).all()
    edge = slopes(Anchored(SIX, SOURCE), (0.0497, 0.0499))
    assert edge[0] == 0.0
    assert edge[1] > 0.0


def test_the_sources_clip_stops_an_exploding_task() -> None:
    weighting = anchored(SOURCE, (1.0,) * 6).eval()
    assert slopes(weighting, (1e6, 1.0, 1.0, 1.0, 1.0, 1.0))[0] == 0.0


def test_a_soft_clip_and_an_early_anchor_stop_neither() -> None:
    soft = replace(SOURCE, clip_mode="soft")
    found = slopes(Anchored(SIX, soft), SEEN)
    assert (found > 0).all()
    weighting = anchored(soft, (1.0,) * 6).eval()
    assert slopes(weighting, (1e6, 1.0, 1.0, 1.0, 1.0, 1.0))[0] > 0.0
    early = replace(SOURCE, anchoring="first_step")
    found = slopes(Anchored(SIX, early), SEEN)
    share = [0.65 / 6 + 0.35 / 6] * 6  # nobody has regrets yet
    ratio = np.array(SEEN) / (np.array(SEEN) + 1e-8)  # the small number in the logarithm
    assert found == pytest.approx(ratio * share, rel=1e-5)


def test_weights_that_are_no_constants_give_the_largest_task_nearly_all() -> None:
    """Σ q r with q free: .87 of the slope in r to the task that is to have .54."""
    regrets = np.clip(np.log(np.array(SEEN) + 1e-8), -3, 3)
    soft = np.exp(regrets) / np.exp(regrets).sum()
    shares = 0.65 * soft + 0.35 / 6
    free = shares + 0.65 * soft * (regrets - soft @ regrets)
    assert shares[4] == pytest.approx(0.535, abs=5e-4)
    assert free[4] == pytest.approx(0.867, abs=5e-4)
    for detach, expected in ((True, shares), (False, free)):
        found = slopes(Anchored(SIX, replace(SOURCE, detach_q=detach)), SEEN)
        inside = np.abs(regrets) < 3
        assert found[inside] == pytest.approx(expected[inside], rel=1e-4)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("aggregation", ["linear", "lse"])
@pytest.mark.parametrize("clip_mode", ["hard", "soft"])
def test_the_gradient_of_the_sum_is_the_totals(
    detach: bool, aggregation: str, clip_mode: str
) -> None:
    config = A3droConfig(
        detach_q=detach, aggregation=aggregation, clip_mode=clip_mode, temperature=0.7
    )
    before, now = (1.0, 0.5, 3.0, 2.0, 0.1, 9.0), (2.0, 0.1, 3.0, 4.0, 0.3, 1.0)
    weighting = anchored(config, before).eval()
    shares = (1.0, 0.3, 0.15, 0.9, 0.2, 1.0)
    known = dict(zip(SIX, shares, strict=True))

    def value(logs: Tensor) -> Tensor:
        baselines = torch.tensor(before, dtype=torch.float64)
        regret = clipped(
            torch.log(logs.exp() + 1e-8) - torch.log(baselines + 1e-8), 3.0, config.clip_mode
        )
        gates = torch.sigmoid(20 * (torch.tensor(shares, dtype=torch.float64) - 0.2))
        tilted = gates * torch.exp(regret / 0.7)
        weights = 0.65 * tilted / tilted.sum() + 0.35 * gates / gates.sum()
        weights = weights.detach() if detach else weights
        if aggregation == "linear":
            return (weights * regret).sum()
        return 0.7 * torch.log((weights * torch.exp(regret / 0.7)).sum())

    logs = torch.tensor(now, dtype=torch.float64).log().requires_grad_()
    (expected,) = torch.autograd.grad(value(logs), logs)
    assert slopes(weighting, now, **known) == pytest.approx(expected.numpy(), rel=1e-5)
    said = float(total(weighting(scalars(now), known)).detach())
    assert said == pytest.approx(float(value(logs).detach()), rel=1e-5)


@pytest.mark.parametrize("detach", [True, False])
def test_each_terms_gradient_reaches_its_own_task_only(detach: bool) -> None:
    weighting = anchored(A3droConfig(detach_q=detach), (1.0,) * 6).eval()
    losses = scalars((2.0, 1.0, 0.5, 3.0, 1.0, 1.0))
    term = weighting(losses, {})["casualty"]
    others = [losses[task] for task in SIX if task != "casualty"]
    found = torch.autograd.grad(term, others, allow_unused=True)
    assert all(each is None or float(each) == 0.0 for each in found)


@pytest.mark.parametrize("kind", ["ema", "median"])
def test_baselines_are_of_the_warm_up_and_freeze(kind: str) -> None:
    config = A3droConfig(baseline=kind, warmup_epochs=2, ema_rate=0.25)
    weighting = Anchored(SIX, config)
    values = (4.0, 1.0, 2.0, 8.0)
    for epoch in range(2):
        for value in values[2 * epoch : 2 * epoch + 2]:
            weighting(scalars((value,)), {})
        weighting.end_epoch()
    average = 4.0
    for value in values:
        average = 0.75 * average + 0.25 * value
    expected = average if kind == "ema" else statistics.median(values)
    assert weighting.baselines == {"regime": pytest.approx(expected)}
    weighting(scalars((100.0,)), {})
    assert weighting.baselines == {"regime": pytest.approx(expected)}


def test_evaluation_and_exploded_losses_leave_baselines_alone() -> None:
    weighting = Anchored(SIX, A3droConfig())
    weighting.eval()(scalars((3.0,)), {})
    weighting.train()(scalars((math.inf,)), {})
    assert weighting.baselines == {}


def test_anchored_value_is_a_clipped_mean_of_log_ratios() -> None:
    losses, baselines = {"a": 2.0, "b": 1e9, "c": 5.0, "new": 1.0}, {"a": 1.0, "b": 1.0, "c": 5.0}
    found = anchored_value(losses, baselines, clip=3.0)
    assert found == pytest.approx((math.log(2.0) + 3.0 + 0.0) / 3)
    assert math.isnan(anchored_value({"a": math.nan}, baselines, clip=3.0))
    assert math.isnan(anchored_value({"x": 1.0}, baselines, clip=3.0))
    assert anchored_value({"a": math.e**5}, baselines, clip=0.0) == pytest.approx(5.0)


def test_soft_clip_is_odd_monotone_and_bounded() -> None:
    r = torch.linspace(-20, 20, 401, dtype=torch.float64)
    soft = clipped(r, 3.0, "soft")
    assert bool((soft.diff() > 0).all())
    assert torch.allclose(soft, -soft.flip(0))
    assert float(soft.abs().max()) < 3.0
    assert torch.equal(clipped(r, 0.0, "hard"), r)


def test_problems() -> None:
    bad = A3droConfig(beta=1.5, temperature=0.0, clip_mode="sof")  # type: ignore[arg-type]  # a slip
    found = "\n".join(a3dro_problems(bad, prefix="mtl.a3dro."))
    assert "mtl.a3dro.beta must lie in [0, 1]" in found
    assert "mtl.a3dro.temperature must be positive" in found
    assert "mtl.a3dro.clip_mode has no 'sof'" in found
    assert not list(a3dro_problems(A3droConfig(), prefix=""))
