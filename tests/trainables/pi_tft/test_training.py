import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.pi_tft.batches import Batch, to_batch
from trainables.pi_tft.config import LossConfig, MtlConfig, OptimConfig
from trainables.pi_tft.losses import Criterion, MissScale, active_tasks
from trainables.pi_tft.model import Encoder, PiTftNetwork
from trainables.pi_tft.sequences import Splits
from trainables.pi_tft.training import Trainer
from trainables.techniques.randomness import RandomStream
from trainables.techniques.surgery import GradientSurgery, Kind

CPU = torch.device("cpu")
PLAIN = OptimConfig(encoder_lr=3e-3, head_lr=3e-3, batch_size=32, warmup=0.0, schedule="constant")


@pytest.fixture
def batch(splits: Splits) -> Batch:
    return to_batch(splits.train, CPU)


def network(dropout: float = 0.0) -> PiTftNetwork:
    torch.manual_seed(0)
    encoder = Encoder(
        5,
        3,
        width=8,
        layers=1,
        heads=2,
        dropout=dropout,
        gated_selection=False,
        pooling="last",
        pool_hidden=4,
    )
    return PiTftNetwork(encoder, 8, prior_logit=-1.0)


def trainer(
    model: PiTftNetwork,
    batch: Batch,
    config: OptimConfig,
    *,
    epochs: int = 4,
    aggregator: Kind = "sum",
) -> Trainer:
    loss, mtl = LossConfig(), MtlConfig(aggregator=aggregator)
    tasks = active_tasks(loss, mtl)
    risk, miss = list(model.risk_head.parameters()), list(model.miss_head.parameters())
    surgery = GradientSurgery(
        aggregator,
        list(model.encoder.parameters()),
        [risk, miss, risk + miss],
        cagrad_c=0.5,
        gradnorm_alpha=1.5,
    )
    criterion = Criterion(loss, tasks, MissScale.of(batch), miss_index=1)
    return Trainer(model, batch, criterion, surgery, config, epochs=epochs, order_seed=0)


def weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def trained(batch: Batch, epochs: int = 2, aggregator: Kind = "sum", **changes: Any) -> Tensor:
    model = network()
    work = trainer(model, batch, replace(PLAIN, **changes), aggregator=aggregator)
    noise = RandomStream(0, CPU)
    for _ in range(epochs):
        work.epoch(noise)
    return weights(model)


@pytest.mark.parametrize("aggregator", ["sum", "pcgrad", "gradvac", "cagrad", "gradnorm"])
@pytest.mark.parametrize(("size", "steps"), [(8, 4), (16, 2)])
def test_accumulation_equals_the_large_batch(
    batch: Batch, aggregator: Kind, size: int, steps: int
) -> None:
    large = trained(batch, aggregator=aggregator)
    accumulated = trained(batch, aggregator=aggregator, batch_size=size, accum_steps=steps)
    start = weights(network())
    assert float((large - start).norm()) > 0.1
    assert float((large - accumulated).norm()) < 2e-3 * float((large - start).norm())


def test_the_last_partial_window_is_flushed_with_its_own_weight(batch: Batch) -> None:
    """96 events in windows of 40: 40, 40 and 16, however they are cut."""
    large = trained(batch, batch_size=40)
    accumulated = trained(batch, batch_size=8, accum_steps=5)
    assert torch.allclose(large, accumulated, atol=1e-4)
    dropped = trained(batch.take(torch.arange(80)), batch_size=40)
    assert not torch.allclose(large, dropped, atol=1e-3)


def test_the_schedule_counts_optimizer_steps_not_batches(batch: Batch) -> None:
    config = replace(PLAIN, batch_size=8, accum_steps=3, schedule="cosine")  # 4 updates an epoch
    work = trainer(network(), batch, config, epochs=2)
    rates = [work.epoch(RandomStream(0, CPU))["lr"] for _ in range(2)]
    expected = [work_rate(step, 8) * 3e-3 for step in (3, 7)]
    assert rates == pytest.approx(expected)


def work_rate(step: int, total: int) -> float:
    return float(0.5 * (1 + torch.cos(torch.tensor(torch.pi * step / total))))


def test_encoder_and_heads_have_their_own_rates(batch: Batch) -> None:
    before, model = network(), network()
    work = trainer(model, batch, replace(PLAIN, encoder_lr=1e-12, head_lr=1e-2, weight_decay=0.0))
    work.epoch(RandomStream(0, CPU))
    assert torch.allclose(weights(model.encoder), weights(before.encoder), atol=1e-8)
    assert not torch.allclose(weights(model.risk_head), weights(before.risk_head), atol=1e-3)
    assert not torch.allclose(weights(model.miss_head), weights(before.miss_head), atol=1e-3)


def test_clipping_bounds_the_gradient_and_reports_it_unclipped(batch: Batch) -> None:
    free = trainer(network(), batch, replace(PLAIN, clip=1e9)).epoch(RandomStream(0, CPU))
    model = network()
    tight = trainer(model, batch, replace(PLAIN, clip=1e-3))
    report = tight.epoch(RandomStream(0, CPU))
    assert report["grad_norm"] > 0.05
    assert free["grad_norm"] > 0.05
    norm = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-2)


def test_constant_averaging_is_the_mean_of_the_last_epochs(batch: Batch) -> None:
    model = network()
    work = trainer(model, batch, replace(PLAIN, swa=True, swa_start=0.5), epochs=4)
    noise, seen = RandomStream(0, CPU), []
    for _ in range(4):
        work.epoch(noise)
        seen.append(weights(model))
    assert work.averaging_from == 2
    average = work.averages.answering(model)
    assert torch.allclose(weights(average), (seen[2] + seen[3]) / 2, atol=1e-6)
    assert average is not model


def test_cyclic_averaging_takes_a_snapshot_at_each_cycles_end(batch: Batch) -> None:
    config = replace(PLAIN, swa=True, swa_start=0.34, swa_schedule="cyclic", cycle_len=2)
    model = network()
    work = trainer(model, batch, config, epochs=6)
    noise, seen, rates = RandomStream(0, CPU), [], []
    for _ in range(6):
        rates.append(work.epoch(noise)["lr"])
        seen.append(weights(model))
    assert work.averages.snapshots == 2
    average = work.averages.answering(model)
    assert torch.allclose(weights(average), (seen[3] + seen[5]) / 2, atol=1e-6)
    assert rates[3] == pytest.approx(config.swa_lr * 0.1)
    assert rates[2] > rates[3]


def test_a_cycle_longer_than_what_is_left_still_ends_in_a_snapshot(batch: Batch) -> None:
    config = replace(PLAIN, swa=True, swa_start=0.75, swa_schedule="cyclic", cycle_len=9)
    work = trainer(network(), batch, config, epochs=4)
    noise = RandomStream(0, CPU)
    for _ in range(4):
        work.epoch(noise)
    assert work.averages.snapshots == 1


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_short_run_still_averages(batch: Batch, epochs: int) -> None:
    work = trainer(network(), batch, replace(PLAIN, swa=True, swa_start=1.0), epochs=epochs)
    noise = RandomStream(0, CPU)
    for _ in range(epochs):
        work.epoch(noise)
    assert work.averages.snapshots == 1


def test_until_averaging_begins_the_run_is_the_same(batch: Batch) -> None:
    plain, averaged = network(), network()
    works = [
        trainer(plain, batch, PLAIN, epochs=4),
        trainer(averaged, batch, replace(PLAIN, swa=True, swa_start=0.5), epochs=4),
    ]
    for work in works:
        for _ in range(2):
            work.epoch(RandomStream(0, CPU))
    assert torch.equal(weights(plain), weights(averaged))


def test_the_moving_average_follows_every_update(batch: Batch) -> None:
    model = network()
    work = trainer(model, batch, replace(PLAIN, ema=True, ema_decay=0.0, batch_size=24))
    work.epoch(RandomStream(0, CPU))
    assert torch.allclose(weights(work.averages.answering(model)), weights(model))
    slow = network()
    other = trainer(slow, batch, replace(PLAIN, ema=True, ema_decay=0.9, batch_size=24))
    other.epoch(RandomStream(0, CPU))
    assert not torch.allclose(weights(other.averages.answering(slow)), weights(slow), atol=1e-3)


def test_reports_are_means_over_events(batch: Batch) -> None:
    work = trainer(network(), batch, replace(PLAIN, encoder_lr=1e-12, head_lr=1e-12))
    report = work.epoch(RandomStream(0, CPU))
    model = network()
    loss = Criterion(LossConfig(), ("risk", "miss", "physics"), MissScale.of(batch), miss_index=1)
    whole = loss(model, batch, window=len(batch))
    for task in ("risk", "miss"):
        assert report[f"train_loss_{task}"] == pytest.approx(
            float(whole.values[task].detach()), rel=1e-4
        )
    assert report["train_nll"] == pytest.approx(float(whole.nll), rel=1e-4)
    parts = [report[f"train_loss_{task}"] for task in ("risk", "miss", "physics")]
    assert report["train_loss"] == pytest.approx(sum(parts))


@pytest.mark.parametrize("aggregator", ["sum", "gradvac", "gradnorm"])
def test_a_trainer_continues_from_its_state_exactly(batch: Batch, aggregator: Kind) -> None:
    config = replace(
        PLAIN, batch_size=16, accum_steps=2, swa=True, swa_start=0.5, ema=True, schedule="cosine"
    )
    model, twin = network(0.2), network(0.2)
    work = trainer(model, batch, config, aggregator=aggregator)
    noise = RandomStream(0, CPU)
    for _ in range(3):
        work.epoch(noise)
    resumed = trainer(twin, batch, config, aggregator=aggregator)
    resumed.load_state_dict(copy.deepcopy(work.state_dict()))
    again = RandomStream(9, CPU)
    again.load_state_dict(noise.state_dict())
    assert work.epoch(noise) == resumed.epoch(again)
    assert torch.equal(weights(model), weights(twin))
    answers = [each.averages.answering(one) for each, one in ((work, model), (resumed, twin))]
    assert torch.equal(weights(answers[0]), weights(answers[1]))
