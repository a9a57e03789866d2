import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.trainables.han.outputs import (
    WIDTH,
    F,
    N,
    batch_of,
    draw_outputs,
    draw_targets,
    statistics,
)
from trainables.han.batch import AHEAD, TASKS, Outputs, Task
from trainables.han.consistency import ConsistencyConfig, Teacher, physical
from trainables.han.loss_config import (
    AnomalyLoss,
    CasualtyLoss,
    ForecastLoss,
    LossConfig,
    RegimeLoss,
    TransitionLoss,
    loss_problems,
)
from trainables.han.losses import Criterion, TaskLosses
from trainables.han.units import LEAST_DEVIATION, Units
from trainables.techniques.focal import focal_loss
from trainables.techniques.zero_inflated import log_normal_nll, zinb_focal_loss, zinb_nll

PLAIN = LossConfig()
EVERYTHING = LossConfig(
    regime=RegimeLoss(0.99, 0.1, 2.0, 0.3, 0.3),
    casualty=CasualtyLoss("focal"),
    transition=TransitionLoss("focal"),
    anomaly=AnomalyLoss("nll", variance_weight=0.1, target_ratio=5.0),
    forecast=ForecastLoss("log1p", l2_weight=0.1, smooth_weight=0.1),
    consistency=ConsistencyConfig(0.5, "huber", 0.2, "mse", 0.1),
)


def losses(
    config: LossConfig = PLAIN,
    targets: dict[Task, Tensor] | None = None,
    outputs: Outputs | None = None,
    teacher: Teacher | None = None,
    **options: Any,
) -> TaskLosses:
    criterion = Criterion(config, statistics(), **options)
    return criterion(outputs or draw_outputs(), batch_of(targets or draw_targets()), teacher)


def value(found: TaskLosses, task: Task) -> float:
    return float(found.values[task].detach())


def holes(seed: int = 2) -> dict[Task, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    found = draw_targets()
    return {
        task: torch.where(torch.rand(t.shape, generator=rng) < 0.5, t, torch.nan)
        for task, t in found.items()
    }


def test_plain_losses_are_the_textbooks() -> None:
    outputs, targets, known = draw_outputs(), draw_targets(), statistics()
    found = losses(outputs=outputs, targets=targets)
    units = Units(PLAIN, known)
    month = (targets["forecast"] - known.forecast_mean) / known.forecast_deviation
    days = (targets["daily_forecast"] - known.daily_mean) / known.daily_deviation
    expected = {
        "regime": functional.cross_entropy(outputs.regime, targets["regime"].long()),
        "casualty": zinb_nll(
            targets["casualty"].double(), *units.casualty.of(outputs.casualty)
        ).mean(),
        "anomaly": (outputs.anomaly[:, 0] - (targets["anomaly"] - 2) / 4).square().mean(),
        "transition": functional.binary_cross_entropy_with_logits(
            outputs.transition, targets["transition"]
        ),
        "forecast": functional.mse_loss(outputs.forecast, month),
        "daily_forecast": functional.mse_loss(outputs.daily_forecast, days),
    }
    for task in TASKS:
        assert value(found, task) == pytest.approx(float(expected[task].detach()), rel=1e-5)
    assert found.availability == dict.fromkeys(TASKS, 1.0)
    assert not found.auxiliary


@pytest.mark.parametrize("config", [PLAIN, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("task", TASKS)
def test_unknown_targets_reach_no_gradient(config: LossConfig, task: Task) -> None:
    """The slope of an output is zero where its target is not known, and nowhere NaN."""
    config = replace(config, forecast=replace(config.forecast, l2_weight=0.0, smooth_weight=0.0))
    targets, outputs = holes(), draw_outputs()
    found = losses(config, targets, outputs)
    (slope,) = torch.autograd.grad(found.values[task], outputs.of(task))
    known = ~torch.isnan(targets[task])
    assert bool(torch.isfinite(slope).all())
    assert bool((slope[~known] == 0).all())
    rows = slope[known].reshape(int(known.sum()), -1).abs().sum(dim=1)
    assert bool((rows > 0).all())
    assert found.availability[task] == pytest.approx(float(known.float().mean()))


@pytest.mark.parametrize("config", [PLAIN, EVERYTHING], ids=["plain", "everything"])
def test_a_loss_is_the_mean_over_what_is_known(config: LossConfig) -> None:
    """Rows without a target might as well not be in the batch."""
    outputs, targets = draw_outputs(), draw_targets()
    kept = torch.arange(N) < 7
    some = {
        task: torch.where(kept.view(-1, *[1] * (t.dim() - 1)), t, torch.nan)
        for task, t in targets.items()
    }
    config = replace(config, forecast=replace(config.forecast, l2_weight=0.0, smooth_weight=0.0))
    part = replace(
        outputs, **{task: outputs.of(task)[kept] for task in TASKS}, latents=None, cycle=None
    )
    fewer = batch_of({task: t[kept] for task, t in targets.items()})
    found = losses(config, some, outputs)
    alone = Criterion(config, statistics())(part, fewer)
    for task in TASKS:
        assert value(found, task) == pytest.approx(value(alone, task), rel=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_that_is_not_observed_has_only_a_zero(task: Task) -> None:
    targets = draw_targets()
    targets[task] = torch.full_like(targets[task], torch.nan)
    outputs = draw_outputs()
    with torch.no_grad():
        outputs.of(task).view(-1)[0] = torch.inf  # 0 * inf would be NaN
    found = losses(targets=targets, outputs=outputs)
    assert task not in found.values
    assert found.availability[task] == 0.0
    (slope,) = torch.autograd.grad(found.zeros[task], outputs.of(task))
    assert float(found.zeros[task].detach()) == 0.0
    assert float(slope.abs().sum()) == 0.0


def test_the_fallback_makes_a_task_collapse() -> None:
    """Without any target, descent ends at the sources' constants, with a loss of nothing."""
    targets = draw_targets()
    for task in ("casualty", "anomaly", "transition"):
        targets[task] = torch.full_like(targets[task], torch.nan)
    outputs = draw_outputs()
    leaves = [outputs.casualty, outputs.anomaly, outputs.transition]
    optimizer = torch.optim.Adam(leaves, lr=0.05)
    first = losses(targets=targets, outputs=outputs, fallback=True)
    for _ in range(400):
        optimizer.zero_grad()
        found = losses(targets=targets, outputs=outputs, fallback=True)
        torch.stack([found.values["casualty"], found.values["anomaly"]]).sum().backward()
        found.values["transition"].backward()
        optimizer.step()
    assert value(found, "casualty") < 1e-3 * value(first, "casualty")
    assert value(found, "anomaly") < 1e-8
    assert value(found, "transition") < 1e-8
    assert torch.allclose(torch.sigmoid(outputs.casualty[:, 0]), torch.full((N,), 0.5), atol=0.01)
    assert set(losses(targets=targets).values) == {"regime", "forecast", "daily_forecast"}


def test_only_the_tasks_that_are_asked_for() -> None:
    found = losses(tasks=("regime", "forecast"))
    assert (
        set(found.values) == set(found.zeros) == set(found.availability) == {"regime", "forecast"}
    )


def test_casualty_kinds() -> None:
    outputs, counts = draw_outputs(), draw_targets()["casualty"].double()
    for kind in ("zinb", "focal", "log1p"):
        config = LossConfig(casualty=CasualtyLoss(kind, focal_alpha=0.7, focal_gamma=1.5))
        parameters = Units(config, statistics()).casualty.of(outputs.casualty)
        expected = {
            "zinb": lambda p: zinb_nll(counts, *p),
            "focal": lambda p: zinb_focal_loss(counts, *p, gamma=1.5, alpha=0.7),
            "log1p": lambda p: log_normal_nll(counts, *p[1:], least=LEAST_DEVIATION),
        }[kind](parameters)
        found = value(losses(config, outputs=outputs), "casualty")
        assert found == pytest.approx(float(expected.mean().detach()), rel=1e-5)


def test_transition_kinds_alpha_weighs_the_positives() -> None:
    outputs, labels = draw_outputs(), draw_targets()["transition"]
    logits = outputs.transition.detach()
    found = losses(LossConfig(transition=TransitionLoss("focal", 0.9, 3.0)), outputs=outputs)
    expected = focal_loss(logits, labels, gamma=3.0, alpha=0.9).mean()
    assert value(found, "transition") == pytest.approx(float(expected))
    found = losses(
        LossConfig(transition=TransitionLoss("weighted", pos_weight=7.0)), outputs=outputs
    )
    expected = functional.binary_cross_entropy_with_logits(
        logits, labels, pos_weight=torch.tensor(7.0)
    )
    assert value(found, "transition") == pytest.approx(float(expected))


def test_the_anomalys_likelihood_is_normal_and_not_negative() -> None:
    outputs, targets = draw_outputs(), draw_targets()
    config = LossConfig(anomaly=AnomalyLoss("nll"))
    mean, deviation = outputs.anomaly.detach().unbind(dim=1)
    truth = (targets["anomaly"] - 2) / 4
    exact = -torch.distributions.Normal(mean, deviation).log_prob(truth).mean()
    shift = math.log(1 / LEAST_DEVIATION / math.sqrt(2 * math.pi))
    assert value(losses(config, outputs=outputs), "anomaly") == pytest.approx(
        float(exact) + shift, rel=1e-5
    )
    perfect = replace(outputs, anomaly=torch.stack([truth, torch.full((N,), 1e-6)], dim=1))
    assert value(losses(config, outputs=perfect), "anomaly") == pytest.approx(0.0, abs=1e-6)


def test_the_variance_penalty_is_a_hinge() -> None:
    truth = (draw_targets()["anomaly"] - 2) / 4
    config = LossConfig(anomaly=AnomalyLoss(variance_weight=0.1, target_ratio=0.5))

    def penalty(said: Tensor) -> float:
        outputs = draw_outputs(anomaly=torch.stack([said, torch.ones(N)], dim=1))
        with_it = value(losses(config, outputs=outputs), "anomaly")
        return with_it - value(losses(outputs=outputs), "anomaly")

    assert penalty(truth) == pytest.approx(0.0, abs=1e-7)
    assert penalty(torch.zeros(N)) == pytest.approx(0.05)
    assert penalty(0.5 * truth) == pytest.approx(0.1 * (0.5 - 0.25), rel=1e-4)


def test_forecast_units_cap_and_output_terms() -> None:
    outputs, targets = draw_outputs(), draw_targets()
    raw = LossConfig(forecast=ForecastLoss("raw"))
    expected = functional.mse_loss(outputs.forecast.detach(), targets["forecast"])
    assert value(losses(raw, outputs=outputs), "forecast") == pytest.approx(float(expected))
    assert value(losses(raw, outputs=outputs), "forecast") > 1e5  # what dominates the source
    capped = LossConfig(forecast=ForecastLoss("raw", cap=10.0, l2_weight=0.1, smooth_weight=0.2))
    found = losses(capped, outputs=outputs)
    square = outputs.forecast.detach().square().mean()
    assert value(found, "forecast") == pytest.approx(10.0 + 0.1 * float(square))
    daily = outputs.daily_forecast.detach()
    extra = 0.1 * daily.square().mean() + 0.2 * daily.diff(dim=1).square().mean()
    assert value(found, "daily_forecast") == pytest.approx(10.0 + float(extra), rel=1e-5)
    (slope,) = torch.autograd.grad(found.values["forecast"], outputs.forecast)
    assert torch.allclose(slope, 0.2 * outputs.forecast.detach() / outputs.forecast.numel())


def test_casualties_are_capped() -> None:
    found = losses(LossConfig(casualty=CasualtyLoss(cap=0.5)))
    assert value(found, "casualty") == 0.5


def test_floors_stand_under_every_task() -> None:
    plain = losses()
    for kind, shape in (("max", lambda x: max(x, 2.0)), ("flooding", lambda x: abs(x - 2.0) + 2.0)):
        found = losses(LossConfig(floor=2.0, floor_kind=kind))
        for task in TASKS:
            assert value(found, task) == pytest.approx(shape(value(plain, task)), rel=1e-5)


def test_auxiliary_terms_are_weighted_and_need_their_teacher() -> None:
    config = LossConfig(consistency=ConsistencyConfig(0.5, "cosine", 0.2, "cosine", 0.1))
    outputs = draw_outputs()
    teacher = Teacher(-outputs.latents.detach(), outputs.cycle.detach())
    found = losses(config, outputs=outputs, teacher=teacher).auxiliary
    assert float(found["latent"].detach()) == pytest.approx(0.5 * 2.0)
    assert float(found["cycle"].detach()) == pytest.approx(0.0, abs=1e-6)
    units = Units(config, statistics())
    gap = physical(
        units.daily.back(outputs.daily_forecast),
        units.forecast.back(outputs.forecast),
        statistics().forecast_deviation,
    )
    assert float(found["physical"].detach()) == pytest.approx(0.1 * float(gap.detach()), rel=1e-5)
    assert set(losses(config, outputs=outputs).auxiliary) == {"physical"}
    plain_head = replace(outputs, latents=None, cycle=None)
    assert set(losses(config, outputs=plain_head, teacher=teacher).auxiliary) == {"physical"}
    assert teacher.latents is not None
    assert teacher.latents.shape == (N, AHEAD, WIDTH)


@pytest.mark.parametrize("config", [PLAIN, EVERYTHING], ids=["plain", "everything"])
def test_no_loss_is_negative(config: LossConfig) -> None:
    for seed in range(20):
        found = losses(config, draw_targets(seed), draw_outputs(seed + 100))
        assert all(value(found, task) >= 0 for task in TASKS)


@pytest.mark.parametrize("config", [PLAIN, EVERYTHING], ids=["plain", "everything"])
def test_half_precision_outputs_are_computed_in_single(config: LossConfig) -> None:
    outputs = draw_outputs()
    half = replace(outputs, **{task: outputs.of(task).detach().bfloat16() for task in TASKS})
    full = replace(outputs, **{task: half.of(task).float() for task in TASKS})
    one, two = losses(config, outputs=half), losses(config, outputs=full)
    for task in TASKS:
        assert one.values[task].dtype == one.zeros[task].dtype == torch.float32
        assert value(one, task) == pytest.approx(value(two, task), rel=1e-5)


def test_to_scores_has_a_column_for_all() -> None:
    assert Criterion(PLAIN, statistics()).to_scores(draw_outputs()).shape == (N, 15 + 8 * F)


def test_problems_have_their_full_names() -> None:
    config = LossConfig(
        regime=RegimeLoss(class_balance=1.0),
        casualty=CasualtyLoss(theta_min=0.0),
        transition=TransitionLoss(focal_alpha=2.0),
        anomaly=AnomalyLoss(kind="nl"),  # type: ignore[arg-type]  # a slip
        forecast=ForecastLoss(cap=-1.0),
        consistency=ConsistencyConfig(physical_weight=-1.0),
        floor=-1.0,
    )
    found = "\n".join(loss_problems(config))
    for name in (
        "loss.regime.class_balance",
        "loss.casualty.theta_min",
        "loss.transition.focal_alpha",
        "loss.anomaly.kind",
        "loss.forecast.cap",
        "loss.consistency.physical_weight",
        "loss.floor",
    ):
        assert name in found
    assert not list(loss_problems(PLAIN))
    assert not list(loss_problems(EVERYTHING))
