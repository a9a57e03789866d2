"""The masked autoencoder that pre-trains an encoder: hide patches, rebuild the minutes.

References
----------
He et al. 2022, "Masked autoencoders are scalable vision learners", arXiv:2111.06377.
Ruan et al. 2024, arXiv:2411.15240: one decoder block, a loss over all minutes, 90 % hidden.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from search.errors import TrainableError
from trainables.pat.encoder import PatEncoder
from trainables.pat.patches import glorot, patched

Points = Literal["all", "masked"]
REACH: Final = 2.0  # standardised activity beyond it is not told apart
TOKEN_SCALE: Final = 0.05  # standard deviation of the mask token at the start


class Masking(NamedTuple):
    """Which tokens of every row of a batch are hidden, and which are not; together all of them.

    Parameters
    ----------
    masked : Tensor of shape (n_masked,)
    visible : Tensor of shape (n_visible,)
        In the order in which the encoder sees them.
    """

    masked: Tensor
    visible: Tensor

    def to(self, device: torch.device) -> Masking:
        """Return the same masking on a device."""
        return Masking(self.masked.to(device), self.visible.to(device))


def draw_masking(tokens: int, ratio: float, generator: torch.Generator) -> Masking:
    """Draw one permutation of the tokens, for the whole batch, and hide its first part.

    Parameters
    ----------
    tokens
        Number of tokens.
    ratio
        Share of them to hide; at least one is hidden and at least one is not.
    generator
        On the CPU.

    Raises
    ------
    TrainableError
        When the ratio is not between 0 and 1, or there are fewer than two tokens.
    """
    if not 0 < ratio < 1:
        raise TrainableError(f"the mask ratio is between 0 and 1, not {ratio}")
    if tokens < 2:
        raise TrainableError(f"masking needs at least two patches, not {tokens}")
    n_masked = min(max(round(ratio * tokens), 1), tokens - 1)
    order = torch.randperm(tokens, generator=generator)
    return Masking(order[:n_masked], order[n_masked:])


class MaskedAutoencoder(nn.Module):
    """The encoder on visible patches, and a one-block decoder on all of them.

    Parameters
    ----------
    encoder : PatEncoder
        Trained in place. The decoder's block is like its blocks.
    """

    def __init__(self, encoder: PatEncoder) -> None:
        super().__init__()
        width = encoder.size.width
        self.encoder = encoder
        self.mask_token = nn.Parameter(torch.randn(width) * TOKEN_SCALE)
        self.decoder = encoder.block()
        self.output = glorot(nn.Linear(width, encoder.size.patch))

    def forward(self, activity: Tensor, masking: Masking) -> Tensor:
        """Return activity rebuilt from its visible patches, (batch, minutes), within ±2."""
        embedded = self.encoder.embed(activity)
        seen = self.encoder.encode(embedded.index_select(1, masking.visible))
        decoded = self.decoder(self._filled(seen, masking))  # (batch, tokens, width)
        return (REACH * torch.tanh(self.output(decoded))).flatten(1)

    def loss(self, activity: Tensor, masking: Masking, points: Points = "all") -> Tensor:
        """Return the mean squared error over all minutes, or over the hidden patches' alone."""
        rebuilt = self(activity, masking)
        if points == "all":
            return functional.mse_loss(rebuilt, activity)
        patch = self.encoder.size.patch
        return functional.mse_loss(
            patched(rebuilt, patch).index_select(1, masking.masked),
            patched(activity, patch).index_select(1, masking.masked),
        )

    def _filled(self, seen: Tensor, masking: Masking) -> Tensor:
        """Put encoded tokens back in their places, the mask token elsewhere; add positions."""
        hidden = self.mask_token.expand(seen.shape[0], len(masking.masked), -1)
        places = torch.cat([masking.masked, masking.visible])
        shuffled = torch.cat([hidden, seen], dim=1)  # (batch, tokens, width)
        return shuffled.index_select(1, places.argsort()) + self.encoder.positions(len(places))
