import pytest
import torch
from torch import Tensor

from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")


def draws(stream: RandomStream, n: int = 3) -> Tensor:
    with stream.active():
        return torch.rand(n)


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    stream = RandomStream(0, CPU)
    draws(stream)
    assert torch.equal(torch.rand(4), expected)


def test_what_others_draw_does_not_move_the_stream() -> None:
    first, second = RandomStream(0, CPU), RandomStream(0, CPU)
    a = torch.cat([draws(first), draws(first)])
    b = [draws(second)]
    torch.manual_seed(99)
    torch.rand(7)
    draws(RandomStream(1, CPU))
    b.append(draws(second))
    assert torch.equal(a, torch.cat(b))


def test_seeds_differ_and_a_saved_stream_continues() -> None:
    stream = RandomStream(0, CPU)
    assert not torch.equal(draws(stream), draws(RandomStream(1, CPU)))
    saved = stream.state_dict()
    ahead = draws(stream)
    other = RandomStream(7, CPU)
    other.load_state_dict(saved)
    assert torch.equal(draws(other), ahead)


def test_an_exception_inside_restores_the_global_generator() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    stream = RandomStream(0, CPU)
    with pytest.raises(RuntimeError, match="shape"), stream.active():
        torch.rand(3).reshape(2)
    assert torch.equal(torch.rand(2), expected)
