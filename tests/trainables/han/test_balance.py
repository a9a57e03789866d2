"""Six losses become one gradient, and say who had how much of it."""

from dataclasses import replace

import pytest
import torch

from tests.trainables.han.parts import HARD_TO_KNOW, Parts, drawn, noise, parts
from trainables.han.balance import MtlConfig, TasksConfig, mtl_problems, shares
from trainables.han.batch import TASKS
from trainables.han.losses import TaskLosses

AS_WRITTEN = {
    "mtl.weighting.kind": "a3dro",
    "mtl.weighting.a3dro.clip_mode": "hard",
    "mtl.weighting.a3dro.anchoring": "warm_up",
}
SMALLEST_HEARD = 0.0498  # e^-3: the regret clip's lower end, where baselines are 1
COLLAPSED = {"casualty": 4.7e-6, "anomaly": 2.6e-5, "transition": 2.6e-9}  # the source's losses


def rescaled(losses: TaskLosses, wanted: dict[str, float]) -> TaskLosses:
    """Return losses of other sizes, whose gradients are as much larger or smaller."""
    values = {
        task: value * (wanted[task] / value.detach()) if task in wanted else value
        for task, value in losses.values.items()
    }
    return replace(losses, values=values)


def backward(one: Parts, wanted: dict[str, float], **keywords: float) -> torch.Tensor:
    one.network.zero_grad()
    losses, state = one.losses(one.train)
    total = one.balance.backward(rescaled(losses, wanted), state, share=1.0, **keywords)
    with noise().active():  # some aggregators draw an order
        one.balance.combine()
    return total


def slope(module: torch.nn.Module) -> float:
    found = [p.grad.abs().max() for p in module.parameters() if p.grad is not None]
    return float(torch.stack(found).max()) if found else 0.0


def test_shares_by_hand():
    state = torch.zeros(2, 8, requires_grad=True)
    terms = {
        "regime": 3 * state.sum(),  # a gradient of 3, sixteen times: norm 12
        "casualty": -state.sum(),  # norm 4: size counts, not direction
        "anomaly": state.flatten()[:0].sum(),  # nothing observed
        "transition": torch.ones((), requires_grad=True).exp(),  # does not read the state
    }
    assert shares(terms, state) == pytest.approx(
        {"regime": 0.75, "casualty": 0.25, "anomaly": 0.0, "transition": 0.0}
    )


def test_without_any_gradient_nobody_has_a_share():
    state = torch.zeros(3, requires_grad=True)
    assert shares({"regime": 0 * state.sum()}, state) == {"regime": 0.0}


def test_shares_are_those_of_the_weighted_losses_norms_and_sum_to_one():
    one = parts(**{"mtl.weighting.kind": "liebel", "mtl.weighting.kendall.initial": 1.0})
    trainer = one.trainer()
    trainer.epoch(noise())  # forecasts begin as constants, without a gradient further back
    losses, state = one.losses(one.train)
    norms = {
        task: float(torch.autograd.grad(value, state, retain_graph=True)[0].norm())
        for task, value in losses.values.items()
    }
    one.balance.backward(losses, state, share=0.5, watched=True)
    found = one.balance.describe()
    weights = {task: found[f"weight_{task}"] for task in TASKS}
    whole = sum(weights[task] * norms[task] for task in TASKS)
    by_hand = {task: weights[task] * norms[task] / whole for task in TASKS}
    said = {task: found[f"gradient_share_{task}"] for task in TASKS}
    assert said == pytest.approx(by_hand, rel=1e-4)
    assert sum(said.values()) == pytest.approx(1.0)
    both = said["forecast"] + said["daily_forecast"]
    assert found["gradient_share_both_forecasts"] == pytest.approx(both)


def test_shares_are_taken_where_they_are_asked_for_once_an_epoch():
    one = parts()
    backward(one, {})
    assert not [name for name in one.balance.describe() if "share" in name]
    backward(one, {}, watched=True)
    first = one.balance.describe()
    backward(one, {}, watched=True)
    backward(one, dict.fromkeys(TASKS, 1e3), watched=True)
    assert one.balance.describe() == first  # the second batch was one too many
    assert not [name for name in one.balance.describe() if "share" in name]  # of another epoch


@pytest.mark.parametrize("aggregator", ["sum", "pcgrad", "gradnorm"])
@pytest.mark.parametrize("off", TASKS[1:])
def test_a_task_that_is_switched_off_has_no_loss_and_no_gradient(aggregator, off):
    one = parts(**{f"mtl.tasks.{off}": False, "mtl.aggregator": aggregator})
    backward(one, {}, watched=True)
    assert all(parameter.grad is None for parameter in one.network.heads[off].parameters())
    for task in set(TASKS) - {off}:
        assert slope(one.network.heads[task]) > 0
    assert f"gradient_share_{off}" not in one.balance.describe()


@pytest.mark.parametrize("aggregator", ["sum", "pcgrad"])
def test_a_task_whose_targets_are_all_unknown_has_a_gradient_of_zero(aggregator):
    unknown = replace(HARD_TO_KNOW, anomaly_known=0.0)
    one = parts(drawn(unknown), **{"mtl.aggregator": aggregator})
    backward(one, {}, watched=True)
    assert slope(one.network.heads["anomaly"]) == 0.0
    assert one.balance.describe()["gradient_share_anomaly"] == 0.0
    pulled = parts(drawn(unknown), **{"mtl.gate.kind": "fallback", "mtl.aggregator": aggregator})
    backward(pulled, {})
    assert slope(pulled.network.heads["anomaly"]) > 0.0


def test_a_hard_gate_shuts_out_what_is_rarely_known():
    changes = {"mtl.gate.kind": "hard", "mtl.gate.min_availability": 0.5}
    one = parts(drawn(HARD_TO_KNOW), **changes)
    backward(one, {})
    assert slope(one.network.heads["anomaly"]) == 0.0
    assert slope(one.network.heads["regime"]) > 0.0


def test_kendalls_total_becomes_negative_for_small_losses_and_softplus_kendalls_does_not():
    small = dict.fromkeys(TASKS, 0.01)
    best = {"mtl.weighting.kendall.initial": -2.0, "mtl.weighting.kendall.regularisation": 0.0}
    kendall = parts(**best, **{"mtl.weighting.kind": "kendall"})
    # ½ e² 0.01 - 1 for each of six tasks
    assert float(backward(kendall, small)) == pytest.approx(6 * (0.0369453 - 1.0), rel=1e-5)
    softplus = parts(**best, **{"mtl.weighting.kind": "softplus_kendall"})
    assert float(backward(softplus, small)) > 0.0


@pytest.mark.parametrize("aggregator", ["sum", "pcgrad"])
def test_a_hard_clip_silences_collapsed_tasks_until_the_warm_up_ends(aggregator):
    one = parts(**AS_WRITTEN, **{"mtl.aggregator": aggregator})
    backward(one, COLLAPSED)
    for task in COLLAPSED:
        assert slope(one.network.heads[task]) == 0.0
    for task in ("regime", "forecast", "daily_forecast"):
        assert slope(one.network.heads[task]) > 0.0


def test_a_hard_clip_silences_all_where_all_have_collapsed_or_exploded():
    one = parts(**AS_WRITTEN)
    backward(one, dict.fromkeys(TASKS, 0.99 * SMALLEST_HEARD))
    assert slope(one.network) == 0.0
    backward(one, dict.fromkeys(TASKS, 1e6))
    assert slope(one.network) == 0.0
    backward(one, dict.fromkeys(TASKS, 1.01 * SMALLEST_HEARD))
    assert all(slope(one.network.heads[task]) > 0.0 for task in TASKS)


def test_a_soft_clip_and_baselines_from_the_first_step_silence_nobody():
    for changes in (
        {"mtl.weighting.a3dro.clip_mode": "soft"},
        {"mtl.weighting.a3dro.anchoring": "first_step"},
    ):
        one = parts(**{**AS_WRITTEN, **changes})
        backward(one, COLLAPSED)
        assert all(slope(one.network.heads[task]) > 0.0 for task in COLLAPSED)


def test_after_the_warm_up_collapsed_tasks_are_heard_again():
    one = parts(**AS_WRITTEN)
    for _ in range(3):
        backward(one, COLLAPSED)
        assert slope(one.network.heads["transition"]) == 0.0
        one.balance.end_epoch()
    backward(one, COLLAPSED)
    assert all(slope(one.network.heads[task]) > 0.0 for task in COLLAPSED)


@pytest.mark.parametrize("aggregator", ["mean", "pcgrad"])
def test_physical_consistency_reaches_both_forecasts_whatever_the_surgery(aggregator):
    changes = {f"mtl.tasks.{task}": False for task in ("regime", "casualty", "anomaly")}
    changes |= {"mtl.tasks.transition": False, "loss.consistency.physical_weight": 10.0}
    found = []
    for kind in ("sum", aggregator):
        one = parts(**changes, **{"mtl.aggregator": kind})
        backward(one, {})
        found.append(one.gradients())
    for name in ("heads.forecast.last.bias", "heads.daily_forecast.last.bias"):
        assert torch.allclose(found[0][name], found[1][name], rtol=1e-5)


def test_gradnorms_weights_are_reported():
    one = parts(**{"mtl.aggregator": "gradnorm"})
    one.trainer().epoch(noise())
    weights = [one.balance.describe()[f"weight_{task}"] for task in TASKS]
    assert sum(weights) == pytest.approx(len(TASKS))
    assert max(weights) > 1.0 > min(weights)


def test_what_it_remembers_survives():
    changes = AS_WRITTEN | {"mtl.gate.kind": "soft", "mtl.gate.scope": "epoch"}
    first, second = (parts(drawn(HARD_TO_KNOW), **changes) for _ in range(2))
    for _ in range(3):
        backward(first, {})
        first.balance.end_epoch()
    second.balance.load_state_dict(first.balance.state_dict())
    assert float(backward(first, COLLAPSED)) == float(backward(second, COLLAPSED))
    assert first.balance.describe() == second.balance.describe()


def test_problems_are_said_with_their_paths():
    nothing = TasksConfig(**dict.fromkeys(TASKS, False))
    wrong = MtlConfig(tasks=nothing, aggregator="pcgard", gradnorm_alpha=-1.0, cagrad_c=1.0)
    said = "\n".join(mtl_problems(wrong))
    for words in ("mtl.tasks must leave", "mtl.aggregator has no 'pcgard'", "mtl.gradnorm_alpha"):
        assert words in said
    assert "did you mean 'pcgrad'" in said
    assert not [*mtl_problems(MtlConfig())]
