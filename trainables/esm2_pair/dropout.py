"""Dropout whose random numbers cost less than the layer that it follows.

On a CPU torch draws a number of 53 bits for every entry, one after another: a tenth of a training
step of 512-256-64. Here a draw of 64 bits serves four entries, with 16 bits each.

References
----------
Srivastava et al. 2014, "Dropout", JMLR 15, 1929-1958.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

LEVELS: Final = 2**16  # of 16 bits: a probability is a whole number of them
EACH: Final = 4  # entries from a draw of 64 bits


class Dropout(nn.Dropout):
    """As torch's, its probability rounded to 1 / 65536; on an accelerator it is torch's."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name for it
        """Return entries, zeroed at random in training; the others grow by as much."""
        zeroed = round(self.p * LEVELS)
        if not self.training or not 0 < zeroed < LEVELS or input.device.type != "cpu":
            return super().forward(input)
        draws = torch.empty(-(-input.numel() // EACH), dtype=torch.int64)
        levels = draws.random_(-(2**63), None).view(torch.int16)[: input.numel()]
        kept = levels.view(input.shape) >= zeroed - LEVELS // 2
        return input * kept.to(input.dtype).mul_(LEVELS / (LEVELS - zeroed))
