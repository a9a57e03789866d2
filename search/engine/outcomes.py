"""What an attempt's end means for its trial."""

from __future__ import annotations

import re
from collections.abc import Sequence

from search.engine.job import Batch
from search.engine.live import Live
from search.storage.records import End, Result
from search.study import Objective

# torch's class, whatever module it is in; what CUDA and its libraries say through other classes
NO_MEMORY = re.compile(
    r"^(?:[\w.]+\.)?OutOfMemoryError\b.*|^.*\bCUDA(?: error:)? out of memory\b.*"
    r"|^.*\bCUBLAS_STATUS_ALLOC_FAILED\b.*|^.*\bRESOURCE_EXHAUSTED: Out of memory\b.*",
    re.MULTILINE,
)


def out_of_memory(error: str | None) -> str | None:
    r"""Return what a traceback says of an accelerator whose memory was used up, or None.

    Examples
    --------
    >>> out_of_memory("Traceback …\ntorch.OutOfMemoryError: CUDA out of memory. Tried to …")
    'torch.OutOfMemoryError: CUDA out of memory. Tried to …'
    >>> out_of_memory("MyOutOfMemoryErrorReport: 3")
    """
    found = NO_MEMORY.search(error or "")
    return found[0].strip() if found else None


def result_of(
    live: Live, end: End | None, batch: Batch, *, objectives: Sequence[Objective], retries: int
) -> Result | None:
    """Return how a trial has ended by a batch; None while it goes on, or is to be tried again."""
    match end:
        case "complete":
            return live.complete()
        case "pruned":
            return live.cut("pruned")
        case "diverged" if stopping := [flag for flag in batch.flags if flag.stops]:
            return live.cut("diverged", f"guard: {stopping[0].words}")
        case "diverged":
            bad = batch.steps[-1]
            shown = ", ".join(f"{g.metric}={bad.metrics[g.metric]}" for g in objectives)
            return live.cut("diverged", f"{shown} at step {bad.step}")
        case "raised":
            return _raised(live, batch, retries)
    return None


def _raised(live: Live, batch: Batch, retries: int) -> Result | None:
    """Count an exception; what ran out of memory beside others gets a whole GPU, once."""
    if words := out_of_memory(batch.error):
        if batch.alone or live.alone:
            return live.cut("failed", f"out of memory: {words}")
        live.alone = True
        return None
    live.raised += 1
    return live.cut("failed", _last_line(batch.error)) if live.raised > retries else None


def _last_line(error: str | None) -> str:
    lines = (error or "").strip().splitlines()
    return lines[-1] if lines else "unknown"
