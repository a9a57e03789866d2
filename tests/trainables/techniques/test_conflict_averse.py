import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor
from torchjd.aggregation import Mean

from trainables.techniques.conflict_averse import ConflictAverse, conflict_averse_weights


def objective(gram: NDArray[np.float64], w: NDArray[np.float64], c: float) -> float:
    mean = np.full(len(gram), 1 / len(gram))
    radius = c * np.sqrt(mean @ gram @ mean)
    return float(w @ gram @ mean) + radius * np.sqrt(max(0.0, w @ gram @ w))


def simplex(tasks: int, cells: int = 40) -> Iterator[NDArray[np.float64]]:
    for corner in itertools.product(range(cells + 1), repeat=tasks - 1):
        if sum(corner) <= cells:
            yield np.array([*corner, cells - sum(corner)]) / cells


def inner_weights(gram: NDArray[np.float64], c: float) -> NDArray[np.float64]:
    """The point of the simplex behind the answer: what is left of the mean, rescaled."""
    extra = conflict_averse_weights(gram, c) - 1 / len(gram)
    return extra / extra.sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([2, 3]), st.floats(0.1, 0.9))
def test_no_point_of_the_simplex_is_better(seed: int, tasks: int, c: float) -> None:
    rng = np.random.default_rng(seed)
    jacobian = rng.normal(size=(tasks, 6)) * np.exp(rng.normal(size=(tasks, 1)))
    gram = jacobian @ jacobian.T
    found = objective(gram, inner_weights(gram, c), c)
    best = min(objective(gram, w, c) for w in simplex(tasks))
    assert found <= best + 1e-4 * np.trace(gram)


def test_the_update_stays_on_the_sphere_around_the_mean() -> None:
    jacobian = torch.tensor([[1.0, 0.0, 0.5], [-1.0, 0.5, 0.2], [0.1, 2.0, 0.0]])
    mean = jacobian.mean(dim=0)
    for c in (0.2, 0.5, 0.8):
        update = ConflictAverse(c)(jacobian)
        assert float((update - mean).norm() / mean.norm()) == pytest.approx(c, rel=1e-4)


def test_the_worst_off_task_gains_over_the_mean() -> None:
    jacobian = torch.tensor([[1.0, 0.0], [-0.8, 0.5]])
    worst_before = (jacobian @ Mean()(jacobian)).min()
    worst_after = (jacobian @ ConflictAverse(0.9)(jacobian)).min()
    assert worst_after > worst_before


def test_radius_zero_is_the_mean() -> None:
    jacobian = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(ConflictAverse(0.0)(jacobian), jacobian.mean(dim=0))


@pytest.mark.parametrize("jacobian", [torch.zeros(2, 3), torch.tensor([[1.0, 0.0], [-1.0, 0.0]])])
def test_gradients_that_vanish_or_cancel_give_a_finite_update(jacobian: Tensor) -> None:
    assert torch.isfinite(ConflictAverse(0.5)(jacobian)).all()


def test_the_answer_scales_with_the_gradients() -> None:
    jacobian = torch.tensor([[1.0, 0.0], [-0.8, 0.5]])
    small, large = ConflictAverse(0.5)(jacobian * 1e-4), ConflictAverse(0.5)(jacobian * 1e4)
    assert torch.allclose(small * 1e8, large, rtol=1e-3)
