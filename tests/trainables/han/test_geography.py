import math

import torch
from torch import Tensor

from trainables.han.batch import Observed
from trainables.han.geography import CrossRegionAttention, GeographicEncoder, adjacency

REGIONS = 5
WIDTH = 8


def distances() -> Tensor:
    places = torch.tensor([[0.0], [10.0], [50.0], [200.0], [1000.0]])
    return torch.cdist(places, places)


def source(seed: int = 0) -> Observed:
    rng = torch.Generator().manual_seed(seed)
    shape = (2, 3, REGIONS, 4)
    mask = torch.rand(shape, generator=rng) > 0.5
    mask[0, 1] = False  # a day without any region
    mask[1, 2, 1:] = False  # a day with a single one
    mask[1, 2, 0] = True
    return Observed(torch.randn(shape, generator=rng), mask)


def encoder(*, geographic: bool = True, scale_km: float = 100.0) -> GeographicEncoder:
    torch.manual_seed(0)
    return GeographicEncoder(
        4,
        distances(),
        width=WIDTH,
        heads=2,
        scale_km=scale_km,
        geographic=geographic,
        embeddings=True,
        compression=True,
    )


def test_adjacency_is_one_at_home_and_falls_by_e_per_scale() -> None:
    nearness = adjacency(distances(), 50.0)
    assert torch.equal(nearness.diagonal(), torch.ones(REGIONS))
    torch.testing.assert_close(nearness[0, 2].item(), math.exp(-1), rtol=1e-6, atol=0)


def test_nearer_regions_weigh_more() -> None:
    torch.manual_seed(0)
    attention = CrossRegionAttention(WIDTH, 2, adjacency(distances(), 100.0))
    same = torch.randn(WIDTH, 1, 3).expand(-1, REGIONS, -1)  # all regions say the same
    weights = attention.weights(same, torch.full((REGIONS, 3), 1 / REGIONS))
    first = weights[0, 0, :, 0]
    assert first.tolist() == sorted(first.tolist(), reverse=True)
    expected = adjacency(distances(), 100.0)[0]
    torch.testing.assert_close(first, expected / expected.sum())


def test_attention_is_the_mean_of_what_each_region_hears() -> None:
    torch.manual_seed(0)
    one_way = torch.rand(REGIONS, REGIONS)  # roads that are longer in one direction
    attention = CrossRegionAttention(WIDTH, 2, one_way)
    x = torch.randn(WIDTH, REGIONS, 3)
    share = torch.tensor([[0.5, 0.0, 0.0], [0.5, 0.5, 0.0], [0, 0.5, 0], [0, 0, 1], [0, 0, 0]])
    weights = attention.weights(x, share)
    size = WIDTH // 2
    heard = torch.zeros(WIDTH, 3)
    for head in range(2):
        value = torch.einsum("kc,crn->krn", attention.value.weight[head], x)
        value = value + attention.value.bias[head].unsqueeze(-1)
        each = torch.einsum("ijn,kjn->kin", weights[head], value)  # what region i hears
        heard[head * size : (head + 1) * size] = (each * share).sum(dim=1)
    expected = attention.out(heard.unsqueeze(0)).squeeze(0)
    torch.testing.assert_close(attention(x, share), expected)


def test_weights_sum_to_one_over_observed_regions() -> None:
    attention = CrossRegionAttention(WIDTH, 2, adjacency(distances(), 10.0))
    share = torch.tensor([[0.5], [0.0], [0.5], [0.0], [0.0]])
    weights = attention.weights(torch.randn(WIDTH, REGIONS, 1), share)
    assert torch.all(weights[:, :, share[:, 0] == 0] == 0)
    torch.testing.assert_close(weights[:, [0, 2]].sum(dim=2), torch.ones(2, 2, 1))


def test_unobserved_regions_are_not_read() -> None:
    given = source()
    other = Observed(given.values.masked_fill(~given.mask, 1e9), given.mask)
    for geographic in (False, True):
        days, observed = encoder(geographic=geographic)(given)
        changed, _ = encoder(geographic=geographic)(other)
        assert torch.equal(days, changed)
        assert torch.isfinite(days).all()
        assert torch.equal(observed[0], given.mask.any(dim=-1).any(dim=-1))


def test_the_mean_alone_knows_no_distance() -> None:
    given = source()
    assert torch.equal(
        encoder(geographic=False, scale_km=20)(given)[0],
        encoder(geographic=False, scale_km=500)(given)[0],
    )
    near, far = encoder(scale_km=20)(given)[0], encoder(scale_km=500)(given)[0]
    assert not torch.allclose(near, far)
    assert torch.allclose(near[:, 1, 2], far[:, 1, 2], atol=1e-6)  # one region hears itself alone


def test_days_do_not_hear_each_other() -> None:
    given = source()
    values = given.values.clone()
    values[0, 0] += 1
    model = encoder()
    before, after = model(given)[0], model(Observed(values, given.mask))[0]
    assert torch.equal(before.flatten(1)[:, 1:], after.flatten(1)[:, 1:])
    assert not torch.allclose(before[:, 0, 0], after[:, 0, 0])


def test_gradients_are_finite_where_nothing_was_observed() -> None:
    model, given = encoder(), source()
    nothing = Observed(given.values, torch.zeros_like(given.mask))
    model(nothing)[0].sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
