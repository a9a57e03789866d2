"""An encoder's first weights: drawn, pre-trained on unlabelled windows, or read from a file.

Pre-training is not repeated for every seed of a study: as with published weights, there is one
pre-trained encoder, and its seed is part of the configuration. A process keeps it for its next run.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from search.errors import TrainableError
from trainables.pat.config import DataConfig, InitConfig, ModelConfig
from trainables.pat.encoder import PatEncoder
from trainables.pat.inputs import unlabelled_of
from trainables.pat.keras_weights import load_keras_weights
from trainables.pat.pretraining import load_encoder, pretrain
from trainables.pat.sizes import SIZES
from trainables.techniques.randomness import RandomStream

OFFICIAL = (".h5", ".hdf5")


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
        weights = (
            _pretrained(init, data, model, device)
            if recorded is None
            else _trained(init, model, recorded)
        )
        encoder.load_state_dict(weights)


@lru_cache(maxsize=4)
def _pretrained(
    init: InitConfig, data: DataConfig, model: ModelConfig, device: torch.device
) -> dict[str, Tensor]:
    activity = unlabelled_of(data, init.seed, device)
    if activity is None:
        raise TrainableError("init.start='masked' needs data.generator.n_unlabelled above 0")
    return _trained(init, model, activity)


def _trained(init: InitConfig, model: ModelConfig, activity: Tensor) -> dict[str, Tensor]:
    with RandomStream(init.seed, activity.device).active():
        encoder = make_encoder(model).to(activity.device)
    pretrain(encoder, activity, init.masked, init.seed)
    return {name: value.detach().clone() for name, value in encoder.state_dict().items()}
