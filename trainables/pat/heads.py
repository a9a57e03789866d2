"""Heads that turn an encoder's tokens into one logit, and the classifier they complete.

`trainables.techniques.pooling` summarises every prefix of a padded sequence. Here there is neither
padding nor a causal order, so that a plain mean over the tokens is all that is needed.

References
----------
Ruan et al. 2024, arXiv:2411.15240 (mean, dropout 0.1, 128 units, one logit).
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from torch import Tensor, nn

from search.errors import TrainableError, near_miss
from trainables.pat.encoder import PatEncoder
from trainables.pat.patches import glorot

HeadKind = Literal["mlp", "linear"]
HIDDEN: Final = 128


class PatHead(nn.Module):
    """The tokens' mean, dropout, and a network with or without a hidden layer.

    Parameters
    ----------
    width
        Size of the tokens.
    kind
        "mlp" for 128 hidden units with ReLU, as published, or "linear" for one linear layer.
    dropout
        Probability of dropping a unit of the mean.

    Raises
    ------
    TrainableError
        When there is no such kind of head.
    """

    def __init__(self, width: int, kind: HeadKind = "mlp", dropout: float = 0.1) -> None:
        super().__init__()
        if kind not in get_args(HeadKind):
            raise TrainableError(f"there is no head {kind!r}{near_miss(kind, get_args(HeadKind))}")
        self.dropout = nn.Dropout(dropout)
        self.logit: nn.Module = (
            glorot(nn.Linear(width, 1))
            if kind == "linear"
            else nn.Sequential(
                glorot(nn.Linear(width, HIDDEN)), nn.ReLU(), glorot(nn.Linear(HIDDEN, 1))
            )
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits (batch,) of tokens (batch, tokens, width)."""
        logits: Tensor = self.logit(self.dropout(tokens.mean(dim=1)))  # (batch, 1)
        return logits.squeeze(-1)


class PatClassifier(nn.Module):
    """Encoder and head.

    Parameters
    ----------
    encoder : PatEncoder
    head : PatHead
        Of the encoder's width.
    """

    def __init__(self, encoder: PatEncoder, head: PatHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, activity: Tensor) -> Tensor:
        """Return the logits (batch,) of activity (batch, minutes)."""
        logits: Tensor = self.head(self.encoder(activity))
        return logits
