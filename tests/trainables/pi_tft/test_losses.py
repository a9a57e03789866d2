from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from trainables.pi_tft import physics_terms
from trainables.pi_tft.batches import Batch, to_batch
from trainables.pi_tft.config import LossConfig, MtlConfig
from trainables.pi_tft.losses import (
    SHIFT,
    SHIFTED_EVERY,
    Criterion,
    MissScale,
    TaskLosses,
    active_tasks,
)
from trainables.pi_tft.model import Encoder, PiTftNetwork
from trainables.pi_tft.sequences import Splits

NO_TERMS = {"bound": 0.0, "consistency": 0.0, "monotone": 0.0, "martingale": 0.0}
TERMS = tuple(NO_TERMS)


@pytest.fixture
def batch(splits: Splits) -> Batch:
    return to_batch(splits.train, torch.device("cpu"))


@pytest.fixture
def network() -> PiTftNetwork:
    torch.manual_seed(0)
    encoder = Encoder(
        5,
        3,
        width=8,
        layers=1,
        heads=2,
        dropout=0.0,
        gated_selection=False,
        pooling="attention",
        pool_hidden=4,
    )
    model = PiTftNetwork(encoder, 8, prior_logit=-1.0)
    with torch.no_grad():
        model.risk_head.weight.neg_()  # this draw then rises with the miss: something to penalise
    return model


def losses(
    network: PiTftNetwork, batch: Batch, config: LossConfig, groups: str = "joint"
) -> TaskLosses:
    tasks = active_tasks(config, MtlConfig(groups=groups))
    criterion = Criterion(config, tasks, MissScale.of(batch), miss_index=1)
    return criterion(network, batch, window=len(batch))


def value(result: TaskLosses, task: str) -> float:
    return float(result.values[task].detach())


def test_the_risk_loss_is_torchs_and_the_nll_is_plain_whatever_the_kind(
    network: PiTftNetwork, batch: Batch
) -> None:
    logits = network(*batch.inputs)[0][:, -1]
    plain = functional.binary_cross_entropy_with_logits(logits, batch.label)
    weighted = functional.binary_cross_entropy_with_logits(
        logits, batch.label, pos_weight=torch.tensor(7.0)
    )
    bce = losses(network, batch, LossConfig())
    wbce = losses(network, batch, LossConfig(kind="wbce", pos_weight=7.0))
    focal = losses(network, batch, LossConfig(kind="focal", gamma=0.0, alpha=0.5))
    assert value(bce, "risk") == pytest.approx(float(plain.detach()), rel=1e-5)
    assert value(wbce, "risk") == pytest.approx(float(weighted.detach()), rel=1e-5)
    assert value(focal, "risk") == pytest.approx(float(plain.detach()) / 2, rel=1e-5)
    for each in (bce, wbce, focal):
        assert float(each.nll) == pytest.approx(float(plain.detach()), rel=1e-5)


def test_the_miss_loss_is_the_weighted_standardised_square(
    network: PiTftNetwork, batch: Batch
) -> None:
    forecast = network(*batch.inputs)[1].detach()
    target = (batch.log_miss - batch.log_miss.mean()) / batch.log_miss.std(correction=0)
    got = losses(network, batch, LossConfig(miss_weight=0.3))
    expected = 0.3 * float((forecast - target).square().mean())
    assert value(got, "miss") == pytest.approx(expected, rel=1e-5)


def test_each_physics_term_has_its_own_weight(network: PiTftNetwork, batch: Batch) -> None:
    alone = {
        term: value(
            losses(network, batch, LossConfig(physics_weight=1.0, **NO_TERMS | {term: 1.0})),
            "physics",
        )
        for term in TERMS
    }
    assert all(part > 0 for part in alone.values())
    mixed = {"bound": 0.5, "consistency": 2.0, "monotone": 3.0, "martingale": 0.25}
    together = value(losses(network, batch, LossConfig(physics_weight=0.7, **mixed)), "physics")
    assert together == pytest.approx(0.7 * sum(mixed[t] * alone[t] for t in TERMS), rel=1e-4)


def test_terms_take_the_latest_inputs(network: PiTftNetwork, batch: Batch) -> None:
    logits, miss = (x.detach() for x in network(*batch.inputs))
    risk = -6 + 2.0 * logits[:, -1]
    only_bound = LossConfig(physics_weight=1.0, dex_per_logit=2.0, **NO_TERMS | {"bound": 1.0})
    expected = functional.relu(risk - batch.max_risk_estimate).mean()
    assert value(losses(network, batch, only_bound), "physics") == pytest.approx(float(expected))
    scale = MissScale.of(batch)
    metres = (scale.mean + scale.deviation * miss).clamp_min(1e-6).expm1()
    stretch = metres / batch.log_miss_latest.expm1()
    implied = physics_terms.log10_probability(batch.max_risk_estimate, batch.mahalanobis, stretch)
    only = LossConfig(physics_weight=1.0, dex_per_logit=2.0, **NO_TERMS | {"consistency": 1.0})
    gap = (risk.clamp_min(-10) - implied.clamp_min(-10)).abs().mean()
    assert value(losses(network, batch, only), "physics") == pytest.approx(float(gap), rel=1e-4)


def test_without_the_miss_task_consistency_takes_the_measured_miss(
    network: PiTftNetwork, batch: Batch
) -> None:
    only = LossConfig(physics_weight=1.0, **NO_TERMS | {"consistency": 1.0})
    risk = -6 + network(*batch.inputs)[0][:, -1].detach()
    implied = physics_terms.log10_probability(batch.max_risk_estimate, batch.mahalanobis)
    gap = (risk.clamp_min(-10) - implied.clamp_min(-10)).abs().mean()
    got = losses(network, batch, only, groups="risk+physics")
    assert value(got, "physics") == pytest.approx(float(gap), rel=1e-5)
    got.values["physics"].backward()
    assert network.miss_head.weight.grad is None


def test_the_monotone_term_is_a_finite_difference_in_the_miss_alone(
    network: PiTftNetwork, batch: Batch
) -> None:
    only = LossConfig(physics_weight=1.0, **NO_TERMS | {"monotone": 1.0})
    rows = torch.arange(0, len(batch), SHIFTED_EVERY)
    part = batch.take(rows)
    further = part.temporal.clone()
    further[..., 1] += SHIFT * part.mask
    before = network(*part.inputs)[0][:, -1]
    after = network(further, *part.inputs[1:])[0][:, -1]
    expected = SHIFTED_EVERY * functional.relu(after - before).sum() / SHIFT / len(batch)
    got = value(losses(network, batch, only), "physics")
    assert got == pytest.approx(float(expected.detach()), rel=1e-3)
    assert got > 0.01


def test_training_on_the_monotone_term_makes_the_forecast_fall_with_the_miss(
    network: PiTftNetwork, batch: Batch
) -> None:
    only = LossConfig(physics_weight=1.0, **NO_TERMS | {"monotone": 1.0})
    first = value(losses(network, batch, only), "physics")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        losses(network, batch, only).values["physics"].backward()
        optimizer.step()
    assert value(losses(network, batch, only), "physics") < 0.1 * first


def test_events_outside_the_closed_forms_add_nothing(network: PiTftNetwork, batch: Batch) -> None:
    config = LossConfig(physics_weight=1.0, **NO_TERMS | {"bound": 1.0, "consistency": 1.0})
    half = batch.physical.clone()
    half[::2] = 0
    cut = replace(batch, physical=half)
    kept = batch.take(torch.arange(1, len(batch), 2))
    tasks = active_tasks(config, MtlConfig())
    scale = MissScale.of(batch)
    criterion = Criterion(config, tasks, scale, miss_index=1)
    whole = criterion(network, cut, window=len(batch)).values["physics"]
    part = criterion(network, kept, window=len(batch)).values["physics"]
    assert float(whole.detach()) == pytest.approx(float(part.detach()), rel=1e-5)


@pytest.mark.parametrize("size", [7, 32])
def test_micro_batches_add_up_to_their_window(
    network: PiTftNetwork, batch: Batch, size: int
) -> None:
    config = LossConfig(kind="focal")
    tasks = active_tasks(config, MtlConfig())
    criterion = Criterion(config, tasks, MissScale.of(batch), miss_index=1)
    whole = criterion(network, batch, window=len(batch), start=5)
    totals = dict.fromkeys(tasks, 0.0)
    for start in range(0, len(batch), size):
        rows = torch.arange(start, min(start + size, len(batch)))
        part = criterion(network, batch.take(rows), window=len(batch), start=5 + start)
        for task in tasks:
            totals[task] += value(part, task)
    for task in tasks:
        assert totals[task] == pytest.approx(value(whole, task), rel=1e-4)


@pytest.mark.parametrize(
    ("loss", "groups", "expected"),
    [
        ({}, "joint", ("risk", "miss", "physics")),
        ({}, "risk_only", ("risk",)),
        ({}, "risk+miss", ("risk", "miss")),
        ({}, "risk+physics", ("risk", "physics")),
        ({"miss_weight": 0.0}, "joint", ("risk", "physics")),
        ({"physics_weight": 0.0}, "joint", ("risk", "miss")),
        (NO_TERMS, "joint", ("risk", "miss")),
    ],
)
def test_tasks_follow_weights_and_groups(
    loss: dict[str, float], groups: str, expected: tuple[str, ...]
) -> None:
    assert active_tasks(LossConfig(**loss), MtlConfig(groups=groups)) == expected


def test_a_constant_miss_has_a_scale(batch: Batch) -> None:
    still = replace(batch, log_miss=torch.full_like(batch.log_miss, 3.0))
    assert MissScale.of(still) == MissScale(3.0, 1.0)
