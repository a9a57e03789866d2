"""Building blocks of the Temporal Fusion Transformer, for scalar inputs.

Equation numbers are those of Lim et al. 2021, "Temporal Fusion Transformers for interpretable
multi-horizon time series forecasting", arXiv:1912.09363.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

MASKED = -1e9  # a score no softmax sees; finite, so that a row of nothing but padding has no NaN


class Packing:
    """Where the real positions of a padded batch lie: networks run on these alone.

    Parameters
    ----------
    mask : bool Tensor of shape (rows, length)
        True where a position is real.
    owners : Tensor of shape (rows,)
        Event that each row is a sequence of. Several rows may belong to one event, when a sequence
        and an altered copy of it are compared: they share the static features and dropout masks.
    n_events
        Number of events.

    Attributes
    ----------
    shape
        Rows and length.
    events : Tensor of shape (n_real,)
        Event that each real position belongs to.
    allowed : Tensor of shape (rows, length, length)
        1 where a query (second axis) may look at a key (third axis): real, and not later.
    bias : Tensor of shape (rows, length, length)
        `MASKED` where it may not.
    """

    def __init__(self, mask: Tensor, owners: Tensor, n_events: int) -> None:
        self.shape, self.n_events = (mask.shape[0], mask.shape[1]), n_events
        self._flat = mask.flatten().nonzero().squeeze(-1)  # (n_real,)
        self.events = owners.index_select(0, self._flat // mask.shape[1])
        causal = torch.ones(mask.shape[1], mask.shape[1], dtype=torch.bool, device=mask.device)
        self.allowed = (mask.unsqueeze(1) & causal.tril()).to(torch.get_default_dtype())
        self.bias = (1 - self.allowed) * MASKED

    def gather(self, x: Tensor) -> Tensor:
        """Return the real positions of x (rows, length, width), shape (n_real, width)."""
        return x.flatten(0, 1).index_select(0, self._flat)

    def spread(self, x: Tensor) -> Tensor:
        """Return x (n_real, width) laid out as (rows, length, width), with zeros at padding."""
        flat = x.new_zeros(self.shape[0] * self.shape[1], x.shape[-1])
        return flat.index_copy(0, self._flat, x).view(*self.shape, x.shape[-1])


class SequenceDropout(nn.Module):
    """Dropout with one mask per event, the same at all its CDMs.

    Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural
    networks", arXiv:1512.05287. It also draws ten times fewer random numbers, which on a CPU cost
    more than the layers they mask.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor, packing: Packing | None = None) -> Tensor:
        """Mask x, shape (n_real, width) when packed, or (n_events, width)."""
        if not self.training or self.probability == 0.0:
            return x
        rows = x.shape[0] if packing is None else packing.n_events
        keep = x.new_empty(rows, x.shape[-1]).bernoulli_(1 - self.probability)
        keep = keep.div_(1 - self.probability)
        return x * (keep if packing is None else keep.index_select(0, packing.events))


class GatedLinearUnit(nn.Module):
    """GLU(γ) = σ(W₄γ + b₄) ⊙ (W₅γ + b₅), eq. 5, after dropout on γ."""

    def __init__(self, n_in: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.dropout = SequenceDropout(dropout)
        self.both = nn.Linear(n_in, 2 * n_out)

    def forward(self, x: Tensor, packing: Packing | None = None) -> Tensor:
        """Return the gated projection, shape (..., n_out)."""
        gated: Tensor = functional.glu(self.both(self.dropout(x, packing)), dim=-1)
        return gated


class GatedResidual(nn.Module):
    """GRN(a, c) = LayerNorm(a + GLU(ELU(W₂a + W₃c + b₂))), eqs. 2 to 4.

    The paper has a linear layer W₁ between ELU and GLU. Nothing but dropout stands between W₁ and
    the gate's own linear layer; with dropout in front of both they are one matrix.

    Parameters
    ----------
    n_in, width, n_out
        Sizes of the input, the hidden layer and the output; where the first and the last differ,
        the residual is projected.
    dropout
        Probability of dropping a unit in front of the gate.
    n_context
        Size of the context c; 0 for none.
    """

    def __init__(
        self, n_in: int, width: int, n_out: int, dropout: float, *, n_context: int = 0
    ) -> None:
        super().__init__()
        self.width, self.n_out, self.projects = width, n_out, n_in != n_out
        self.entry = nn.Linear(n_in, width + n_out if self.projects else width)  # W₂, and the skip
        self.context = nn.Linear(n_context, width, bias=False) if n_context else None
        self.gate = GatedLinearUnit(width, n_out, dropout)
        self.norm = nn.LayerNorm(n_out)

    def forward(
        self, x: Tensor, context: Tensor | None = None, packing: Packing | None = None
    ) -> Tensor:
        """Return the transformed rows.

        Parameters
        ----------
        x : Tensor of shape (n_real, n_in) when packed, or (n_events, n_in)
        context : Tensor of shape (n_events, n_context), optional
        packing : Packing, optional
            Where the rows of a packed x lie.

        Returns
        -------
        Tensor of shape (n_real or n_events, n_out)
        """
        hidden, residual = self.entry(x), x
        if self.projects:
            hidden, residual = torch.split(hidden, [self.width, self.n_out], dim=-1)
        if self.context is not None and context is not None:
            projected = self.context(context)  # once per event, then spread over its CDMs
            rows = projected if packing is None else projected.index_select(0, packing.events)
            hidden = hidden + rows
        normed: Tensor = self.norm(residual + self.gate(functional.elu(hidden), packing))
        return normed


class LinearMix(nn.Module):
    """Selection-weighted sum of linear embeddings, Σ_j v_j (x_j w_j + b_j): two matrix products."""

    def __init__(self, n_variables: int, width: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.randn(n_variables, width) / math.sqrt(2))
        self.offset = nn.Parameter(torch.randn(n_variables, width) / math.sqrt(2))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return the mix (n, width) of x (n, n_variables) under weights (n, n_variables)."""
        return (weights * x) @ self.slope + weights @ self.offset


class GatedMix(nn.Module):
    """Selection-weighted sum of one gated residual network per variable, eqs. 7 and 8.

    All variables at once, as one batched product. W₂ of an embedded scalar is one vector per
    variable, and with no dropout between them W₁ merges into the gate: the same functions as the
    paper's, in fewer parameters. Dropout acts on the mix instead, because drawing a mask per
    variable costs more than the networks themselves.
    """

    def __init__(self, n_variables: int, width: int) -> None:
        super().__init__()
        shape = (n_variables, 1, width)
        self.hidden_slope = nn.Parameter(torch.randn(shape) / math.sqrt(2))
        self.hidden_offset = nn.Parameter(torch.randn(shape) / math.sqrt(2))
        self.skip_slope = nn.Parameter(torch.randn(shape) / math.sqrt(2))
        self.skip_offset = nn.Parameter(torch.randn(shape) / math.sqrt(2))
        bound = 1 / math.sqrt(width)  # as nn.Linear
        gate = torch.empty(n_variables, width, 2 * width).uniform_(-bound, bound)
        self.gate_weight = nn.Parameter(gate)
        self.gate_bias = nn.Parameter(torch.zeros(n_variables, 1, 2 * width))
        self.norm_gain = nn.Parameter(torch.ones(n_variables, width))
        self.norm_bias = nn.Parameter(torch.zeros(n_variables, width))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return the mix (n, width) of x (n, n_variables) under weights (n, n_variables)."""
        scalar = x.t().unsqueeze(-1)  # (variables, n, 1)
        hidden = functional.elu(torch.addcmul(self.hidden_offset, scalar, self.hidden_slope))
        gated = functional.glu(torch.baddbmm(self.gate_bias, hidden, self.gate_weight), dim=-1)
        residual = torch.addcmul(self.skip_offset, scalar, self.skip_slope)
        normed = functional.layer_norm(residual + gated, gated.shape[-1:])  # (variables, n, width)
        weighted = normed * weights.t().unsqueeze(-1)
        mix = torch.einsum("vnd,vd->nd", weighted, self.norm_gain)  # (n, width)
        return mix + weights @ self.norm_bias


class VariableSelection(nn.Module):
    """Selection weights per CDM, and the embedded variables mixed by them, eqs. 6 to 8.

    The weights are the softmax of a gated residual network of the concatenated embeddings. An
    embedding of a scalar is affine in it and so is W₂ of all of them: the network reads the raw
    scalars, which loses no function.

    Parameters
    ----------
    n_variables
        Number of scalar variables.
    width
        Size of the embedding of each.
    dropout
        Probability of dropping a unit of the mix, and inside the selection network.
    n_context
        Size of the static context c_s; 0 for none.
    gated
        Embed each variable with its own gated residual network, not linearly.
    """

    def __init__(
        self, n_variables: int, width: int, dropout: float, *, n_context: int = 0, gated: bool
    ) -> None:
        super().__init__()
        self.selector = GatedResidual(n_variables, width, n_variables, dropout, n_context=n_context)
        self.mix = GatedMix(n_variables, width) if gated else LinearMix(n_variables, width)
        self.dropout = SequenceDropout(dropout)

    def forward(
        self, x: Tensor, context: Tensor | None = None, packing: Packing | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the mix (n, width) and the weights (n, n_variables) of x (n, n_variables)."""
        weights = self.selector(x, context, packing).softmax(dim=-1)
        return self.dropout(self.mix(x, weights), packing), weights


class InterpretableAttention(nn.Module):
    """Multi-head attention whose heads share their values, so their weights average, eqs. 13 to 16.

    Parameters
    ----------
    width
        Size of the sequence's vectors; a multiple of `heads`.
    heads
        Number of heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.per_head = heads, width // heads
        self.project = nn.Linear(width, 2 * width + self.per_head)  # queries, keys, shared values
        self.out = nn.Linear(self.per_head, width, bias=False)

    def forward(self, x: Tensor, packing: Packing) -> tuple[Tensor, Tensor]:
        """Attend.

        Parameters
        ----------
        x : Tensor of shape (n_real, width)
            Vectors of the real positions.
        packing : Packing
            Where they lie.

        Returns
        -------
        attended : Tensor of shape (n_real, width)
        weights : Tensor of shape (rows, length, length)
            Mean over the heads; the row of a real position sums to 1 over what it may look at.
        """
        rows, length = packing.shape
        width = self.heads * self.per_head
        grid = packing.spread(self.project(x))  # (rows, length, 2 width + per head)
        query, key, value = torch.split(grid, [width, width, self.per_head], dim=-1)
        split = (rows, length, self.heads, self.per_head)
        query = query.reshape(split).transpose(1, 2)  # (rows, heads, length, per head)
        key = key.reshape(split).permute(0, 2, 3, 1)  # (rows, heads, per head, length)
        scores = torch.baddbmm(
            packing.bias.repeat_interleave(self.heads, dim=0),
            query.flatten(0, 1),
            key.flatten(0, 1),
            alpha=1 / math.sqrt(self.per_head),
        )  # (rows * heads, length, length)
        by_head = scores.softmax(dim=-1).view(rows, self.heads, length, length)
        weights = by_head.mean(dim=1)  # (rows, length, length)
        return self.out(packing.gather(weights @ value)), weights
