"""The published encoders' weights, from their Keras HDF5 files.

Layers are groups, and their weights keep Keras's names and axes::

    dense/…/kernel                                     (patch, width)
    conv1d_patch_embedding/…/kernel                    (kernel, 1, channels)
    encoder_layer_1_transformer/
        encoder_layer_1_attention/query/kernel         (width, heads, key)   also key, value
        encoder_layer_1_attention/query/bias           (heads, key)
        encoder_layer_1_attention/attention_output/…   (heads, key, width), (width)
        encoder_layer_1_norm1/gamma, beta              (width)               also norm2
        encoder_layer_1_ff1/kernel, bias               (in, out), (out)      also ff2

Names may end in ``:0``, and a whole saved model keeps them under ``model_weights``. Positions have
no weights.

References
----------
Ruan et al. 2024, arXiv:2411.15240; the names are those of its published notebooks.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from search.errors import TrainableError
from trainables.pat.encoder import PatEncoder

Array = NDArray[np.floating]
LINEAR: Final = "dense"
CONV: Final = "conv1d_patch_embedding"
_BLOCK_PART: Final = re.compile(r"encoder_layer_\d+_(attention|norm1|norm2|ff1|ff2)")
_MODEL: Final = "model_weights"  # where `model.save` puts what `save_weights` puts at the root
_OPTIMIZER: Final = "optimizer_weights"


@dataclass(frozen=True)
class _Source:
    """Where one tensor of the encoder comes from.

    Parameters
    ----------
    names
        Tensors in the file, joined along the first axis of the result.
    shape
        That each has in the file.
    turned
        From the file's axes to torch's.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]
    turned: Callable[[Array], Array]


def load_keras_weights(path: Path, encoder: PatEncoder) -> None:
    """Give an encoder the weights of a published file.

    Parameters
    ----------
    path
        HDF5 file of `model.save_weights` or `model.save`, in Keras's layout before version 3.
    encoder
        Of the file's size and embedding.

    Raises
    ------
    TrainableError
        When h5py is not installed, or tensors are missing, unexpected or of another shape: all of
        them at once, and the encoder stays as it was.
    OSError
        When there is no such file, or it is not HDF5.
    """
    sources, found = _sources(encoder), _read(path)
    problems = list(_problems(sources, found))
    if problems:
        raise TrainableError([f"{path} does not fit the encoder:", *problems])
    encoder.load_state_dict(
        {
            target: _tensor([source.turned(found[name]) for name in source.names])
            for target, source in sources.items()
        }
    )


def _tensor(parts: list[Array]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.concatenate(parts)))


def _problems(sources: Mapping[str, _Source], found: Mapping[str, Array]) -> Iterator[str]:
    wanted = {name: source.shape for source in sources.values() for name in source.names}
    for name, shape in wanted.items():
        if name not in found:
            yield f"missing: {name} {shape}"
        elif found[name].shape != shape:
            yield f"of another shape: {name} is {found[name].shape}, not {shape}"
    for name, array in found.items():
        if name not in wanted:
            yield f"unexpected: {name} {array.shape}"


def _sources(encoder: PatEncoder) -> dict[str, _Source]:
    """Return where each tensor of the encoder's state comes from."""
    sources = _conv(encoder) if encoder.embedding == "conv" else _linear(encoder)
    for index in range(encoder.size.layers):
        sources |= _block(encoder, index)
    return sources


def _linear(encoder: PatEncoder) -> dict[str, _Source]:
    return _dense("patches.linear", LINEAR, encoder.size.patch, encoder.size.width)


def _conv(encoder: PatEncoder) -> dict[str, _Source]:
    channels = encoder.conv_channels
    if channels != encoder.size.width or encoder.conv_pool != "mean":
        raise TrainableError(
            f"published encoders have as many channels as their width, {encoder.size.width}, their "
            f"mean over a patch and no projection; this one has {channels} and "
            f"conv_pool='{encoder.conv_pool}'"
        )
    kernel = (encoder.conv_kernel, 1, channels)
    return {
        "patches.conv.weight": _Source((f"{CONV}/kernel",), kernel, lambda k: k.transpose(2, 1, 0)),
        "patches.conv.bias": _Source((f"{CONV}/bias",), (channels,), _same),
    }


def _block(encoder: PatEncoder, index: int) -> dict[str, _Source]:
    size, ours, theirs = encoder.size, f"blocks.{index}", f"encoder_layer_{index + 1}"
    return {
        **_attention(encoder, f"{ours}.attention", f"{theirs}_attention"),
        **_norm(f"{ours}.attention_norm", f"{theirs}_norm1", size.width),
        **_dense(f"{ours}.expand", f"{theirs}_ff1", size.width, size.feed_forward),
        **_dense(f"{ours}.contract", f"{theirs}_ff2", size.feed_forward, size.width),
        **_norm(f"{ours}.norm", f"{theirs}_norm2", size.width),
    }


def _attention(encoder: PatEncoder, ours: str, theirs: str) -> dict[str, _Source]:
    width, heads, key = encoder.size.width, encoder.size.heads, encoder.size.key
    parts = [f"{theirs}/{part}" for part in ("query", "key", "value")]
    kernels = tuple(f"{part}/kernel" for part in parts)
    biases = tuple(f"{part}/bias" for part in parts)
    out = f"{theirs}/attention_output"
    return {
        f"{ours}.project.weight": _Source(
            kernels, (width, heads, key), lambda kernel: kernel.reshape(width, heads * key).T
        ),
        f"{ours}.project.bias": _Source(biases, (heads, key), lambda bias: bias.reshape(-1)),
        f"{ours}.out.weight": _Source(
            (f"{out}/kernel",),
            (heads, key, width),
            lambda kernel: kernel.reshape(heads * key, width).T,
        ),
        f"{ours}.out.bias": _Source((f"{out}/bias",), (width,), _same),
    }


def _dense(ours: str, theirs: str, n_in: int, n_out: int) -> dict[str, _Source]:
    return {
        f"{ours}.weight": _Source((f"{theirs}/kernel",), (n_in, n_out), lambda kernel: kernel.T),
        f"{ours}.bias": _Source((f"{theirs}/bias",), (n_out,), _same),
    }


def _norm(ours: str, theirs: str, width: int) -> dict[str, _Source]:
    return {
        f"{ours}.weight": _Source((f"{theirs}/gamma",), (width,), _same),
        f"{ours}.bias": _Source((f"{theirs}/beta",), (width,), _same),
    }


def _same(array: Array) -> Array:
    return array


def _read(path: Path) -> dict[str, Array]:
    """Return every tensor of the file by its plain name."""
    try:
        h5py = importlib.import_module("h5py")  # only these files need it
    except ModuleNotFoundError as error:
        raise TrainableError("Keras weights are HDF5 files: pip install h5py") from error
    found: dict[str, Array] = {}

    def collect(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset) and not name.startswith(f"{_OPTIMIZER}/"):
            plain = _plain(name)
            found[name if plain in found else plain] = np.asarray(entry)  # a second is unexpected

    with h5py.File(path, "r") as file:
        file.visititems(collect)
    return found


def _plain(name: str) -> str:
    """Return a dataset's name from its layer on, without Keras's repetitions.

    Examples
    --------
    >>> _plain("model_weights/dense/dense/kernel:0")
    'dense/kernel'
    >>> part = "encoder_layer_2_attention/query/bias"
    >>> _plain(f"encoder_layer_2_transformer/encoder_layer_2_transformer/{part}:0")
    'encoder_layer_2_attention/query/bias'
    """
    parts = name.removesuffix(":0").split("/")
    if parts[0] == _MODEL:
        parts = parts[1:]
    for place in reversed(range(len(parts))):
        if _BLOCK_PART.fullmatch(parts[place]):
            return "/".join(parts[place:])
    if parts[0] in (LINEAR, CONV):
        return f"{parts[0]}/{parts[-1]}"
    return "/".join(parts)
