"""Layers of a multilayer perceptron, and what any head answers with.

References
----------
Ioffe and Szegedy 2015, "Batch normalization", arXiv:1502.03167.
Srivastava et al. 2014, "Dropout", JMLR 15, 1929-1958.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from torch import Tensor, nn
from torch.nn import functional

from trainables.esm2_pair.batches import Distinct, Side
from trainables.esm2_pair.dropout import Dropout
from trainables.esm2_pair.features import FeatureConfig, PairFeatures
from trainables.techniques.limits import below_one, one_of

Norm = Literal["none", "batch", "layer"]
NormPosition = Literal["pre_activation", "post_activation"]
SECTION: Final = "model.mlp."


@dataclass(frozen=True)
class MlpConfig:
    """Layers of the classifier; a Siamese tower has its dropout and its normalisation, too."""

    hidden_dims: str = "64-32"  # widths, from the input on; "512-256-64" in the source document
    dropout: float = 0.2  # after each of them
    norm: Norm = "none"
    norm_position: NormPosition = "pre_activation"  # as in the paper; or after the ReLU


def mlp_problems(mlp: MlpConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from widths_problems(mlp.hidden_dims, f"{SECTION}hidden_dims")
    yield from below_one(mlp, "dropout", prefix=SECTION)
    yield from one_of(mlp, "norm", get_args(Norm), prefix=SECTION)
    yield from one_of(mlp, "norm_position", get_args(NormPosition), prefix=SECTION)


def widths_problems(text: str, name: str) -> Iterator[str]:
    """Yield what is wrong with widths that are written as one word."""
    if not all(part.isdecimal() and int(part) > 0 for part in text.split("-")):
        yield f"{name} takes widths from 1 on, joined by '-' as in '64-32', got {text!r}"


def widths_of(text: str) -> tuple[int, ...]:
    """Return widths that are written as one word, as an option of a search has to be.

    Examples
    --------
    >>> widths_of("512-256-64")
    (512, 256, 64)
    """
    return tuple(int(part) for part in text.split("-"))


def hidden_layers(
    dims: int, widths: tuple[int, ...], *, dropout: float, norm: Norm, position: NormPosition
) -> nn.Sequential:
    """Return Linear, norm, ReLU (or ReLU, norm) and dropout for each width.

    Parameters
    ----------
    dims
        Of the input.
    widths
        Of the layers; none is legal.
    dropout
        Probability.
    norm, position
        Which normalisation, and on which side of the ReLU.
    """
    layers: list[nn.Module] = []
    for width in widths:
        layers.append(nn.Linear(dims, width))
        layers += _activation(width, norm, position)
        layers.append(Dropout(dropout))
        dims = width
    return nn.Sequential(*layers)


def _activation(width: int, norm: Norm, position: NormPosition) -> list[nn.Module]:
    if norm == "none":
        return [nn.ReLU()]
    scaled = nn.BatchNorm1d(width) if norm == "batch" else nn.LayerNorm(width)
    pair: list[nn.Module] = [scaled, nn.ReLU()]
    return pair if position == "pre_activation" else pair[::-1]


@dataclass(frozen=True)
class Measured:
    """What the towers of a network made of a batch of pairs.

    Parameters
    ----------
    towers : Tensor of shape (batch, 2, width)
        A vector of each protein.
    distance : Tensor of shape (batch,)
        Between the two of each pair.
    between
        The same distance between any two vectors, along the last dimension.
    """

    towers: Tensor
    distance: Tensor
    between: Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Outputs:
    """What a network says about a batch of pairs.

    Parameters
    ----------
    logits : Tensor of shape (batch,)
    measured : Measured or None
        Where the network has towers.
    """

    logits: Tensor
    measured: Measured | None = None


class Classifier(nn.Module):
    """Features of a pair, hidden layers, one logit.

    Parameters
    ----------
    dims
        Of one embedding.
    features : FeatureConfig
    mlp : MlpConfig
    """

    def __init__(self, dims: int, features: FeatureConfig, mlp: MlpConfig) -> None:
        super().__init__()
        widths = widths_of(mlp.hidden_dims)
        self.features = PairFeatures(dims, features)
        self.hidden = hidden_layers(
            self.features.width,
            widths,
            dropout=mlp.dropout,
            norm=mlp.norm,
            position=mlp.norm_position,
        )
        self.output = nn.Linear(widths[-1], 1)

    def forward(self, both: Tensor) -> Tensor:
        """Return logits of shape (batch,), of embeddings of shape (batch, 2, dims)."""
        logits: Tensor = self.output(self.hidden(self.features(both)))
        return logits.squeeze(1)

    def of_distinct(self, both: Distinct) -> Tensor:
        """Return the same logits; the first layer W (a, b) + c is W_a a + W_b b + c.

        Either product is made once for each distinct protein, and so are their gradients.
        """
        first, second = self.hidden.get_parameter("0.weight").chunk(2, dim=1)
        found = _looked_up(both.first, first) + _looked_up(both.second, second)
        found = found + self.hidden.get_parameter("0.bias")
        logits: Tensor = self.output(self.hidden[1:](found))
        return logits.squeeze(1)


def _looked_up(side: Side, weight: Tensor) -> Tensor:
    """Return each pair's W x: shape (batch, width)."""
    return functional.embedding(side.row, functional.linear(side.tokens.flatten(1), weight))


class PairMlp(nn.Module):
    """The classifier of the source document: an MLP on features of two pooled embeddings."""

    def __init__(self, dims: int, features: FeatureConfig, mlp: MlpConfig) -> None:
        super().__init__()
        self.classifier = Classifier(dims, features, mlp)

    def forward(self, tokens: Tensor | Distinct, _: Tensor) -> Outputs:
        """Return logits, of pooled tokens, of shape (batch, 2, 1, dims)."""
        if isinstance(tokens, Distinct):
            return Outputs(self.classifier.of_distinct(tokens))
        return Outputs(self.classifier(tokens.squeeze(2)))
