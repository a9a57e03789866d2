import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.errors import TrainableError
from trainables.pat.encoder import PatEncoder
from trainables.pat.keras_weights import load_keras_weights
from trainables.pat.patches import Embedding
from trainables.pat.sizes import SIZES, Size

TINY = Size(patch=6, heads=3, layers=2, width=8, key=5, feed_forward=12)
Array = NDArray[Any]
Tensors = dict[str, dict[str, Array]]  # by layer, then by the weight's full name


def drawn(size: Size, embedding: Embedding, seed: int = 0) -> Tensors:
    """Random weights with the names and axes of the published encoders."""
    rng = np.random.default_rng(seed)

    def new(*shape: int) -> Array:
        return rng.normal(size=shape).astype(np.float32)

    width, heads, key, hidden = size.width, size.heads, size.key, size.feed_forward
    layers: Tensors = {"inputs": {}, "reshape": {}}  # Keras keeps groups of weightless layers
    if embedding == "linear":
        layers["dense"] = {"dense/kernel:0": new(size.patch, width), "dense/bias:0": new(width)}
    else:
        name = "conv1d_patch_embedding"
        layers[name] = {f"{name}/kernel:0": new(3, 1, width), f"{name}/bias:0": new(width)}
    for index in range(1, size.layers + 1):
        part = f"encoder_layer_{index}"
        block: dict[str, Array] = {}
        for role in ("query", "key", "value"):
            block[f"{part}_attention/{role}/kernel:0"] = new(width, heads, key)
            block[f"{part}_attention/{role}/bias:0"] = new(heads, key)
        block[f"{part}_attention/attention_output/kernel:0"] = new(heads, key, width)
        block[f"{part}_attention/attention_output/bias:0"] = new(width)
        for norm in ("norm1", "norm2"):
            block[f"{part}_{norm}/gamma:0"] = new(width)
            block[f"{part}_{norm}/beta:0"] = new(width)
        block[f"{part}_ff1/kernel:0"], block[f"{part}_ff1/bias:0"] = new(width, hidden), new(hidden)
        block[f"{part}_ff2/kernel:0"], block[f"{part}_ff2/bias:0"] = new(hidden, width), new(width)
        layers[f"{part}_transformer"] = block
    return layers


def write(
    path: Path, layers: Tensors, inside: str = "", nested: str = "", suffix: str = ""
) -> None:
    with h5py.File(path, "w") as file:
        for layer, weights in layers.items():
            group = file.require_group(f"{inside}{layer}")
            group.attrs["weight_names"] = [name.encode() for name in weights]
            for name, value in weights.items():
                prefix = nested.format(layer=layer)
                group.create_dataset(prefix + name.removesuffix(":0") + suffix, data=value)


def save_weights(path: Path, layers: Tensors) -> None:
    write(path, layers, suffix=":0")


def save_model(path: Path, layers: Tensors) -> None:
    write(path, layers, inside="model_weights/", suffix=":0")
    with h5py.File(path, "a") as file:
        file["optimizer_weights/Adam/m/dense/kernel:0"] = np.zeros(3)


def save_nested(path: Path, layers: Tensors) -> None:
    write(path, layers, nested="{layer}/")


def encoder(embedding: Embedding = "linear", size: Size = TINY) -> PatEncoder:
    torch.manual_seed(0)
    return PatEncoder(size, embedding, dropout=0.0)


def state(model: PatEncoder) -> dict[str, torch.Tensor]:
    return copy.deepcopy(model.state_dict())


def normed(x: Array, gamma: Array, beta: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled: Array = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return scaled * gamma + beta


def keras_attention(x: Array, weights: dict[str, Array], layer: str) -> Array:
    """Multi-head attention in the convention of Keras: kernels (width, heads, key)."""
    query, key, value = (
        np.einsum("btd,dhk->bthk", x, weights[f"{layer}/{role}/kernel:0"])
        + weights[f"{layer}/{role}/bias:0"]
        for role in ("query", "key", "value")
    )
    scores = np.einsum("bthk,bshk->bhts", query, key) / np.sqrt(key.shape[-1])
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    heads = np.einsum("bhts,bshk->bthk", scores, value)
    kernel = weights[f"{layer}/attention_output/kernel:0"]
    out: Array = np.einsum("bthk,hkd->btd", heads, kernel)
    return out + weights[f"{layer}/attention_output/bias:0"]


def keras_block(x: Array, weights: dict[str, Array], part: str) -> Array:
    def at(name: str) -> Array:
        return weights[f"{part}_{name}:0"]

    attended = x + keras_attention(x, weights, f"{part}_attention")
    x = normed(attended, at("norm1/gamma"), at("norm1/beta"))
    hidden = np.maximum(x @ at("ff1/kernel") + at("ff1/bias"), 0)
    change = hidden @ at("ff2/kernel") + at("ff2/bias")
    return normed(x + change, at("norm2/gamma"), at("norm2/beta"))


def keras_tokens(activity: Array, layers: Tensors) -> Array:
    """Embedded patches in the convention of Keras: kernels (in, out) or (kernel, 1, channels)."""
    patches = activity.reshape(len(activity), -1, TINY.patch)
    if "dense" in layers:
        kernel, bias = layers["dense"]["dense/kernel:0"], layers["dense"]["dense/bias:0"]
        return patches @ kernel + bias
    weights = list(layers["conv1d_patch_embedding"].values())
    padded = np.pad(patches, ((0, 0), (0, 0), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=-1)
    activated = np.maximum(np.einsum("btpk,kc->btpc", windows, weights[0][:, 0]) + weights[1], 0)
    pooled: Array = activated.mean(axis=2)
    return pooled


def activity() -> Array:
    return np.random.default_rng(9).normal(size=(3, 60)).astype(np.float32)


@pytest.mark.parametrize("attention", ["fused", "plain"])
def test_one_block_is_kerass(tmp_path: Path, attention: str) -> None:
    layers = drawn(TINY, "linear")
    save_weights(tmp_path / "weights.h5", layers)
    model = PatEncoder(TINY, dropout=0.0, attention="fused" if attention == "fused" else "plain")
    load_keras_weights(tmp_path / "weights.h5", model)
    x = np.random.default_rng(1).normal(size=(2, 7, 8)).astype(np.float32)
    for index, block in enumerate(model.blocks, 1):
        part = f"encoder_layer_{index}"
        expected = keras_block(x, layers[f"{part}_transformer"], part)
        assert np.allclose(block(torch.from_numpy(x)).detach(), expected, atol=1e-4)


@pytest.mark.parametrize("save", [save_weights, save_model, save_nested])
@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_the_whole_encoder_is_kerass(
    tmp_path: Path, embedding: Embedding, save: Callable[[Path, Tensors], None]
) -> None:
    layers, model = drawn(TINY, embedding), encoder(embedding)
    save(tmp_path / "weights.h5", layers)
    load_keras_weights(tmp_path / "weights.h5", model)
    x = keras_tokens(activity(), layers) + model.positions(10).numpy()
    assert np.allclose(model.embed(torch.from_numpy(activity())).detach(), x, atol=1e-5)
    for index in (1, 2):
        part = f"encoder_layer_{index}"
        x = keras_block(x, layers[f"{part}_transformer"], part)
    assert np.allclose(model(torch.from_numpy(activity())).detach(), x, atol=1e-3)


@pytest.mark.parametrize("name", ["S", "L"])
def test_the_published_sizes_load_every_parameter(tmp_path: Path, name: str) -> None:
    layers = drawn(SIZES[name], "linear")
    save_weights(tmp_path / "weights.h5", layers)
    model = encoder(size=SIZES[name])
    before = state(model)
    load_keras_weights(tmp_path / "weights.h5", model)
    assert all((before[name] != value).all() for name, value in model.state_dict().items())
    written = sum(value.sum() for weights in layers.values() for value in weights.values())
    loaded = sum(float(value.sum()) for value in model.state_dict().values())
    assert loaded == pytest.approx(float(written), abs=0.5)


def test_everything_that_is_wrong_is_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    layers, model = drawn(TINY, "linear"), encoder()
    block = layers["encoder_layer_2_transformer"]
    del block["encoder_layer_2_attention/value/bias:0"]
    block["encoder_layer_2_ff1/kernel:0"] = np.zeros((12, 8), np.float32)  # torch's axes
    block["encoder_layer_2_ff3/kernel:0"] = np.zeros((2, 2), np.float32)
    layers["dense_1"] = {"dense_1/bias:0": np.zeros(7, np.float32)}
    save_weights(tmp_path / "weights.h5", layers)
    before = state(model)
    with pytest.raises(TrainableError) as error:
        load_keras_weights(tmp_path / "weights.h5", model)
    assert set(error.value.problems[1:]) == {
        "missing: encoder_layer_2_attention/value/bias (3, 5)",
        "of another shape: encoder_layer_2_ff1/kernel is (12, 8), not (8, 12)",
        "unexpected: encoder_layer_2_transformer/encoder_layer_2_ff3/kernel (2, 2)",
        "unexpected: dense_1/dense_1/bias (7,)",
    }
    assert "weights.h5 does not fit" in error.value.problems[0]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (Size(6, 3, 3, 8, 5, 12), "unexpected: encoder_layer_3_norm2/gamma"),
        (Size(6, 3, 1, 8, 5, 12), "missing: encoder_layer_2_norm2/gamma"),
        (Size(9, 3, 2, 8, 5, 12), r"dense/kernel is \(9, 8\), not \(6, 8\)"),
        (Size(6, 5, 2, 8, 3, 12), r"query/kernel is \(8, 5, 3\), not \(8, 3, 5\)"),
    ],
)
def test_another_size_is_refused(tmp_path: Path, size: Size, said: str) -> None:
    save_weights(tmp_path / "weights.h5", drawn(size, "linear"))
    with pytest.raises(TrainableError, match=said):
        load_keras_weights(tmp_path / "weights.h5", encoder())


def test_another_embedding_is_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.h5", drawn(TINY, "conv"))
    with pytest.raises(TrainableError, match="missing: dense/kernel") as error:
        load_keras_weights(tmp_path / "weights.h5", encoder())
    assert "unexpected: conv1d_patch_embedding/kernel (3, 1, 8)" in error.value.problems


def test_a_tensor_given_twice_is_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.h5", drawn(TINY, "linear"))
    with h5py.File(tmp_path / "weights.h5", "a") as file:
        file["dense/other/kernel:0"] = np.zeros((6, 8), np.float32)
    with pytest.raises(TrainableError, match="unexpected: dense/other/kernel:0"):
        load_keras_weights(tmp_path / "weights.h5", encoder())


def test_a_projection_has_no_published_weights(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.h5", drawn(TINY, "conv"))
    with pytest.raises(TrainableError, match="no projection; this one has 4"):
        load_keras_weights(tmp_path / "weights.h5", PatEncoder(TINY, "conv", conv_channels=4))


def test_without_h5py_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(TrainableError, match="pip install h5py"):
        load_keras_weights(tmp_path / "weights.h5", encoder())


def test_a_file_that_is_absent_or_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("no HDF5")
    for name in ("absent.h5", "text.h5"):
        with pytest.raises(OSError, match=name if name == "absent.h5" else "signature"):
            load_keras_weights(tmp_path / name, encoder())
