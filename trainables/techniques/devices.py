"""Where a run computes, and in which precision."""

from __future__ import annotations

import torch


def accelerator() -> torch.device:
    """Return the GPU that this process may use, or the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(device: torch.device, *, mixed: bool) -> torch.autocast:
    """Return the context of a forward pass: bfloat16 where that is wanted and there is a GPU.

    bfloat16 has float32's range, so that no loss needs scaling and gradients can be clipped as they
    are (Micikevicius et al. 2018, arXiv:1710.03740, is about float16, where both come in an order).

    Examples
    --------
    >>> with precision(torch.device("cpu"), mixed=True):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    wanted = mixed and device.type != "cpu"
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)
