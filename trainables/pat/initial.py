"""An encoder's first weights: drawn, pre-trained on unlabelled windows, or read from a file.

Pre-training is not repeated for every seed of a study: as with published weights, there is one
pre-trained encoder for one activity, and its seed is part of the configuration. A process keeps the
last few for its next runs, whatever their heads, and pre-trains again where the activity is another
one: recorded windows without an unlabelled cohort are the train split's, which a seed may draw.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from search.errors import TrainableError
from trainables.pat.config import DataConfig, InitConfig, ModelConfig
from trainables.pat.encoder import PatEncoder
from trainables.pat.inputs import unlabelled_of
from trainables.pat.keras_weights import load_keras_weights
from trainables.pat.pretraining import PretrainConfig, load_encoder, pretrain
from trainables.pat.sizes import SIZES
from trainables.techniques.randomness import RandomStream

logger = logging.getLogger(__name__)

OFFICIAL = (".h5", ".hdf5")
KEPT: Final = 16  # pre-trained encoders

Weights = dict[str, Tensor]
Key = tuple[int, PretrainConfig, ModelConfig, torch.device, bytes]

_kept: OrderedDict[Key, Weights] = OrderedDict()  # the last used one is the last


def make_encoder(model: ModelConfig) -> PatEncoder:
    """Return an encoder with weights drawn from torch's generator."""
    return PatEncoder(
        SIZES[model.size],
        model.patch_embed,
        conv_kernel=model.conv_kernel,
        conv_channels=model.conv_channels,
        conv_pool=model.conv_pool,
        dropout=model.dropout,
        attention=model.attention,
    )


def start(
    encoder: PatEncoder,
    init: InitConfig,
    data: DataConfig,
    model: ModelConfig,
    recorded: Tensor | None,
) -> None:
    """Give an encoder its first weights, in place.

    Parameters
    ----------
    encoder : PatEncoder
        Drawn already.
    init, data, model
        The run's configuration.
    recorded : Tensor of shape (n, minutes) or None
        What to pre-train on, scaled: the unlabelled windows, or the train split's, of recorded
        data; None where people are generated.

    Raises
    ------
    TrainableError
        If there is nothing to pre-train on, or the file does not fit the encoder.
    """
    if init.start == "file":
        path = Path(init.path).expanduser()
        load = load_keras_weights if path.suffix in OFFICIAL else load_encoder
        load(path, encoder)
    elif init.start == "masked":
        device = next(encoder.parameters()).device
        activity = unlabelled_of(data, init.seed, device) if recorded is None else recorded
        if activity is None:
            raise TrainableError("init.start='masked' needs data.generator.n_unlabelled above 0")
        encoder.load_state_dict(_pretrained(init, model, activity))


def _pretrained(init: InitConfig, model: ModelConfig, activity: Tensor) -> Weights:
    """Pre-train an encoder, or take the one kept; of the activity only a digest is kept."""
    plain = ModelConfig()
    headless = replace(model, head=plain.head, head_pool=plain.head_pool)
    key = (init.seed, init.masked, headless, activity.device, _digest(activity))
    if key not in _kept:
        _kept[key] = _trained(init, model, activity)
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return _kept[key]


def _trained(init: InitConfig, model: ModelConfig, activity: Tensor) -> Weights:
    logger.info("pre-training an encoder on %d windows", len(activity))
    with RandomStream(init.seed, activity.device).active():
        encoder = make_encoder(model).to(activity.device)
    pretrain(encoder, activity, init.masked, init.seed)
    return {name: value.detach().clone() for name, value in encoder.state_dict().items()}


def _digest(activity: Tensor) -> bytes:
    """Return what tells a tensor's numbers, type and shape from another's."""
    told = hashlib.blake2b(f"{activity.dtype} {tuple(activity.shape)}".encode())
    told.update(activity.detach().cpu().numpy().tobytes())
    return told.digest()
