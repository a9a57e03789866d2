"""Training one model in several processes: every batch is divided among them.

Every process has the same weights and draws the same batches; each computes its part, and gradients
are averaged before every update (Li et al. 2020, arXiv:2006.15704). A run of several processes
then has the numbers of a run of one, to rounding, as long as a row's loss depends on that row
alone. It does not where dropout draws a mask per process, where a loss compares the rows of a
batch, and where batch normalisation sees a part of a batch only: on GPUs it is given the whole
batch's statistics, and on a CPU, where torch offers none, it keeps its part's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from search.trainable import ProcessGroup

N = TypeVar("N", bound=nn.Module)
PATIENCE: Final = timedelta(minutes=5)  # of a process for the others


def join(group: ProcessGroup | None) -> None:
    """Meet the other processes of a trial; nothing to do where there are none."""
    leave()
    if group is None or group.size == 1:
        return
    distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"tcp://{group.address}:{group.port}",
        rank=group.rank,
        world_size=group.size,
        timeout=PATIENCE,
    )


def leave() -> None:
    """Part from the others; they need not be there any more."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


class Replicas:
    """A network that several processes train, or this one alone.

    Parameters
    ----------
    network : nn.Module
        On its device; its weights are the same in every process already.
    group : ProcessGroup or None
        Which has been joined.

    Examples
    --------
    >>> alone = Replicas(nn.Linear(2, 1), None)
    >>> alone.part(torch.arange(3)).tolist(), alone.weight(3, 3)
    ([0, 1, 2], 1.0)
    """

    def __init__(self, network: nn.Module, group: ProcessGroup | None) -> None:
        self._network, self._rank, self._size = network, 0, 1
        self.forward: Callable[..., Any] = network
        if group is not None and group.size > 1:
            self._rank, self._size = group.rank, group.size
            # buffers are agreed on once an epoch: a network may see two batches before an update
            self.forward = DistributedDataParallel(network, broadcast_buffers=False)

    def part(self, rows: Tensor) -> Tensor:
        """Return this process's part of a batch; all of it, if there is not a row for each.

        Parameters
        ----------
        rows : Tensor of shape (n, …)
        """
        return rows if len(rows) < self._size else rows[self._rank :: self._size]

    def weight(self, n_part: int, n: int) -> float:
        """Return the factor on the mean of a part of a batch that makes parts' mean the batch's."""
        return 1.0 if n < self._size else self._size * n_part / n

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over processes."""
        if self._size == 1:
            return values
        total = values.clone()
        distributed.all_reduce(total)
        return total / self._size

    def agree(self) -> None:
        """Have the first process's buffers in all: what normalisation has seen."""
        if self._size > 1:
            for buffer in self._network.buffers():
                distributed.broadcast(buffer, 0)


def whole_batch_norm(network: N, group: ProcessGroup | None) -> N:
    """Return a network whose batch normalisation sees all processes' parts, where torch can."""
    if group is None or group.size == 1 or not torch.cuda.is_available():
        return network
    found: N = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
    return found
