"""What explains a run, as plain arrays: a report draws them without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.pi_tft.batches import Batch
from trainables.pi_tft.losses import Criterion
from trainables.pi_tft.model import PiTftNetwork
from trainables.pi_tft.sequences import Events
from trainables.techniques import pictures
from trainables.techniques.pictures import Arrays

GRADIENT_EVENTS = 512  # training events that the task gradients are taken on: a typical large batch


def attention(network: PiTftNetwork, batch: Batch, events: Events) -> Arrays:
    """Return what the network looks at, averaged over events.

    Returns
    -------
    dict
        ``attention`` (how much the last CDM attends to each) and ``pooling`` (each CDM's share in
        the summary), of shape (length,), the last CDM last, averaged over the events that have a
        CDM there (NaN where none has); ``selection`` of shape (n_temporal,), mean weight of each
        variable, and ``selection_names``.
    """
    network.eval()
    with torch.inference_mode():
        seen = network.encoder.inspect(*batch.inputs)
    real = batch.mask.sum(dim=0)  # (length,)
    last = (seen.attention[:, -1] * batch.mask).sum(dim=0) / real
    pooled = (seen.pooling * batch.mask).sum(dim=0) / real
    selected = seen.selection.sum(dim=(0, 1)) / batch.mask.sum()
    return {
        "attention": _array(last),
        "pooling": _array(pooled),
        "selection": _array(selected),
        "selection_names": np.asarray(events.temporal_names),
    }


def gradient_cosines(network: PiTftNetwork, train: Batch, criterion: Criterion) -> Arrays:
    """Return how the tasks' gradients agree on the encoder.

    Returns
    -------
    dict
        ``gradient_cosines`` of shape (n_tasks, n_tasks), ``gradient_norms`` of shape (n_tasks,)
        and ``tasks``, their names. Gradients of weighted losses on the first training events,
        without dropout.
    """
    batch = train.take(torch.arange(min(GRADIENT_EVENTS, len(train)), device=train.label.device))
    network.eval()
    losses = criterion(network, batch, window=len(batch)).values
    shared = list(network.encoder.parameters())
    rows = [_flat_gradient(loss, shared) for loss in losses.values()]
    matrix = torch.stack(rows).double()  # (n_tasks, n_parameters)
    norms = matrix.norm(dim=1)
    unit = matrix / norms.clamp_min(torch.finfo(torch.float64).tiny).unsqueeze(1)
    return {
        "gradient_cosines": _array(unit @ unit.t()),
        "gradient_norms": _array(norms),
        "tasks": np.asarray(list(losses)),
    }


def figures(arrays: Arrays) -> dict[str, Any]:
    """Return the arrays of this module as a study's reports draw them."""
    names = [str(name) for name in arrays["tasks"]]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    shares = {"attention": "Attention of the last message", "pooling": "Share in the summary"}
    found = {
        **pictures.figures(arrays),
        **{name: _by_message(arrays[name], title) for name, title in shares.items()},
        "selection": {
            "kind": "bars",
            "title": "Weight of each variable",
            "value_name": "mean weight",
            "names": [str(name) for name in arrays["selection_names"]],
            "values": arrays["selection"],
        },
    }
    if pairs:
        found["gradient_cosines"] = {
            "kind": "bars",
            "title": "Agreement of the tasks' gradients",
            "note": "negative: the tasks pull the encoder apart",
            "value_name": "cosine",
            "names": [f"{names[i]} · {names[j]}" for i, j in pairs],
            "values": [float(arrays["gradient_cosines"][i, j]) for i, j in pairs],
        }
    return found


def _by_message(shares: NDArray[Any], title: str) -> dict[str, Any]:
    """Return shares by how many messages before the last one, the last message being 0."""
    return {
        "kind": "curve",
        "title": title,
        "x_name": "messages before the last",
        "y_name": "mean share",
        "x": np.arange(len(shares))[::-1],
        "y": shares,
    }


def _flat_gradient(loss: Tensor, parameters: list[torch.nn.Parameter]) -> Tensor:
    gradients = torch.autograd.grad(
        loss, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return torch.cat([gradient.flatten() for gradient in gradients])


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.asarray(tensor.double().cpu().numpy())
