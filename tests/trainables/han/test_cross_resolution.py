import pytest
import torch
from torch import Tensor

from trainables.han.blocks import mask_bias, visible
from trainables.han.cross_resolution import CrossAttention, CrossResolutionFusion
from trainables.han.shape import CrossResolution

WIDTH, MONTHS = 8, 5
BIAS = mask_bias(visible(MONTHS, causal=True))


def fused(
    direction: CrossResolution, *, layers: int = 1, gating: bool = True
) -> CrossResolutionFusion:
    torch.manual_seed(0)
    return CrossResolutionFusion(
        WIDTH, 2, layers=layers, direction=direction, gating=gating, dropout=0.0
    )


def inputs() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    shape = (1, WIDTH, 2, MONTHS)
    return torch.randn(shape, generator=rng), torch.randn(shape, generator=rng)


def changed(model: CrossResolutionFusion, which: int, month: int) -> list[int]:
    """Return the months that hear of a change of one month of the daily (0) or monthly (1) side."""
    before = inputs()
    after = [side.clone() for side in before]
    after[which][..., month] += torch.randn(1, WIDTH, 2)
    moved = model(*before, BIAS) != model(after[0], after[1], BIAS)
    months: list[int] = moved.flatten(0, 2).any(dim=0).nonzero().flatten().tolist()
    return months


def test_who_listens() -> None:
    later = [2, 3, 4]
    assert changed(fused("none"), 0, 2) == [2]
    assert changed(fused("none"), 1, 2) == [2]
    assert changed(fused("daily_to_monthly"), 0, 2) == later
    assert changed(fused("daily_to_monthly"), 1, 2) == [2]
    assert changed(fused("both"), 0, 2) == later
    assert changed(fused("both"), 1, 2) == later


@pytest.mark.parametrize("layers", [1, 2])
def test_both_listen_to_the_other_as_it_was_before_the_round(layers: int) -> None:
    model, (daily, monthly) = fused("both", layers=layers), inputs()
    expected = model(daily, monthly, BIAS)
    for place in range(layers):
        daily, monthly = (
            model.to_daily[place](daily, monthly, BIAS),
            model.to_monthly[place](monthly, daily, BIAS),
        )
    torch.testing.assert_close(model.join(torch.cat([daily, monthly], dim=1)), expected)


def test_a_gate_that_is_shut_lets_nothing_through() -> None:
    layer, (x, other) = CrossAttention(WIDTH, 2, gating=True, dropout=0.0), inputs()
    assert layer.gate is not None
    with torch.no_grad():
        layer.gate.bias.fill_(-1e4)
    assert torch.equal(layer(x, other, BIAS), x)
    plain = CrossAttention(WIDTH, 2, gating=False, dropout=0.0)
    plain.load_state_dict(layer.state_dict(), strict=False)
    with torch.no_grad():
        layer.gate.bias.fill_(1e4)
    torch.testing.assert_close(layer(x, other, BIAS), plain(x, other, BIAS))


def test_gates_and_rounds_have_parameters() -> None:
    def size(model: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    assert size(fused("both")) - size(fused("both", gating=False)) == 2 * (2 * WIDTH + 1) * WIDTH
    one_way, both = size(fused("daily_to_monthly")), size(fused("both"))
    assert both - one_way == one_way - size(fused("none")) > 0
    assert size(fused("none", layers=2)) == size(fused("none"))
