import pytest
import torch
from torch import Tensor

from trainables.han.months import MeanOfDays, MonthQueries, aggregation

WIDTH, MONTHS = 8, 4
MONTH = torch.tensor([[-1, -1, 1, 1, 1, 3, 3, 3], [0, 0, 1, 2, 2, 2, 3, 3]])


def queries(*, constrained: bool) -> MonthQueries:
    torch.manual_seed(0)
    built = aggregation("constrained" if constrained else "attention", WIDTH, 2, MONTHS)
    assert isinstance(built, MonthQueries)
    return built


def listening(model: torch.nn.Module, day: int) -> list[list[bool]]:
    """Return which months of each window hear of a change of one day."""
    days = torch.randn(2, 8, WIDTH)
    other = days.clone()
    other[:, day] += torch.randn(2, WIDTH)
    before, after = model(days, MONTH)[0], model(other, MONTH)[0]
    changed: Tensor = (before - after).abs().amax(dim=-1) > 1e-6
    return changed.tolist()


def test_a_month_hears_its_own_days_alone() -> None:
    for model in (queries(constrained=True), MeanOfDays(WIDTH, MONTHS)):
        for day in range(8):
            expected = [[int(window[day]) == month for month in range(MONTHS)] for window in MONTH]
            assert listening(model, day) == expected


def test_without_constraints_a_month_hears_all_days_up_to_its_end() -> None:
    model = queries(constrained=False)
    for day in range(8):
        expected = [[int(window[day]) <= month for month in range(MONTHS)] for window in MONTH]
        assert listening(model, day) == expected


@pytest.mark.parametrize("constrained", [False, True])
def test_weights_sum_to_one_or_none(constrained: bool) -> None:
    weights = queries(constrained=constrained)(torch.randn(2, 8, WIDTH), MONTH)[1]
    assert weights is not None
    assert weights.shape == (2, MONTHS, 8)
    sums = torch.tensor([[0.0 if constrained else 1.0, 1, 0.0 if constrained else 1, 1], [1.0] * 4])
    torch.testing.assert_close(weights.sum(dim=-1), sums)
    apart = MONTH.unsqueeze(1) != torch.arange(MONTHS).view(1, -1, 1)
    if constrained:
        assert torch.all(weights[apart] == 0)


def test_a_month_without_days_is_a_token() -> None:
    for model in (queries(constrained=True), MeanOfDays(WIDTH, MONTHS)):
        months = model(torch.randn(2, 8, WIDTH), MONTH)[0]
        assert torch.equal(months[0, 0], model.no_days)
        assert torch.equal(months[0, 2], model.no_days)
        assert not torch.equal(months[1, 0], model.no_days)


def test_the_mean_is_a_mean() -> None:
    days = torch.randn(2, 8, WIDTH)
    months, weights = MeanOfDays(WIDTH, MONTHS)(days, MONTH)
    assert weights is None
    torch.testing.assert_close(months[0, 1], days[0, 2:5].mean(dim=0))
    torch.testing.assert_close(months[1, 3], days[1, 6:].mean(dim=0))


def test_weights_are_those_that_are_applied() -> None:
    model, days = queries(constrained=False), torch.randn(2, 8, WIDTH)
    model.heads = 1
    months, weights = model(days, MONTH)
    value = model.project(days)[..., WIDTH:]
    torch.testing.assert_close(months, model.out(weights @ value))


def test_no_gradient_is_lost_where_no_day_is_allowed() -> None:
    model = queries(constrained=True)
    nowhere = torch.full((2, 8), -1)
    months, _ = model(torch.randn(2, 8, WIDTH), nowhere)
    months.sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
    assert torch.equal(months, model.no_days.expand_as(months))
