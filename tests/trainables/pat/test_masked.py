import pytest
import torch
from torch import Tensor, nn

from search.errors import TrainableError
from trainables.pat.encoder import PatEncoder
from trainables.pat.masked import MaskedAutoencoder, Masking, Points, draw_masking
from trainables.pat.patches import Embedding, patched
from trainables.pat.sizes import SIZES, Size

TINY = Size(patch=6, heads=2, layers=2, width=8, key=4, feed_forward=16)
TOKENS = 10
MASKING = Masking(torch.tensor([7, 0, 3, 9, 4, 1]), torch.tensor([8, 2, 6, 5]))


def autoencoder(embedding: Embedding = "linear", dropout: float = 0.0) -> MaskedAutoencoder:
    torch.manual_seed(0)
    return MaskedAutoencoder(PatEncoder(TINY, embedding, dropout=dropout))


def activity(rows: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(rows, TOKENS * TINY.patch, generator=generator)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("ratio", "hidden"), [(0.25, 280), (0.5, 560), (0.75, 840), (0.9, 1008), (0.9999, 1119)]
)
def test_a_masking_is_a_partition_of_the_right_size(ratio: float, hidden: int) -> None:
    masking = draw_masking(1120, ratio, generator())
    assert len(masking.masked) == hidden
    assert sorted(torch.cat(masking).tolist()) == list(range(1120))


def test_masks_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    first, source = draw_masking(50, 0.5, generator()), generator()
    torch.manual_seed(2)
    again, then = draw_masking(50, 0.5, source), draw_masking(50, 0.5, source)
    assert torch.equal(first.masked, again.masked)
    assert not torch.equal(first.masked, then.masked)


def test_every_token_is_hidden_as_often_as_another() -> None:
    source, times = generator(), torch.zeros(20)
    for _ in range(2000):
        times[draw_masking(20, 0.25, source).masked] += 1
    assert times.sum() == 2000 * 5
    assert ((times - 500).abs() < 5 * (2000 * 0.25 * 0.75) ** 0.5).all()


@pytest.mark.parametrize("ratio", [0.0, 1.0, -0.1, 1.5])
def test_a_ratio_out_of_range_is_refused(ratio: float) -> None:
    with pytest.raises(TrainableError, match=f"between 0 and 1, not {ratio}"):
        draw_masking(10, ratio, generator())


def test_one_patch_cannot_be_masked() -> None:
    with pytest.raises(TrainableError, match="at least two patches, not 1"):
        draw_masking(1, 0.5, generator())


@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_hidden_minutes_change_no_prediction(embedding: Embedding) -> None:
    model, x = autoencoder(embedding), activity()
    other = patched(x, TINY.patch).clone()
    other[:, MASKING.masked] = 50.0
    assert torch.equal(model(x, MASKING), model(other.flatten(1), MASKING))
    other[:, MASKING.visible[0]] += 1.0
    moved = (model(x, MASKING) - model(other.flatten(1), MASKING)).abs()
    assert (patched(moved, TINY.patch).amax(dim=-1) > 1e-7).all()


def test_all_rows_hide_the_same_patches_and_show_all_others() -> None:
    model, x = autoencoder(), activity(5).requires_grad_()
    model(x, MASKING).square().sum().backward()
    assert x.grad is not None
    reach = patched(x.grad, TINY.patch).abs().amax(dim=-1)  # (rows, tokens)
    assert (reach[:, MASKING.masked] == 0).all()
    assert (reach[:, MASKING.visible] > 0).all()


def test_the_encoder_runs_on_visible_tokens_only() -> None:
    model, shapes = autoencoder(), []
    for block in model.encoder.blocks:
        block.register_forward_hook(lambda _, inputs, __: shapes.append(tuple(inputs[0].shape)))
    model(activity(), MASKING)
    assert shapes == [(3, 4, 8)] * 2


def test_rows_do_not_see_each_other() -> None:
    model, x = autoencoder(), activity(4)
    alone = torch.cat([model(x[i : i + 1], MASKING) for i in range(4)])
    assert torch.allclose(model(x, MASKING), alone, atol=1e-5)


def test_the_order_of_a_masking_changes_nothing() -> None:
    model, x = autoencoder(), activity()
    other = Masking(MASKING.masked.flip(0), MASKING.visible.sort().values)
    assert torch.allclose(model(x, MASKING), model(x, other), atol=1e-5)


def test_tokens_return_to_their_places_with_their_positions() -> None:
    model, x = autoencoder(), activity()
    model.decoder = nn.Identity()  # type: ignore[assignment]  # to see what the decoder is given
    places = model.encoder.positions(TOKENS)
    encoded = model.encoder.encode(model.encoder.embed(x)[:, MASKING.visible])
    expected = (model.mask_token + places).expand(3, -1, -1).clone()
    expected[:, MASKING.visible] = encoded + places[MASKING.visible]
    rebuilt = 2 * torch.tanh(model.output(expected))
    assert torch.allclose(model(x, MASKING), rebuilt.flatten(1), atol=1e-6)


def test_predictions_stay_within_two() -> None:
    model = autoencoder()
    nn.init.constant_(model.output.bias, 100.0)
    assert torch.equal(model(activity(), MASKING), torch.full((3, 60), 2.0))


@pytest.mark.parametrize("points", ["all", "masked"])
def test_the_loss_counts_its_minutes(points: Points) -> None:
    model, x = autoencoder(), activity()
    rebuilt = model(x, MASKING).detach()
    hidden = {int(token) for token in MASKING.masked}
    counted = [m for m in range(60) if points == "all" or m // TINY.patch in hidden]
    assert len(counted) == (60 if points == "all" else 36)
    errors = [float((rebuilt[row, m] - x[row, m]) ** 2) for row in range(3) for m in counted]
    assert model.loss(x, MASKING, points).item() == pytest.approx(
        sum(errors) / len(errors), rel=1e-5
    )


def test_the_masked_loss_ignores_visible_targets() -> None:
    model, x = autoencoder(), activity()
    model.encoder.requires_grad_(requires_grad=False)
    for parameter in model.encoder.patches.parameters():
        parameter.zero_()  # so that no prediction depends on the activity: what is left is targets
    shifted = patched(x, TINY.patch).clone()
    shifted[:, MASKING.visible] += 1.0
    other = shifted.flatten(1)
    assert torch.equal(model.loss(x, MASKING, "masked"), model.loss(other, MASKING, "masked"))
    assert not torch.allclose(model.loss(x, MASKING), model.loss(other, MASKING), atol=1e-3)


@pytest.mark.parametrize("points", ["all", "masked"])
@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_every_parameter_learns(embedding: Embedding, points: Points) -> None:
    model = autoencoder(embedding)
    model.loss(activity(), MASKING, points).backward()  # type: ignore[no-untyped-call]  # torch
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_decoder_is_one_block_like_the_encoders() -> None:
    encoder = PatEncoder(SIZES["S"])
    model = MaskedAutoencoder(encoder)
    added = count(encoder.blocks[0]) + 96 + 18 * 96 + 18
    assert count(model) == count(encoder) + added
    assert 0.03 < float(model.mask_token.detach().std()) < 0.07


def test_dropout_reaches_the_decoder() -> None:
    model, x = autoencoder(dropout=0.5), activity()
    model.encoder.eval()
    assert not torch.equal(model(x, MASKING), model(x, MASKING))
    model.eval()
    assert torch.equal(model(x, MASKING), model(x, MASKING))
