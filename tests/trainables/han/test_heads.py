import pytest
import torch

from trainables.han.batch import AHEAD
from trainables.han.heads import (
    LEAST_SD,
    AnomalyHead,
    FeatureForecast,
    LatentForecast,
    LatentStatePredictor,
    Readout,
)
from trainables.han.shape import Decoder

N, STATE, WIDTH, FEATURES = 5, 12, 6, 4


def state() -> torch.Tensor:
    return torch.randn(N, STATE, generator=torch.Generator().manual_seed(0))


def predictor(*, by_name: bool = True) -> LatentStatePredictor:
    torch.manual_seed(0)
    return LatentStatePredictor(STATE, 16, WIDTH, by_name=by_name, dropout=0.0)


def latent(decoder: Decoder = "linear", *, rank: int = 2) -> LatentForecast:
    return LatentForecast(predictor(), WIDTH, FEATURES, decoder=decoder, rank=rank)


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_forecasts_start_as_their_prior() -> None:
    constant = torch.tensor([1e4, -3.0, 0.0, 250.0])
    monthly, daily = (FeatureForecast(STATE, 8, n, 0.0) for n in (FEATURES, AHEAD * FEATURES))
    for head in (monthly, daily, latent(), latent("low_rank")):
        head.set_prior(constant)
    assert torch.equal(monthly(state()), constant.expand(N, -1))
    by_day = constant.expand(N, AHEAD, -1)
    assert torch.equal(daily(state()).view(N, AHEAD, -1), by_day)
    assert torch.equal(latent_said(constant, "linear"), by_day)
    assert torch.equal(latent_said(constant, "low_rank"), by_day)


def latent_said(constant: torch.Tensor, decoder: Decoder) -> torch.Tensor:
    head = latent(decoder)
    head.set_prior(constant)
    said: torch.Tensor = head(state())[0]
    return said


def test_a_prior_may_differ_from_day_to_day() -> None:
    constant = torch.randn(AHEAD, FEATURES)
    daily = FeatureForecast(STATE, 8, AHEAD * FEATURES, 0.0)
    daily.set_prior(constant)
    assert torch.equal(daily(state()).view(N, AHEAD, -1), constant.expand(N, -1, -1))
    torch.testing.assert_close(
        latent_said(constant, "linear"), constant.mean(dim=0).expand(N, AHEAD, -1)
    )


def test_forecasts_learn_in_spite_of_their_zeros() -> None:
    direct, by_states = FeatureForecast(STATE, 8, FEATURES, 0.0), latent()
    learning(direct, direct.hidden)
    learning(by_states, by_states.predictor.hidden)


def learning(head: torch.nn.Module, hidden: torch.nn.Linear) -> None:
    """Take two steps, after which a hidden layer has a gradient."""
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(2):
        said = head(state())
        loss = ((said[0] if isinstance(said, tuple) else said) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert hidden.weight.grad is not None
    assert hidden.weight.grad.abs().max() > 0


def test_a_readout_says_its_prior_where_the_state_is_nothing() -> None:
    head, constant = Readout(STATE, 3), torch.tensor([1.0, -2.0, 0.5])
    head.set_prior(constant)
    assert torch.equal(head(torch.zeros(2, STATE)), constant.expand(2, -1))
    assert not torch.equal(head(state())[0], head(state())[1])


def test_without_a_head_the_standard_deviation_is_one() -> None:
    said = AnomalyHead(STATE, "none")(state(), torch.rand(N))
    assert torch.equal(said[:, 1], torch.ones(N))


def test_a_learned_standard_deviation_is_positive_and_starts_at_one() -> None:
    head = AnomalyHead(STATE, "learned")
    torch.testing.assert_close(head(state(), torch.rand(N))[:, 1], torch.full((N,), 1 + LEAST_SD))
    assert head.spread is not None
    with torch.no_grad():
        head.spread.weight.normal_(std=100)
        head.spread.bias.fill_(-1e4)
    assert torch.all(head(state(), torch.ones(N))[:, 1] >= LEAST_SD)
    assert torch.equal(head(state(), torch.zeros(N)), head(state(), torch.ones(N)))


def test_uncertainty_grows_as_observations_thin_out() -> None:
    head, same = AnomalyHead(STATE, "density"), state()[:1].expand(4, -1)
    sd = head(same, torch.tensor([1.0, 0.6, 0.1, 0.0]))[:, 1]
    torch.testing.assert_close(sd / sd[0], torch.tensor([1.0, 1.4, 1.9, 2.0]))


def test_a_prior_of_the_anomaly_is_its_mean() -> None:
    head = AnomalyHead(STATE, "density")
    head.set_prior(torch.tensor([3.0]))
    assert head(torch.zeros(1, STATE), torch.ones(1))[0, 0] == 3


@pytest.mark.parametrize("by_name", [False, True])
def test_days_ahead_differ(by_name: bool) -> None:
    states = predictor(by_name=by_name)(state())
    assert states.shape == (N, AHEAD, WIDTH)
    for day in range(1, AHEAD):
        assert not torch.allclose(states[:, 0], states[:, day])


def test_day_names_save_parameters() -> None:
    with_names, without = size(predictor()), size(predictor(by_name=False))
    assert with_names - without == AHEAD * 16 - (AHEAD - 1) * (16 * WIDTH + WIDTH)


def test_features_follow_from_a_days_state_alone() -> None:
    head = latent()
    torch.nn.init.normal_(head.last.weight)
    features, states, _ = head(state())
    torch.testing.assert_close(features, head.last(states))


def test_a_low_rank_decoder_has_that_rank() -> None:
    head = latent("low_rank", rank=2)
    torch.nn.init.normal_(head.last.weight)
    features = head(state())[0].flatten(0, 1)
    assert torch.linalg.matrix_rank(features - head.last.bias, atol=1e-4) == 2


def test_the_months_state_is_a_weighted_mean_of_the_days() -> None:
    head = latent()
    with torch.no_grad():
        head.score.zero_()
    _, states, mean = head(state())
    torch.testing.assert_close(mean, states.mean(dim=1))
    with torch.no_grad():
        head.score.copy_(1e4 * torch.ones(WIDTH))
    _, states, picked = head(state())
    best = states.sum(dim=-1).argmax(dim=1)
    torch.testing.assert_close(picked, states[torch.arange(N), best])
