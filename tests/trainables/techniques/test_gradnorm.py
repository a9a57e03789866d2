import pytest
import torch
from torch import Tensor

from trainables.techniques.gradnorm import RATE, GradNorm


def update(balance: GradNorm, losses: list[float], jacobian: Tensor) -> Tensor:
    weighted = balance.weigh([torch.tensor(loss) for loss in losses])
    scale = torch.stack([w / loss for w, loss in zip(weighted, losses, strict=True)])
    return balance(jacobian * scale.unsqueeze(1))


def test_weights_sum_to_the_number_of_tasks_and_the_gradient_is_the_weighted_sum() -> None:
    balance = GradNorm(2, alpha=1.5)
    jacobian = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    first = update(balance, [1.0, 1.0], jacobian)
    assert torch.equal(first, torch.tensor([3.0, 1.0]))
    weights = balance.weights.clone()
    assert float(weights.sum()) == pytest.approx(2.0)
    second = update(balance, [1.0, 1.0], jacobian)
    assert torch.allclose(second, weights * torch.tensor([3.0, 1.0]))


def test_the_first_step_is_the_papers() -> None:
    balance = GradNorm(2, alpha=0.0)
    update(balance, [1.0, 1.0], torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    moved = torch.tensor([1 - RATE * 3.0, 1 + RATE * 1.0])  # target 2: one is above it, one below
    assert torch.allclose(balance.weights, moved * 2 / moved.sum())


def test_norms_become_equal_when_all_tasks_train_at_one_pace() -> None:
    balance = GradNorm(3, alpha=1.5)
    jacobian = torch.diag(torch.tensor([4.0, 1.0, 0.5]))
    for _ in range(2000):
        update(balance, [1.0, 1.0, 1.0], jacobian)
    norms = balance.weights * torch.tensor([4.0, 1.0, 0.5])
    assert float(norms.max() / norms.min()) < 1.15  # it jitters within a step of the balance


def test_a_slow_task_gains_weight_the_more_the_greater_alpha() -> None:
    finals = []
    for alpha in (0.0, 1.0):
        balance = GradNorm(2, alpha=alpha)
        jacobian = torch.eye(2)
        update(balance, [1.0, 1.0], jacobian)
        for _ in range(20):
            update(balance, [0.1, 0.9], jacobian)  # the second has hardly learnt
        finals.append(float(balance.weights[1]))
    assert finals[0] == pytest.approx(1.0, abs=0.05)
    assert finals[1] > 1.2


def test_losses_of_a_window_add_up() -> None:
    whole, parts = GradNorm(2, alpha=1.0), GradNorm(2, alpha=1.0)
    jacobian = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    for balance, losses in ((whole, [[1.0, 2.0]]), (parts, [[0.25, 1.5], [0.75, 0.5]])):
        for each in losses:
            balance.weigh([torch.tensor(loss) for loss in each])
        balance(jacobian)
    assert torch.equal(whole.weights, parts.weights)
    assert torch.equal(whole.first, parts.first)


def test_state_continues() -> None:
    balance = GradNorm(2, alpha=1.0)
    jacobian = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    update(balance, [1.0, 2.0], jacobian)
    resumed = GradNorm(2, alpha=1.0)
    resumed.load_state_dict(balance.state_dict())
    for each in (balance, resumed):
        update(each, [0.5, 1.5], jacobian)
    assert torch.equal(balance.weights, resumed.weights)


def test_a_task_that_comes_late_is_judged_by_its_own_first_loss() -> None:
    late, early = GradNorm(2, alpha=1.0), GradNorm(2, alpha=1.0)
    jacobian = torch.diag(torch.tensor([1.0, 1.0]))
    late.weigh([torch.tensor(1.0), torch.tensor(0.0)])
    late(torch.diag(torch.tensor([1.0, 0.0])))
    assert torch.equal(late.first, torch.tensor([1.0, 0.0]))
    assert torch.equal(late.weights, torch.ones(2))  # nothing to balance against
    update(early, [1.0, 5.0], jacobian)
    update(late, [1.0, 5.0], jacobian)
    assert torch.equal(late.first, early.first)
    for _ in range(3):
        for each in (early, late):
            update(each, [0.5, 5.0], jacobian)
    assert torch.allclose(early.weights, late.weights)
    assert float(late.weights[1]) > 1.0


def test_an_absent_task_keeps_its_weight_and_the_others_their_sum() -> None:
    balance = GradNorm(3, alpha=0.0)
    update(balance, [1.0, 1.0, 1.0], torch.diag(torch.tensor([4.0, 1.0, 1.0])))
    before = balance.weights.clone()
    balance.weigh([torch.tensor(1.0), torch.tensor(1.0), torch.tensor(0.0)])
    balance(torch.diag(torch.tensor([4.0, 1.0, 0.0])))
    assert float(balance.weights[2]) == float(before[2])
    assert float(balance.weights.sum()) == pytest.approx(3.0)
    assert float(balance.weights[0]) < float(before[0])
