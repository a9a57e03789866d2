"""Training of the pair classifier on one core: pairs per second, by how embeddings are read.

The network is the source document's (512-256-64 on two embeddings of 1280 dimensions), the file
one that `store.fill` makes, with as many proteins and pairs as influenza's HA and NA. All
ways take turns (A B C A B C …) in one process that does nothing else.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from search.configuration import override
from tests.benchmarks.table import Result, Row
from trainables.esm2_pair.batches import Embeddings, PairRows
from trainables.esm2_pair.config import documented
from trainables.esm2_pair.features import slot_statistics
from trainables.esm2_pair.losses import Criterion
from trainables.esm2_pair.network import PairNetwork
from trainables.esm2_pair.pairs import Pairs
from trainables.esm2_pair.reading import Access
from trainables.esm2_pair.sequences import sequence_hash
from trainables.esm2_pair.store import fill, open_store
from trainables.esm2_pair.training import Trainer
from trainables.techniques.randomness import RandomStream

PROTEINS, PAIRS, DIMS = 4247, 15_246, 1280  # 5,082 positives, each with two negatives
TARGET: Final = 20_000
TARGET_BATCH: Final = 8192
BATCHES: Final = (16, 256, 1024, TARGET_BATCH)  # the first is the source document's
Say = Callable[[str], None]


@dataclass(frozen=True)
class Way:
    """How pairs are trained on.

    Parameters
    ----------
    name
        In the table.
    batch
        Pairs of an optimizer step.
    access
        How embeddings are read.
    distinct
        Whether each protein of a batch is read, and multiplied, once.
    """

    name: str
    batch: int
    access: Access = "mapped"
    distinct: bool = True

    def __str__(self) -> str:
        return f"batch {self.batch:,}: {self.name}"


@dataclass(frozen=True)
class Noise:
    """An embedder that draws embeddings by the sequence's hash: time is all that matters."""

    name: str = "noise"
    tokens: int = 1
    dims: int = DIMS

    def embed(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Return embeddings of shape (n_sequences, 1, dims)."""
        seeds = [int(sequence_hash(sequence), 16) for sequence in sequences]
        drawn = [np.random.default_rng(seed).normal(size=(1, self.dims)) for seed in seeds]
        return np.array(drawn, np.float32)


def ways(batch: int) -> tuple[Way, ...]:
    """Return what is compared at a size of batches; ours comes first."""
    return (
        Way("mapped, each protein once", batch),
        Way("mapped, pair by pair", batch, distinct=False),
        Way("every item read from HDF5", batch, access="item", distinct=False),
    )


def benchmark_pairs(repeats: int, say: Say) -> Result:
    """Return the table of training speeds.

    Parameters
    ----------
    repeats
        Timed epochs of each way; one more comes first, and is not counted.
    say
        Told what is going on.
    """
    found: dict[Way, tuple[float, ...]] = {}
    with tempfile.TemporaryDirectory(prefix="winnow-pairs-") as folder:
        file = Path(folder) / "embeddings.h5"
        fill(file, Noise(), [f"M{number}" for number in range(PROTEINS)])
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
            for batch in BATCHES:
                samples: dict[Way, list[float]] = {way: [] for way in ways(batch)}
                for repeat in range(repeats + 1):
                    what = f"repetition {repeat} of {repeats}" if repeat else "warm-up"
                    say(f"batch {batch}: {what}")
                    for way, speeds in samples.items():
                        speeds.append(process.submit(speed, file, way).result())
                found |= {way: tuple(speeds[1:]) for way, speeds in samples.items()}
    return table(found)


def table(found: dict[Way, tuple[float, ...]]) -> Result:
    """Return pairs per second, and how many times faster ours is.

    Parameters
    ----------
    found
        Samples of every way, in the order of `ways`.
    """
    rows, ours = [], 0.0
    for way, samples in found.items():
        figure = median(samples)
        if way.access == "mapped" and way.distinct:
            ours = figure
            asked = way.batch == TARGET_BATCH
            target, met = (f"at least {TARGET:,}", figure >= TARGET) if asked else ("", None)
            rows.append(Row(str(way), samples, "pairs/s", figure, target=target, met=met))
        else:
            ratio = ours / figure
            rows.append(Row(str(way), samples, "pairs/s", figure, ratio, "mapped, once ÷ this"))
    notes = (
        f"512-256-64 on 2 x {DIMS} dimensions, {PAIRS:,} pairs of {PROTEINS:,} proteins, one "
        "thread, float32; seconds are those of the processor, so that other load hardly counts.",
    )
    return Result(
        "Training of the pair classifier: pairs per second of one core", tuple(rows), notes
    )


def speed(file: Path, way: Way) -> float:
    """Train an epoch, and return pairs per second of processor time."""
    trainer, noise = _trainer(file, way)
    started = time.process_time()
    trainer.epoch(noise)
    return PAIRS / (time.process_time() - started)


@lru_cache(maxsize=3)
def _trainer(file: Path, way: Way) -> tuple[Trainer, RandomStream]:
    torch.set_num_threads(1)
    config = override(documented(), {"optim.batch_size": way.batch})
    stored, cpu = open_store(file).embeddings, torch.device("cpu")
    pairs, noise = _pairs(), RandomStream(0, cpu)
    with noise.active():
        network = PairNetwork(
            config.model, 1, slot_statistics(Embeddings(stored, pool=True), pairs, 2)
        )
    rows = PairRows(
        Embeddings(stored, pool=True, access=way.access), pairs, cpu, distinct=way.distinct
    )
    criterion = Criterion(config.loss, pairs)
    return Trainer(network, rows, criterion, config.optim, epochs=99, order_seed=0), noise


def _pairs() -> Pairs:
    """Draw which proteins are paired: half of them are of either slot."""
    rng, half = np.random.default_rng(0), PROTEINS // 2
    label = (np.arange(PAIRS) % 3 == 0).astype(np.int64)
    return Pairs(
        rng.integers(half, size=PAIRS),
        half + rng.integers(half, size=PAIRS),
        label,
        np.ones(PAIRS, np.bool_),
        label,
        np.tile([0, 1], (PAIRS, 1)),
    )
