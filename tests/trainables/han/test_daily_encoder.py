import pytest
import torch
from torch import Tensor

from trainables.han.daily_encoder import KERNELS, DailyEncoder, MultiScale
from trainables.han.shape import Kernels

WIDTH, DAYS = 8, 40


def encoder(kernels: Kernels = "none", window: int = 0, *, causal: bool = True) -> DailyEncoder:
    torch.manual_seed(0)
    return DailyEncoder(
        DAYS, width=WIDTH, heads=2, kernels=kernels, window=window, causal=causal, dropout=0.0
    )


def heard(model: DailyEncoder, day: int) -> list[int]:
    """Return the days that hear of a change of one day."""
    x, positions = torch.randn(1, WIDTH, 2, DAYS), torch.zeros(WIDTH, 2, DAYS)
    other = x.clone()
    other[..., day] += torch.randn(WIDTH, 2)
    changed = (model(x, positions) != model(other, positions)).squeeze(0).flatten(0, 1).any(dim=0)
    days: list[int] = changed.nonzero().flatten().tolist()
    return days


@pytest.mark.parametrize("window", [0, 7, 31])
@pytest.mark.parametrize("kernels", list(KERNELS))
def test_no_day_before_hears_of_a_change(kernels: Kernels, window: int) -> None:
    for day in (0, 5, 20, DAYS - 1):
        days = heard(encoder(kernels, window), day)
        assert day in days
        assert min(days) == day


@pytest.mark.parametrize("kernels", ["none", "3-7"])
def test_without_a_causal_mask_days_before_hear_of_it(kernels: Kernels) -> None:
    assert min(heard(encoder(kernels, causal=False), 20)) < 20


@pytest.mark.parametrize("window", [1, 7, 31])
def test_attention_ends_with_its_window(window: int) -> None:
    assert heard(encoder("none", window), 3) == list(range(3, 3 + window))


def test_convolutions_reach_as_far_as_the_longest() -> None:
    assert heard(encoder("3-7", 1), 3) == list(range(3, 3 + 7))
    assert heard(encoder("3-7-14-28", 1), 3) == list(range(3, 3 + 28))
    assert heard(encoder("3-7", 1, causal=False), 20) == list(range(17, 24))


def by_hand(layer: MultiScale, x: Tensor) -> Tensor:
    channels, rows, days = x.shape
    kernels = list(layer.kernels)
    out = torch.zeros(channels, len(kernels), rows, days)
    for place, kernel in enumerate(kernels):
        size = kernel.shape[1]
        ahead = size // 2 if layer.ahead else 0
        for day in range(days):
            for weight in range(size):
                read = day + ahead - weight
                if 0 <= read < days:
                    out[:, place, :, day] += kernel[:, weight, None] * x[:, :, read]
    return out.flatten(0, 1)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("days", [5, 20])
def test_both_ways_to_convolve_are_the_definition(days: int, causal: bool) -> None:
    layer = MultiScale(3, (3, 7, 14), causal=causal)
    x = torch.randn(3, 2, days)
    torch.testing.assert_close(layer.by_matrix(x), by_hand(layer, x))
    torch.testing.assert_close(layer.by_convolution(x), by_hand(layer, x))


def test_a_long_window_is_convolved_as_usual() -> None:
    layer, x = MultiScale(3, (3, 7), causal=True), torch.randn(3, 2, 80)
    torch.testing.assert_close(layer(x), layer.by_matrix(x))
    assert torch.equal(layer(x), layer.by_convolution(x))


def test_positions_are_added() -> None:
    model, x = encoder("3-7"), torch.randn(1, WIDTH, 2, DAYS)
    where = torch.randn(WIDTH, 2, DAYS)
    torch.testing.assert_close(model(x, where), model(x + where, torch.zeros_like(where)))
