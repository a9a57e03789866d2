from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables.techniques.shaping import capped, flooded, floored


@pytest.mark.parametrize(
    ("shape", "limit", "values", "slopes"),
    [
        (floored, 0.1, (0.1, 0.1, 0.4), (0.0, 0.0, 1.0)),
        (flooded, 0.1, (0.15, 0.1, 0.4), (-1.0, 0.0, 1.0)),
        (capped, 0.1, (0.05, 0.1, 0.1), (1.0, 0.0, 0.0)),
    ],
)
def test_values_and_gradients(
    shape: Callable[[Tensor, float], Tensor], limit: float, values: tuple, slopes: tuple
) -> None:
    loss = torch.tensor([0.05, limit, 0.4], requires_grad=True)
    shaped = shape(loss, limit)
    assert torch.allclose(shaped, torch.tensor(values))
    shaped.sum().backward()
    assert torch.equal(loss.grad, torch.tensor(slopes))


def test_flooding_comes_back_to_its_level_and_a_floor_stays() -> None:
    for shape, lowest in ((flooded, 0.1), (floored, 0.0)):
        x = torch.tensor(0.5, requires_grad=True)
        with torch.no_grad():
            x.fill_(0.02)
        for _ in range(100):
            x.grad = None
            shape(x, 0.1).backward()
            with torch.no_grad():
                x -= 0.01 * x.grad
        assert float(x.detach()) == pytest.approx(0.1 if lowest else 0.02, abs=0.011)
