"""What PAT's fused attention saves over the plain one: time and peak memory of a training step.

The plain attention holds the weights of all heads and all pairs of tokens, in float32. Both take
turns (A B A B …), each in a process of its own that lives as long as its case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import get_args

import torch

from tests.benchmarks.pat_step import Case, Memory, cores, device, memory, step
from tests.benchmarks.table import Result, Row
from trainables.pat.config import OptimConfig
from trainables.pat.encoder import Attention

DAY, WEEK = 1440, 10_080  # minutes
BATCH = OptimConfig().batch_size  # of a run whose configuration says nothing else
SMALL_BATCH = 2  # of size L on a CPU, where every window takes seconds
STEPS_PER_SAMPLE = 10  # on an accelerator, where a step takes milliseconds
LIMIT_GIB = 24
GIB = 2**30
RATIO = "fused ÷ this"
Say = Callable[[str], None]
Samples = tuple[float, ...]


@dataclass(frozen=True)
class Measured:
    """One attention in one case.

    Parameters
    ----------
    seconds
        Of an optimizer step; one value per repetition.
    memory
        Of the process that made them all.
    """

    seconds: Samples
    memory: Memory


Comparison = Mapping[Attention, Measured]


def benchmark_attention(repeats: int, say: Say) -> list[Result]:
    """Return the table of times and the table of memory.

    Parameters
    ----------
    repeats
        Timed steps of each attention in each case; one more comes first, and is not counted.
    say
        Told what is going on.
    """
    where = device()
    found = {case: _compared(case, repeats, say) for case in cases(where.type)}
    whole = Case("L", WEEK, BATCH)
    say(f"{whole}: fused, one step")
    with _process() as process:
        seconds = process.submit(step, whole, "fused").result()
        needed = process.submit(memory, whole, "fused").result()
    alone = Measured((seconds,), needed)
    notes = (_circumstances(where),)
    return [time_table(found, whole, alone, notes), memory_table(found, whole, alone, notes)]


def cases(kind: str) -> tuple[Case, ...]:
    """Return what both attentions train on a kind of device, "cpu" or an accelerator.

    Examples
    --------
    >>> [str(case) for case in cases("cpu")][-1]
    'size L, 10,080 minutes, batch 2'
    """
    largest, steps = (SMALL_BATCH, 1) if kind == "cpu" else (BATCH, STEPS_PER_SAMPLE)
    return (
        Case("S", DAY, 16, steps),
        Case("S", WEEK, 16, steps),
        Case("L", WEEK, largest, steps),
    )


def time_table(
    found: Mapping[Case, Comparison], whole: Case, alone: Measured, notes: tuple[str, ...]
) -> Result:
    """Return seconds per optimizer step.

    Parameters
    ----------
    found
        Both attentions, by case.
    whole, alone
        The case that was trained with the fused attention only, and what it needed.
    notes
        What a reader must know.
    """
    rows = [
        row
        for case, both in found.items()
        for row in _pair(case, both, "", "s", lambda measured: measured.seconds)
    ]
    rows.append(Row(f"{whole}: fused, its first step", alone.seconds, "s", alone.seconds[0]))
    return Result("Training step of PAT: time", tuple(rows), notes)


def memory_table(
    found: Mapping[Case, Comparison], whole: Case, alone: Measured, notes: tuple[str, ...]
) -> Result:
    """Return peak memory, with the same parameters as `time_table`."""
    rows = [
        row
        for case, both in found.items()
        for what, values in ((", a step", _added), (", all in all", _total))
        for row in _pair(case, both, what, "GiB", values)
    ]
    total = _total(alone)
    rows.append(
        Row(
            f"{whole}: fused, all in all", total, "GiB", total[0],
            target=f"within {LIMIT_GIB} GiB", met=total[0] <= LIMIT_GIB,
        )
    )  # fmt: skip
    said = (
        "A step's is the peak minus what was there before the first one: interpreter, libraries, "
        "network, windows. All in all is the peak itself.",
    )
    return Result("Training step of PAT: peak memory", tuple(rows), notes + said, figure="peak")


def _pair(
    case: Case, both: Comparison, what: str, unit: str, values: Callable[[Measured], Samples]
) -> Iterator[Row]:
    """Return a row for each attention, the plain one's with the ratio."""
    ours = median(values(both["fused"]))
    for attention, measured in both.items():
        samples = values(measured)
        figure = median(samples)
        ratio, of = (None, "") if attention == "fused" else (ours / figure, RATIO)
        yield Row(f"{case}: {attention}{what}", samples, unit, figure, ratio, of)


def _added(measured: Measured) -> Samples:
    return (measured.memory.added / GIB,)


def _total(measured: Measured) -> Samples:
    return (measured.memory.peak / GIB,)


def _compared(case: Case, repeats: int, say: Say) -> Comparison:
    seconds: dict[Attention, list[float]] = {kind: [] for kind in get_args(Attention)}
    with ExitStack() as stack:
        processes = {kind: stack.enter_context(_process()) for kind in seconds}
        for repeat in range(repeats + 1):
            say(f"{case}: {f'repetition {repeat} of {repeats}' if repeat else 'warm-up'}")
            for kind, process in processes.items():
                seconds[kind].append(process.submit(step, case, kind).result())
        return {
            kind: Measured(tuple(seconds[kind][1:]), process.submit(memory, case, kind).result())
            for kind, process in processes.items()
        }


def _process() -> ProcessPoolExecutor:
    """Return one fresh process; a forked one would start with the caller's memory."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))


def _circumstances(where: torch.device) -> str:
    if where.type == "cpu":
        return f"On {cores()} cores of the CPU, both in float32."
    return (
        f"On one {torch.cuda.get_device_name(where)}: fused in bfloat16 where autocast computes "
        "so, plain in float32; memory is that of the tensors on it."
    )
