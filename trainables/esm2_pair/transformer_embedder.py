"""Embeddings of ESM-2, from weights on disk, by one of the two packages that read them.

Nothing is downloaded: a folder (transformers) or a file (fair-esm) has to be there. Sequences are
cut at 1022 residues, what ESM-2 was trained with (Lin et al. 2023, doi:10.1126/science.ade2574);
the last layer is pooled.
"""

from __future__ import annotations

import importlib
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from search.errors import DataError, near_miss
from trainables.esm2_pair.embedder import Floats, chunk_means

Pooling = Literal["mean", "cls", "chunks"]
MAX_RESIDUES: Final = 1022
_HUB: Final = "https://huggingface.co/facebook"
_FILES: Final = "https://dl.fbaipublicfiles.com/fair-esm"

Residues = Callable[[Sequence[str]], list[Floats]]
"""From sequences to (1 + length, n_dims) each: the start token, then every residue."""


@dataclass(frozen=True, eq=False)
class Esm2:
    """Embeds by ESM-2; implements `embedder.Embedder`.

    Parameters
    ----------
    model
        As ``esm2_t33_650M_UR50D``.
    dims
        Of its last layer.
    pooling
        "mean" over residues, the "cls" token alone, or means of "chunks".
    tokens
        Chunks; 1 for the other ways of pooling.
    residues
        What runs the model.
    batch
        Sequences at once.
    """

    model: str
    dims: int
    pooling: Pooling
    tokens: int
    residues: Residues
    batch: int = 8

    @property
    def name(self) -> str:
        """Of model and pooling."""
        return f"{self.model}-{self.pooling}-{self.tokens}"

    def embed(self, sequences: Sequence[str]) -> Floats:
        """Return embeddings of shape (n_sequences, n_tokens, n_dims)."""
        found = np.empty((len(sequences), self.tokens, self.dims), np.float32)
        # Batches of similar lengths waste least on padding.
        order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            texts = [sequences[row][:MAX_RESIDUES].replace("J", "X") for row in rows]  # J: I or L
            parts = self.residues(texts)
            for row, part in zip(rows, parts, strict=True):
                found[row] = (
                    part[:1] if self.pooling == "cls" else chunk_means(part[1:], self.tokens)
                )
        return found


def load_esm2(
    path: Path, *, pooling: Pooling = "mean", tokens: int = 1, device: torch.device | None = None
) -> Esm2:
    """Load ESM-2 from disk.

    Parameters
    ----------
    path
        A folder that transformers reads (``config.json``, ``model.safetensors``, ``vocab.txt``), or
        a file that fair-esm reads (``esm2_t33_650M_UR50D.pt``).
    pooling, tokens
        See `Esm2`.
    device
        Where it runs; the CPU by default.

    Raises
    ------
    DataError
        If weights or package are not there, saying which and where from; or if pooling and tokens
        do not fit.
    """
    if pooling not in get_args(Pooling):
        raise DataError(f"pooling is not '{pooling}'{near_miss(pooling, get_args(Pooling))}")
    if tokens < 1 or (pooling != "chunks" and tokens != 1):
        raise DataError(
            f"pooling '{pooling}' cannot have {tokens} tokens: only 'chunks' has several"
        )
    if not path.exists():
        raise DataError(
            f"{path} is not there: get the folder {_HUB}/{path.name} for transformers, or the file "
            f"{_FILES}/models/{path.stem}.pt for fair-esm (with "
            f"{_FILES}/regression/{path.stem}-contact-regression.pt beside it), and put it there"
        )
    load = _from_transformers if path.is_dir() else _from_fair_esm
    dims, residues = load(path, device or torch.device("cpu"))
    return Esm2(path.stem, dims, pooling, tokens, residues)


def _package(name: str, pip: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise DataError(f"ESM-2 weights at {path} need a package: pip install {pip}") from error


def _from_transformers(path: Path, device: torch.device) -> tuple[int, Residues]:
    transformers = _package("transformers", "transformers", path)
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), local_files_only=True)
        model = transformers.EsmModel.from_pretrained(
            str(path), local_files_only=True, add_pooling_layer=False
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no folder of ESM-2 weights: {error}") from error
    model = model.eval().to(device)

    def residues(sequences: Sequence[str]) -> list[Floats]:
        batch = tokenizer(list(sequences), return_tensors="pt", padding=True).to(device)
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state
        return _cut(hidden, sequences)

    return int(model.config.hidden_size), residues


def _from_fair_esm(path: Path, device: torch.device) -> tuple[int, Residues]:
    esm = _package("esm", "fair-esm", path)
    try:
        # The files hold the model's arguments, and torch refuses to load what it was not told of.
        with torch.serialization.safe_globals([Namespace]):
            model, alphabet = esm.pretrained.load_model_and_alphabet_local(str(path))
    except (OSError, KeyError, RuntimeError, UnpicklingError) as error:
        raise DataError(f"{path} is no file of ESM-2 weights: {error}") from error
    model = model.eval().to(device)
    convert = alphabet.get_batch_converter()
    layer = int(model.num_layers)

    def residues(sequences: Sequence[str]) -> list[Floats]:
        _, _, tokens = convert([(str(row), text) for row, text in enumerate(sequences)])
        with torch.inference_mode():
            hidden = model(tokens.to(device), repr_layers=[layer])["representations"][layer]
        return _cut(hidden, sequences)

    return int(model.embed_dim), residues


def _cut(hidden: Tensor, sequences: Sequence[str]) -> list[Floats]:
    """Leave out the end token and padding: (1 + length, n_dims) of each sequence."""
    rows = hidden.float().cpu().numpy()  # (n, 1 + longest + 1, n_dims)
    return [row[: 1 + len(text)] for row, text in zip(rows, sequences, strict=True)]
