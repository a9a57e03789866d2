import math
from typing import get_args

import pytest
import torch
from torch import Tensor

from trainables.techniques.task_weights import (
    WeightingConfig,
    WeightingKind,
    make_weighting,
    weighting_problems,
)
from trainables.techniques.weighting import GroupDro, GroupDroConfig, Uniform, total

TASKS = ("a", "b", "c")
KINDS: tuple[WeightingKind, ...] = get_args(WeightingKind)


def scalars(*values: float, tasks: tuple[str, ...] = TASKS) -> dict[str, Tensor]:
    given = zip(tasks, values, strict=False)
    return {task: torch.tensor(value, requires_grad=True) for task, value in given}


def values(losses: dict[str, Tensor]) -> dict[str, float]:
    return {task: float(loss.detach()) for task, loss in losses.items()}


def slopes(losses: dict[str, Tensor], weighted: dict[str, Tensor]) -> list[float]:
    found = torch.autograd.grad(total(weighted), list(losses.values()))
    return [float(each) for each in found]


def test_uniform_changes_nothing() -> None:
    losses = scalars(1.0, 2.0, 3.0)
    weighted = Uniform(TASKS)(losses, {})
    assert values(weighted) == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert slopes(losses, weighted) == [1.0, 1.0, 1.0]


def test_group_dro_raises_the_worst_by_the_papers_rule() -> None:
    weighting = GroupDro(TASKS, GroupDroConfig(rate=0.5))
    expected = torch.ones(3)
    for values in ((1.0, 2.0, 3.0), (0.5, 4.0, 1.0)):
        losses = scalars(*values)
        weighted = weighting(losses, {})
        expected = expected * torch.exp(0.5 * torch.tensor(values))
        expected = expected / expected.sum()
        assert slopes(losses, weighted) == pytest.approx(expected.tolist(), rel=1e-5)
    assert list(weighting.weights.values()) == pytest.approx(expected.tolist(), rel=1e-5)


def test_group_dro_survives_a_huge_loss() -> None:
    weighting = GroupDro(TASKS, GroupDroConfig(rate=1.0))
    losses = scalars(1e9, 1.0, 1.0)
    assert slopes(losses, weighting(losses, {})) == pytest.approx([1.0, 0.0, 0.0])
    losses = scalars(1.0, 1.0, 1.0)
    assert all(map(math.isfinite, slopes(losses, weighting(losses, {}))))


def test_group_dro_shares_its_weight_among_the_tasks_of_a_batch() -> None:
    weighting = GroupDro(TASKS, GroupDroConfig(rate=1.0)).eval()
    losses = {"a": scalars(1.0)["a"], "c": torch.tensor(2.0, requires_grad=True)}
    assert slopes(losses, weighting(losses, {})) == [0.5, 0.5]
    assert weighting.log_odds.tolist() == [0.0, 0.0, 0.0]  # evaluation leaves no trace


@pytest.mark.parametrize("kind", KINDS)
def test_no_loss_is_a_zero_that_can_be_differentiated(kind: WeightingKind) -> None:
    weighting = make_weighting(WeightingConfig(kind), TASKS)
    value = total(weighting({}, {}))
    value.backward()
    assert float(value.detach()) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_state_continues(kind: WeightingKind) -> None:
    first, second = (make_weighting(WeightingConfig(kind), TASKS) for _ in range(2))
    optimizer = _sgd(first)
    for step in range(4):
        losses = scalars(1.0 + step, 0.5, 3.0 - step / 2)
        total(first(losses, {"a": 0.5})).backward()
        if optimizer:
            optimizer.step()
        first.end_epoch()
    second.load_state_dict(first.state_dict())
    losses = scalars(2.0, 0.1, 0.3)
    one, two = first(losses, {"a": 0.5}), second(losses, {"a": 0.5})
    assert values(one) == values(two)
    assert first.weights == second.weights


@pytest.mark.parametrize("kind", KINDS)
def test_losses_come_back_by_name_whatever_their_order(kind: WeightingKind) -> None:
    weighting = make_weighting(WeightingConfig(kind), TASKS).eval()
    forward = weighting(scalars(1.0, 2.0, 3.0), {"b": 0.1})
    losses = scalars(3.0, 2.0, 1.0, tasks=("c", "b", "a"))
    backward = weighting(losses, {"b": 0.1})
    assert list(backward) == ["c", "b", "a"]
    assert values(forward) == pytest.approx(values(backward))


@pytest.mark.parametrize("kind", KINDS)
def test_scalars_of_a_lower_precision_keep_it(kind: WeightingKind) -> None:
    weighting = make_weighting(WeightingConfig(kind), TASKS)
    losses = {task: loss.double() for task, loss in scalars(1.0, 2.0, 3.0).items()}
    assert {loss.dtype for loss in weighting(losses, {}).values()} == {torch.float64}


def test_problems_are_told_by_their_full_name() -> None:
    config = WeightingConfig(kind="kendal")  # type: ignore[arg-type]  # the mistake under test
    found = "\n".join(weighting_problems(config, prefix="mtl."))
    assert "mtl.kind has no 'kendal'" in found
    assert "kendall" in found
    assert not list(weighting_problems(WeightingConfig()))


def _sgd(weighting: torch.nn.Module) -> torch.optim.SGD | None:
    parameters = list(weighting.parameters())
    return torch.optim.SGD(parameters, lr=0.1) if parameters else None
