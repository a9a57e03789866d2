"""An epoch: accumulation, the teacher, means of losses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainables.han.parts import HARD_TO_KNOW, Parts, drawn, noise, parts
from trainables.han.batch import AHEAD, TASKS, Batch
from trainables.han.losses import TaskLosses
from trainables.han.panel import Panel, month_of_day
from trainables.han.training import OptimConfig, Tally, optim_problems
from trainables.han.windows import Splits

LATENT = {"model.forecast_head": "latent"}
TAUGHT = LATENT | {"loss.consistency.latent_weight": 0.5, "loss.consistency.cycle_weight": 0.5}


def one_update(splits: Splits, **changes: float) -> tuple[Parts, dict[str, float]]:
    """Train an epoch of a single optimizer step."""
    one = parts(splits, **changes)
    return one, one.trainer().epoch(noise())


def alike(first: Parts, second: Parts) -> bool:
    pairs = zip(first.gradients().values(), second.gradients().values(), strict=True)
    return all(torch.allclose(mine, other, rtol=1e-3, atol=1e-6) for mine, other in pairs)


@pytest.mark.parametrize("aggregator", ["sum", "pcgrad", "mean"])
@pytest.mark.parametrize("size", [20, 8])
def test_small_batches_make_the_gradient_of_one_large_batch_where_all_is_known(aggregator, size):
    """Means over windows, weighted by numbers of windows, are the mean over all windows."""
    whole, told = one_update(
        drawn(), **{"mtl.aggregator": aggregator, "optim.batch_size": 40, "optim.clip": 1e9}
    )
    split, said = one_update(
        drawn(),
        **{
            "mtl.aggregator": aggregator,
            "optim.batch_size": size,
            "optim.accum_steps": 40 // size,
            "optim.clip": 1e9,
        },
    )
    assert alike(whole, split)
    assert said["grad_norm"] == pytest.approx(told["grad_norm"], rel=1e-4)
    for name in ("train_loss", *(f"train_loss_{task}" for task in TASKS)):
        assert said[name] == pytest.approx(told[name], rel=1e-4)


def test_a_smaller_last_batch_counts_as_much_as_it_is():
    whole, _ = one_update(drawn(), **{"optim.batch_size": 40, "optim.clip": 1e9})
    split, _ = one_update(
        drawn(), **{"optim.batch_size": 16, "optim.accum_steps": 3, "optim.clip": 1e9}
    )
    assert alike(whole, split)


def test_where_targets_are_missing_it_is_the_mean_of_the_batches_gradients():
    """Means over what is known of each batch, weighted by windows: not the mean over all known."""
    splits = drawn(HARD_TO_KNOW)
    split, _ = one_update(
        splits, **{"optim.batch_size": 16, "optim.accum_steps": 3, "optim.clip": 1e9}
    )
    by_hand = parts(splits)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    for rows in order.split(16):
        losses, _ = by_hand.losses(by_hand.series.batch(by_hand.series.anchors("train")[rows]))
        (len(rows) / 40 * torch.stack(list(losses.values.values())).sum()).backward()
    assert alike(by_hand, split)
    whole, _ = one_update(splits, **{"optim.batch_size": 40, "optim.clip": 1e9})
    assert not alike(whole, split)


def test_every_window_is_seen_once_in_an_order_of_its_own():
    one = parts(**{"optim.batch_size": 16})
    seen: list[torch.Tensor] = []
    one.network.encoder.register_forward_pre_hook(
        lambda _, args: seen.append(args[0].targets["forecast"])
    )
    trainer = one.trainer(epochs=2)
    trainer.epoch(noise())
    trainer.epoch(noise())
    first, second = torch.cat(seen[:3]), torch.cat(seen[3:])
    whole = one.train.targets["forecast"]
    assert not torch.equal(first, second)
    for found in (first, second):
        assert torch.equal(found[:, 0].sort().values, whole[:, 0].sort().values)


def test_the_gradient_is_clipped():
    one, told = one_update(drawn(), **{"optim.batch_size": 40, "optim.clip": 0.01})
    norms = [gradient.norm() for gradient in one.gradients().values() if gradient is not None]
    assert float(torch.stack(norms).norm()) == pytest.approx(0.01, rel=1e-3)
    assert told["grad_norm"] > 0.1


def test_learned_weights_have_their_own_rate_and_do_not_decay():
    one = parts(
        **{
            "mtl.weighting.kind": "kendall",
            "mtl.weighting.kendall.initial": 1.0,
            "mtl.weighting.kendall.lr_multiplier": 5.0,
            "optim.batch_size": 40,
            "optim.lr": 0.01,
            "optim.weight_decay": 0.9,
        }
    )
    one.trainer().epoch(noise())
    (scales,) = one.balance.parameters()
    # Adam's first step is its rate, up or down: 5 times 0.01
    moved = (scales.detach() - 1.0).abs()
    assert moved.tolist() == pytest.approx([0.05] * len(TASKS), rel=1e-3)


def later(splits: Splits) -> Splits:
    """Return the same days up to the end of the training period, and others after it."""
    panel, end = splits.panel, splits.fitted_days
    over = int(month_of_day(panel.days())[end - 1])  # months that were over

    def other(values: np.ndarray, first: int) -> np.ndarray:
        found = values.copy()
        found[first:] = 1e3 + 7 * np.nan_to_num(found[first:])
        return found

    changed: Panel = replace(
        panel,
        daily={name: other(values, end) for name, values in panel.daily.items()},
        regional={name: other(values, end) for name, values in panel.regional.items()},
        monthly={name: other(values, over) for name, values in panel.monthly.items()},
        targets={
            name: np.concatenate([values[:end], np.zeros(panel.n_days - end)])
            for name, values in panel.targets.items()
        },
    )
    return replace(splits, panel=changed)


@pytest.mark.parametrize("embargo", [0, 31])
@pytest.mark.parametrize("changes", [{}, TAUGHT], ids=["plain", "taught"])
def test_training_reads_no_day_after_its_period(embargo, changes):
    found = []
    for change in (lambda splits: splits, later):
        splits = change(drawn(HARD_TO_KNOW, embargo=embargo))
        one = parts(splits, **changes, **{"data.windows.embargo": embargo})
        trainer = one.trainer(epochs=2)
        found.append([trainer.epoch(noise()) for _ in range(2)])
    assert found[0] == found[1]


def batches_of(one: Parts) -> list[tuple[Batch, bool, bool]]:
    """Return a list that grows: what the encoder reads, while training, with a gradient."""
    found: list[tuple[Batch, bool, bool]] = []

    def note(module: torch.nn.Module, args: tuple[Batch], out: object) -> None:
        found.append((args[0], module.training, out.state.requires_grad))

    one.network.encoder.register_forward_hook(note)
    return found


def test_the_teacher_reads_a_week_later_without_dropout_or_gradient():
    one = parts(**TAUGHT, **{"optim.batch_size": 40, "model.dropout": 0.5})
    seen = batches_of(one)
    one.trainer().epoch(noise())
    (student, trained, with_gradient), (teacher, taught, carries) = seen
    assert (trained, with_gradient) == (True, True)
    assert (taught, carries) == (False, False)
    days = one.series.shape.days
    for name, source in teacher.daily.items():
        before = student.daily[name].values[:, AHEAD:]
        assert torch.equal(source.values[:, : days - AHEAD], before)


def test_without_a_term_that_wants_one_there_is_no_teacher():
    one = parts(**LATENT, **{"optim.batch_size": 40})
    seen = batches_of(one)
    one.trainer().epoch(noise())
    assert len(seen) == 1


def test_where_the_week_to_come_is_not_over_there_is_no_teacher():
    """Days that lie a week earlier are no stand-in for it."""
    splits = drawn(embargo=0)
    end = splits.fitted_days
    last = replace(splits, train=np.arange(end - AHEAD, end))
    losses = {
        changes["loss.consistency.latent_weight"]: one_update(
            last, **changes, **{"optim.batch_size": 40, "data.windows.embargo": 0}
        )[1]["train_loss"]
        for changes in (LATENT | {"loss.consistency.latent_weight": w} for w in (0.0, 0.5))
    }
    assert losses[0.5] == losses[0.0]
    one_more = replace(splits, train=np.arange(end - AHEAD - 1, end))
    taught, plain = (
        one_update(
            one_more,
            **LATENT,
            **{"loss.consistency.latent_weight": w, "optim.batch_size": 40},
        )[1]["train_loss"]
        for w in (0.5, 0.0)
    )
    assert taught > plain


def losses_of(values: dict[str, float], known: dict[str, float]) -> TaskLosses:
    return TaskLosses({k: torch.tensor(v) for k, v in values.items()}, {}, known, {})


def test_a_task_counts_where_and_as_much_as_it_was_observed():
    tally = Tally()
    known = {"regime": 1.0, "anomaly": 0.5}
    tally.add(losses_of({"regime": 1.0, "anomaly": 8.0}, known), torch.tensor(9.0), 4)
    tally.add(losses_of({"regime": 4.0}, {"regime": 1.0, "anomaly": 0.0}), torch.tensor(4.0), 2)
    means = tally.means("train_")
    assert means == {
        "train_loss": pytest.approx((4 * 9 + 2 * 4) / 6),
        "train_loss_regime": pytest.approx((4 * 1 + 2 * 4) / 6),
        "train_loss_anomaly": 8.0,  # whatever the batches were that knew nothing of it
    }


def test_the_fallback_shows_in_the_mean_of_a_task_that_was_never_observed_only():
    tally = Tally()
    none, some = {"anomaly": 0.0, "casualty": 0.0}, {"anomaly": 0.5, "casualty": 0.0}
    tally.add(losses_of({"anomaly": 1e-6, "casualty": 1e-6}, none), None, 2)
    tally.add(losses_of({"anomaly": 1.0, "casualty": 3e-6}, some), None, 2)
    assert tally.means("") == {
        "loss_anomaly": 1.0,
        "loss_casualty": pytest.approx(2e-6),
    }


def test_without_a_total_none_is_told():
    """A zero in its place would look like a collapse."""
    tally = Tally()
    tally.add(losses_of({"regime": 1.0}, {"regime": 1.0}), None, 4)
    assert "val_loss" not in tally.means("val_")


def test_problems():
    wrong = OptimConfig(lr=0.0, batch_size=0, accum_steps=0, warmup=2.0, schedule="cosin")  # type: ignore[arg-type]  # on purpose
    said = "\n".join(optim_problems(wrong))
    for name in ("lr", "batch_size", "accum_steps", "warmup", "schedule"):
        assert f"optim.{name}" in said
