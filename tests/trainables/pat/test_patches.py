import math

import pytest
import torch
from torch import nn

from search.errors import TrainableError
from trainables.pat.patches import ConvPatches, LinearPatches, glorot, patched, sinusoids
from trainables.pat.sizes import SIZES, Size

CPU = torch.device("cpu")


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_sizes() -> None:
    assert list(SIZES) == ["S", "M", "L", "H"]
    shapes = [(size.patch, size.heads, size.layers) for size in SIZES.values()]
    assert shapes == [(18, 6, 1), (18, 12, 2), (9, 12, 4), (5, 12, 8)]
    rest = {(s.width, s.key, s.feed_forward, s.dropout) for s in SIZES.values()}
    assert rest == {(96, 96, 256, 0.1)}


def test_a_size_names_everything_that_is_wrong() -> None:
    with pytest.raises(TrainableError) as error:
        Size(patch=0, heads=2, layers=1, width=7, dropout=1.0)
    assert len(error.value.problems) == 3
    for word in ("patch", "width", "dropout"):
        assert word in str(error.value)


def test_patches_are_consecutive_minutes() -> None:
    activity = torch.arange(12.0).view(1, 12)
    assert patched(activity, 4)[0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert patched(torch.zeros(0, 12), 4).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("minutes", "near"),
    [(1000, "999 or 1008"), (8, "to 9"), (0, "to 9"), (10081, "10080 or 10089")],
)
def test_a_length_that_does_not_fit_says_which_do(minutes: int, near: str) -> None:
    with pytest.raises(TrainableError, match=f"9 minutes; it is {minutes}.*{near}"):
        patched(torch.zeros(2, minutes), 9)


def test_activity_has_two_axes() -> None:
    with pytest.raises(TrainableError, match=r"\(batch, minutes\), not \(2, 18, 1\)"):
        patched(torch.zeros(2, 18, 1), 9)


@pytest.mark.parametrize(("tokens", "width"), [(1, 96), (7, 6), (2016, 96)])
def test_positions_are_their_closed_form(tokens: int, width: int) -> None:
    got = sinusoids(tokens, width, device=CPU, dtype=torch.float64)
    half = width // 2
    for t in {0, tokens // 2, tokens - 1}:
        for k in range(half):
            angle = t * 10_000 ** (-2 * k / width)
            assert got[t, k].item() == pytest.approx(math.sin(angle), abs=1e-9)
            assert got[t, half + k].item() == pytest.approx(math.cos(angle), abs=1e-9)
    single = sinusoids(tokens, width, device=CPU, dtype=torch.float32)
    assert torch.allclose(single.double(), got, atol=5e-4)


def test_positions_are_halves_not_interleaved() -> None:
    first = sinusoids(3, 8, device=CPU, dtype=torch.float32)[0]
    assert first.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_low_precision_rounds_positions_only_at_the_end() -> None:
    low = sinusoids(1120, 96, device=CPU, dtype=torch.bfloat16)
    exact = sinusoids(1120, 96, device=CPU, dtype=torch.float32)
    assert low.dtype == torch.bfloat16
    assert torch.equal(low, exact.bfloat16())
    assert not torch.equal(low[1118], low[1119])


def test_glorot_fills_its_interval_and_zeroes_the_bias() -> None:
    torch.manual_seed(0)
    linear, conv = glorot(nn.Linear(40, 56)), glorot(nn.Conv1d(1, 90, 5))
    for layer, bound in ((linear, math.sqrt(6 / 96)), (conv, math.sqrt(6 / (5 + 450)))):
        assert 0.95 * bound < float(layer.weight.detach().abs().max()) <= bound
        assert abs(float(layer.weight.detach().mean())) < 0.1 * bound
        assert layer.bias is not None
        assert not layer.bias.any()


def test_parameters_of_the_published_embeddings() -> None:
    assert count(LinearPatches(9, 96)) == 960
    assert count(ConvPatches(96)) == 384
    assert count(ConvPatches(96, 5)) == 96 * 6
    assert count(ConvPatches(96, 3, 32)) == 32 * 4 + 32 * 96 + 96
    assert count(ConvPatches(96, flat=9)) == 384 + 9 * 96 * 96 + 96


@pytest.mark.parametrize(("kernel", "patch"), [(3, 9), (5, 4), (9, 5), (1, 3)])
def test_the_conv_embedding_is_its_formula(kernel: int, patch: int) -> None:
    torch.manual_seed(0)
    embedding = ConvPatches(6, kernel)
    bias = embedding.conv.bias
    assert bias is not None
    nn.init.normal_(bias)
    patches = torch.randn(2, 3, patch)
    got, reach = embedding(patches), kernel // 2
    assert got.shape == (2, 3, 6)
    for row in range(2):
        for token in range(3):
            total = torch.zeros(6)
            for minute in range(patch):
                value = bias.clone()
                for offset in range(-reach, reach + 1):
                    if 0 <= minute + offset < patch:
                        weight = embedding.conv.weight[:, 0, offset + reach]
                        value = value + weight * patches[row, token, minute + offset]
                total = total + value.clamp_min(0) / patch
            assert torch.allclose(got[row, token], total, atol=1e-5)


def test_the_convolution_does_not_cross_borders() -> None:
    torch.manual_seed(0)
    embedding, patches = ConvPatches(8, 9), torch.randn(1, 3, 4)
    other = patches.clone()
    other[0, 1] += 1.0
    before, after = embedding(patches)[0], embedding(other)[0]
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert not torch.allclose(before[1], after[1], atol=1e-3)


def test_only_other_channels_are_projected() -> None:
    assert ConvPatches(8, 3).projection is None
    assert ConvPatches(8, 3, 8).projection is None
    assert ConvPatches(8, 3, 5)(torch.zeros(2, 3, 4)).shape == (2, 3, 8)


def test_without_the_mean_every_minute_has_weights_of_its_own() -> None:
    torch.manual_seed(0)
    flat, patches = ConvPatches(8, 3, flat=4), torch.randn(2, 3, 4)
    found = flat.conv(patches.reshape(6, 1, 4)).clamp_min(0)  # (batch · tokens, channels, minutes)
    assert flat.projection is not None
    weight = flat.projection.weight.view(8, 8, 4)
    expected = torch.einsum("ncm,wcm->nw", found, weight).view(2, 3, 8)
    assert torch.allclose(flat(patches), expected, atol=1e-5)
    assert not torch.allclose(flat(patches), flat(patches.flip(-1)), atol=1e-3)


@pytest.mark.parametrize("kernel", [0, 2, 4, -3])
def test_an_even_kernel_is_refused(kernel: int) -> None:
    with pytest.raises(TrainableError, match=f"odd and positive, not {kernel}"):
        ConvPatches(8, kernel)


def test_no_channels_are_refused() -> None:
    with pytest.raises(TrainableError, match="at least 1 channel"):
        ConvPatches(8, 3, 0)
