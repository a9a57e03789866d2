import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from trainables.techniques.focal import cross_entropy, focal_loss

LOGITS = st.floats(-30, 30)


def by_hand(logit: float, target: int, gamma: float, alpha: float) -> float:
    p = 1 / (1 + math.exp(-logit))
    p_t, alpha_t = (p, alpha) if target else (1 - p, 1 - alpha)
    return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)


@given(st.floats(-8, 8), st.sampled_from([0, 1]), st.floats(0, 5), st.floats(0, 1))
def test_focal_loss_is_its_formula(logit: float, target: int, gamma: float, alpha: float) -> None:
    z, y = torch.tensor([logit], dtype=torch.float64), torch.tensor([float(target)])
    got = focal_loss(z, y.double(), gamma=gamma, alpha=alpha)
    assert float(got) == pytest.approx(by_hand(logit, target, gamma, alpha), rel=1e-9, abs=1e-12)


def test_an_easy_example_weighs_a_hundredth_and_a_hard_one_a_quarter() -> None:
    easy = torch.tensor([math.log(9.0)])  # p_t = 0.9
    one = torch.ones(1)
    ratio = focal_loss(easy, one, gamma=2.0, alpha=1.0) / cross_entropy(easy, one)
    assert float(ratio) == pytest.approx(0.01, rel=1e-4)
    hard = focal_loss(torch.zeros(1), one, gamma=2.0, alpha=1.0)
    assert float(hard) == pytest.approx(0.25 * math.log(2), rel=1e-6)


@given(st.lists(LOGITS, min_size=1, max_size=8), st.data())
def test_without_focus_it_is_half_the_cross_entropy(
    logits: list[float], data: st.DataObject
) -> None:
    z = torch.tensor(logits, dtype=torch.float64)
    y = torch.tensor(
        data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(z), max_size=len(z)))
    )
    half = focal_loss(z, y.double(), gamma=0.0, alpha=0.5)
    assert torch.allclose(
        half, functional.binary_cross_entropy_with_logits(z, y.double(), reduction="none") / 2
    )


def test_alpha_is_the_weight_of_the_positive_class() -> None:
    z = torch.zeros(2)
    positive, negative = focal_loss(z, torch.tensor([1.0, 0.0]), gamma=2.0, alpha=0.75)
    assert float(positive / negative) == pytest.approx(3.0)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0, 5.0])
def test_gradients_stay_finite_at_extreme_logits(gamma: float) -> None:
    z = torch.tensor([-200.0, -40.0, 0.0, 40.0, 200.0] * 2, requires_grad=True)
    y = torch.tensor([0.0] * 5 + [1.0] * 5)
    focal_loss(z, y, gamma=gamma, alpha=0.75).sum().backward()
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


@given(st.lists(LOGITS, min_size=1, max_size=8), st.floats(0.1, 100))
def test_weighted_cross_entropy_is_torchs(logits: list[float], weight: float) -> None:
    z = torch.tensor(logits, dtype=torch.float64)
    y = (torch.arange(len(z)) % 2).double()
    expected = functional.binary_cross_entropy_with_logits(
        z, y, pos_weight=torch.tensor(weight, dtype=torch.float64), reduction="none"
    )
    assert torch.allclose(cross_entropy(z, y, pos_weight=weight), expected)
