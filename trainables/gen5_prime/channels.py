"""What of a pair a network sees, as channels of one image."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

import torch
from torch import Tensor

InputMode = Literal["single3", "paired6", "residual_diff", "paired6_plus_diff"]
MODES: Final[tuple[InputMode, ...]] = get_args(InputMode)
N_CHANNELS: Final[Mapping[str, int]] = MappingProxyType(
    {"single3": 3, "paired6": 6, "residual_diff": 3, "paired6_plus_diff": 9}
)


def channels(mode: InputMode, stamp: Tensor, ctrl: Tensor) -> Tensor:
    """Return a network's input.

    Parameters
    ----------
    mode
        "single3": the stamp. "paired6": stamp, then control. "residual_diff": stamp minus control.
        "paired6_plus_diff": all of them.
    stamp, ctrl : Tensor of shape (n, 3, 64, 64)
        Scaled, and augmented.

    Returns
    -------
    Tensor of shape (n, N_CHANNELS[mode], 64, 64)
    """
    if mode == "single3":
        return stamp
    if mode == "paired6":
        return torch.cat([stamp, ctrl], dim=1)
    if mode == "residual_diff":
        return stamp - ctrl
    return torch.cat([stamp, ctrl, stamp - ctrl], dim=1)
