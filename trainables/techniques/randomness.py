"""A private stream of torch's random numbers.

Dropout, initialisation and some aggregators draw from torch's global generators. A trainable wraps
them so that two trainables in one process do not disturb each other, nor their caller, and so that
a checkpoint can continue the stream bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from torch import Tensor


def independent_seeds(seed: int, n: int) -> tuple[int, ...]:
    """Return seeds for streams that have nothing to do with each other.

    Examples
    --------
    >>> independent_seeds(0, 3)[:2] == independent_seeds(0, 2)
    True
    """
    return tuple(np.random.SeedSequence(seed).generate_state(n, np.uint32).tolist())


class RandomStream:
    """What the global generators are while the stream is active; elsewhere they are untouched.

    Parameters
    ----------
    seed
        Where the stream begins.
    device
        The device whose generator, besides the CPU's, belongs to the stream.

    Examples
    --------
    >>> stream = RandomStream(0, torch.device("cpu"))
    >>> with stream.active():
    ...     first = torch.rand(())
    >>> again = RandomStream(0, torch.device("cpu"))
    >>> with again.active():
    ...     bool(torch.rand(()) == first)
    True
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda = device if device.type == "cuda" else None
        with self._forked():
            torch.default_generator.manual_seed(seed)
            if self._cuda is not None:
                with torch.cuda.device(self._cuda):
                    torch.cuda.manual_seed(seed)
            self._state = self._read()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Draw from this stream inside the block, and remember where it got to."""
        with self._forked():
            self._write(self._state)
            yield
            self._state = self._read()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state of every generator of the stream."""
        return dict(self._state)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from what `state_dict` returned; without a device's part, keep its own."""
        self._state |= {name: state[name].cpu() for name in self._state if name in state}

    def _forked(self) -> AbstractContextManager[None]:
        return torch.random.fork_rng(devices=[] if self._cuda is None else [self._cuda])

    def _read(self) -> dict[str, Tensor]:
        state = {"cpu": torch.get_rng_state()}
        if self._cuda is not None:
            state["cuda"] = torch.cuda.get_rng_state(self._cuda)
        return state

    def _write(self, state: Mapping[str, Tensor]) -> None:
        torch.set_rng_state(state["cpu"])
        if self._cuda is not None:
            torch.cuda.set_rng_state(state["cuda"], self._cuda)
