"""Residues are pooled as asked; what is missing is told with where to get it.

No weights are at hand, so what runs the model is a function with known numbers, and loading is
tested by what is not there.
"""

import sys

import numpy as np
import pytest

from search.errors import DataError
from trainables.esm2_pair.transformer_embedder import MAX_RESIDUES, Esm2, load_esm2


def numbers(text):
    """Of the start token 1000, then a residue's place and its letter's code."""
    places = np.arange(len(text), dtype=np.float32)
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.float32)
    start = np.array([[1000.0, 1000.0]], np.float32)
    return np.concatenate([start, np.column_stack([places, codes])])


def embedder(pooling, tokens=1, *, batch=2, seen=None):
    def residues(texts):
        if seen is not None:
            seen.append(list(texts))
        return [numbers(text) for text in texts]

    return Esm2("esm2_t6_8M_UR50D", 2, pooling, tokens, residues, batch)


def test_pooling():
    text = "ACDE"
    codes = [ord(letter) for letter in text]
    mean = embedder("mean").embed([text])
    assert mean.tolist() == [[[1.5, sum(codes) / 4]]]
    assert embedder("cls").embed([text]).tolist() == [[[1000, 1000]]]
    chunks = embedder("chunks", 2).embed([text])
    assert chunks.tolist() == [[[0.5, (codes[0] + codes[1]) / 2], [2.5, (codes[2] + codes[3]) / 2]]]


def test_batches_are_of_like_lengths_and_results_in_the_order_asked_for():
    seen = []
    texts = ["A" * 9, "C", "D" * 8, "EE", "F" * 7]
    found = embedder("mean", seen=seen).embed(texts)
    assert [[len(text) for text in batch] for batch in seen] == [[1, 2], [7, 8], [9]]
    assert found[:, 0, 1].tolist() == [ord(text[0]) for text in texts]


def test_long_sequences_are_cut_and_rare_letters_known():
    seen = []
    embedder("mean", seen=seen).embed(["M" * 2000, "JMJ"])
    assert [len(text) for text in seen[0]] == [3, MAX_RESIDUES]
    assert seen[0][0] == "XMX"


def test_names_tell_pooling_apart():
    assert embedder("mean").name == "esm2_t6_8M_UR50D-mean-1"
    assert embedder("chunks", 8).name == "esm2_t6_8M_UR50D-chunks-8"


def test_weights_that_are_not_there_are_told_with_where_they_are(tmp_path):
    with pytest.raises(DataError) as told:
        load_esm2(tmp_path / "esm2_t33_650M_UR50D")
    message = str(told.value)
    assert "https://huggingface.co/facebook/esm2_t33_650M_UR50D" in message
    assert "fair-esm/models/esm2_t33_650M_UR50D.pt" in message
    assert "esm2_t33_650M_UR50D-contact-regression.pt" in message


def test_a_folder_needs_transformers(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)  # Python's way to say: not installed
    with pytest.raises(DataError, match=f"at {tmp_path} need a package: pip install transformers"):
        load_esm2(tmp_path)


def test_a_file_needs_fair_esm(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "esm", None)
    path = tmp_path / "esm2_t6_8M_UR50D.pt"
    path.touch()
    with pytest.raises(DataError, match="need a package: pip install fair-esm"):
        load_esm2(path)


def test_pooling_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(DataError, match="pooling is not 'maen'; did you mean 'mean'"):
        load_esm2(tmp_path, pooling="maen")
    for pooling, tokens in (("mean", 2), ("cls", 8), ("chunks", 0)):
        with pytest.raises(DataError, match="only 'chunks' has several"):
            load_esm2(tmp_path, pooling=pooling, tokens=tokens)
