"""One training step of PAT, its time and its memory: what runs in a process of its own.

`step` and `memory` are called in a worker process that does nothing else: its peak is the step's,
and stays so whatever the caller, or the process with the other attention, holds.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from search.environment import peak_memory
from trainables.pat.config import LossConfig, ModelConfig, OptimConfig
from trainables.pat.encoder import Attention
from trainables.pat.heads import PatClassifier, PatHead
from trainables.pat.initial import make_encoder
from trainables.pat.inputs import Rows
from trainables.pat.training import Trainer
from trainables.techniques.randomness import RandomStream

PAGES = Path("/proc/self/statm")  # Linux's: size in all, resident, …


@dataclass(frozen=True)
class Case:
    """What is trained.

    Parameters
    ----------
    size
        Name of the encoder's size.
    minutes
        Length of a window.
    batch
        Windows per optimizer step.
    steps
        Optimizer steps per sample of the clock.
    """

    size: str
    minutes: int
    batch: int
    steps: int = 1

    def __str__(self) -> str:
        return f"size {self.size}, {self.minutes:,} minutes, batch {self.batch}"


@dataclass(frozen=True)
class Memory:
    """Bytes of a process on a CPU, of the tensors on an accelerator.

    Parameters
    ----------
    before
        Before the first step, with network, optimizer and windows in place.
    peak
        The most so far.
    """

    before: int
    peak: int

    @property
    def added(self) -> int:
        """What the steps took at most, beyond what was there before."""
        return self.peak - self.before


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device() -> torch.device:
    """Return the device that PAT trains on here."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def step(case: Case, attention: Attention) -> float:
    """Train, and return seconds per optimizer step; PAT's own `Trainer` makes it.

    On an accelerator "fused" computes in bfloat16 where autocast does, "plain" in float32; on a
    CPU both compute in float32.
    """
    learner = _learner(case, attention)
    started = time.perf_counter()
    learner.trainer.epoch(learner.noise)  # ends with the losses' values: nothing is in flight
    return (time.perf_counter() - started) / case.steps


def memory(case: Case, attention: Attention) -> Memory:
    """Return what the process has needed so far."""
    learner = _learner(case, attention)
    return Memory(learner.before, _sizes(device())[1])


@dataclass(frozen=True)
class _Learner:
    trainer: Trainer
    noise: RandomStream
    before: int


@lru_cache(maxsize=1)
def _learner(case: Case, attention: Attention) -> _Learner:
    torch.set_num_threads(cores())
    where = device()
    noise = RandomStream(0, where)
    with noise.active():
        encoder = make_encoder(ModelConfig(size=case.size, attention=attention))
        network = PatClassifier(encoder, PatHead(encoder.size.width)).to(where)
        rows = _rows(case, where)
    optim = OptimConfig(batch_size=case.batch, mixed=attention == "fused")
    trainer = Trainer(network, rows, optim, LossConfig(), epochs=1, order_seed=0)
    return _Learner(trainer, noise, _sizes(where)[0])


def _rows(case: Case, where: torch.device) -> Rows:
    """Draw scaled activity: neither time nor memory depends on what it looks like."""
    count = case.batch * case.steps
    activity = torch.randn(count, case.minutes, device=where)  # (windows, minutes)
    label = torch.arange(count, device=where).remainder(2).float()
    return Rows(activity, label, np.arange(count))


def _sizes(where: torch.device) -> tuple[int, int]:
    """Return the bytes in use now, and at most so far."""
    if where.type == "cuda":
        return torch.cuda.memory_allocated(where), torch.cuda.max_memory_allocated(where)
    peak = peak_memory() or 0
    if not PAGES.is_file():
        return peak, peak
    return int(PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"), peak
