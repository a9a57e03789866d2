"""Heads that turn an encoder's tokens into one logit, and the classifier they complete.

`trainables.techniques.pooling` summarises every prefix of a padded sequence. Here there is neither
padding nor a causal order: one mean over the tokens, plain or weighted, is all that is needed.

References
----------
Ruan et al. 2024, arXiv:2411.15240 (mean, dropout 0.1, 128 units, one logit).
Yang et al. 2016, "Hierarchical attention networks for document classification" (weighted mean).
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from torch import Tensor, nn

from search.errors import TrainableError, near_miss
from trainables.pat.encoder import PatEncoder
from trainables.pat.patches import glorot

HeadKind = Literal["mlp", "linear"]
HeadPool = Literal["mean", "attention"]
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
    pool
        "mean" of the tokens, as published, or one weighted by a learned "attention".

    Raises
    ------
    TrainableError
        When there is no such kind of head, or of pooling.
    """

    def __init__(
        self,
        width: int,
        kind: HeadKind = "mlp",
        dropout: float = 0.1,
        pool: HeadPool = "mean",
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("head", kind, get_args(HeadKind)),
            ("pooling", pool, get_args(HeadPool)),
        ):
            if value not in known:
                raise TrainableError(f"there is no {name} {value!r}{near_miss(value, known)}")
        self.dropout = nn.Dropout(dropout)
        self.logit: nn.Module = (
            glorot(nn.Linear(width, 1))
            if kind == "linear"
            else nn.Sequential(
                glorot(nn.Linear(width, HIDDEN)), nn.ReLU(), glorot(nn.Linear(HIDDEN, 1))
            )
        )
        # drawn last, so that heads of one seed are alike in everything else
        self.weight = glorot(nn.Linear(width, 1)) if pool == "attention" else None

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits (batch,) of tokens (batch, tokens, width)."""
        logits: Tensor = self.logit(self.dropout(self._mean(tokens)))  # (batch, 1)
        return logits.squeeze(-1)

    def _mean(self, tokens: Tensor) -> Tensor:
        if self.weight is None:
            return tokens.mean(dim=1)
        shares: Tensor = self.weight(tokens).softmax(dim=1)  # (batch, tokens, 1)
        return (shares * tokens).sum(dim=1)


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
