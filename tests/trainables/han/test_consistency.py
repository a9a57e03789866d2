import pytest
import torch

from trainables.han.consistency import (
    ConsistencyConfig,
    consistency_problems,
    likeness,
    physical,
)


@pytest.mark.parametrize(
    ("kind", "expected"), [("cosine", 0.5), ("huber", (0.5 + 0.5) / 4), ("mse", (1 + 1) / 4)]
)
def test_distances_by_hand(kind, expected: float) -> None:
    said = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    teacher = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert float(likeness(said, teacher, kind)) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["cosine", "huber", "mse"])
def test_the_teacher_gets_no_gradient(kind) -> None:
    said = torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    teacher = torch.ones(3, 7, 4, requires_grad=True)
    likeness(said, teacher, kind).backward()
    assert teacher.grad is None
    assert bool((said.grad.abs().sum(dim=-1) > 0).all())


@pytest.mark.parametrize("kind", ["cosine", "huber", "mse"])
def test_states_in_half_precision_are_compared_in_single(kind) -> None:
    """As an accelerator's mixed precision has them; the teacher's are in single."""
    said = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    loss = likeness(said, torch.eye(2, 3), kind)
    loss.backward()
    assert loss.dtype == torch.float32
    assert said.grad.isfinite().all()


def test_unknown_states_count_for_nothing() -> None:
    said = torch.tensor([[1.0, 0.0], [5.0, 5.0]], requires_grad=True)
    teacher = torch.tensor([[1.0, 1.0], [torch.nan, 0.0]])
    value = likeness(said, teacher, "mse")
    value.backward()
    assert float(value.detach()) == pytest.approx(0.5)
    assert said.grad[1].tolist() == [0.0, 0.0]
    nothing = likeness(said, torch.full((2, 2), torch.nan), "cosine")
    nothing.backward()
    assert float(nothing.detach()) == 0.0


def test_days_that_average_to_the_month_cost_nothing() -> None:
    daily = torch.arange(14.0).reshape(1, 7, 2)
    month = daily.mean(dim=1)
    deviation = torch.tensor([2.0, 100.0])
    assert float(physical(daily, month, deviation)) == 0.0
    off = physical(daily, month + torch.tensor([4.0, 100.0]), deviation)
    assert float(off) == pytest.approx((4.0 + 1.0) / 2)


def test_problems() -> None:
    config = ConsistencyConfig(latent_weight=-1.0, cycle_kind="cosin")  # type: ignore[arg-type]  # a slip
    found = "\n".join(consistency_problems(config, prefix="loss.consistency."))
    assert "loss.consistency.latent_weight must be 0 or more" in found
    assert "loss.consistency.cycle_kind has no 'cosin'" in found
