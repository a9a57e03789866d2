"""Hidden layers in the order that is asked for."""

import pytest
import torch
from torch import nn

from trainables.esm2_pair.dropout import Dropout
from trainables.esm2_pair.features import FeatureConfig
from trainables.esm2_pair.heads import (
    Classifier,
    MlpConfig,
    PairMlp,
    hidden_layers,
    mlp_problems,
    widths_of,
)


@pytest.mark.parametrize(
    ("norm", "position", "wanted"),
    [
        ("none", "pre_activation", [nn.Linear, nn.ReLU, Dropout]),
        ("batch", "pre_activation", [nn.Linear, nn.BatchNorm1d, nn.ReLU, Dropout]),
        ("batch", "post_activation", [nn.Linear, nn.ReLU, nn.BatchNorm1d, Dropout]),
        ("layer", "pre_activation", [nn.Linear, nn.LayerNorm, nn.ReLU, Dropout]),
        ("layer", "post_activation", [nn.Linear, nn.ReLU, nn.LayerNorm, Dropout]),
    ],
)
def test_the_order_of_layers(norm, position, wanted):
    layers = hidden_layers(6, (5, 3), dropout=0.3, norm=norm, position=position)
    assert [type(layer) for layer in layers] == wanted * 2
    sizes = [tuple(layer.weight.shape) for layer in layers if isinstance(layer, nn.Linear)]
    assert sizes == [(5, 6), (3, 5)]
    assert {layer.p for layer in layers if isinstance(layer, Dropout)} == {0.3}


def test_the_documented_network_has_the_documents_weights():
    mlp = MlpConfig(hidden_dims="512-256-64")
    network = Classifier(1280, FeatureConfig(), mlp)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == 2560 * 512 + 512 + 512 * 256 + 256 + 256 * 64 + 64 + 64 + 1


def test_logits_are_those_of_the_layers_by_hand():
    network = PairMlp(2, FeatureConfig(), MlpConfig(hidden_dims="3", dropout=0.9)).eval()
    tokens = torch.randn(4, 2, 1, 2)
    first, last = network.classifier.hidden[0], network.classifier.output
    hidden = torch.relu(tokens.reshape(4, 4) @ first.weight.T + first.bias)
    wanted = (hidden @ last.weight.T + last.bias)[:, 0]
    outputs = network(tokens, torch.zeros(4, 2).long())
    assert torch.allclose(outputs.logits, wanted, atol=1e-6)
    assert outputs.measured is None


@pytest.mark.parametrize("text", ["", "64-", "-64", "64,32", "0", "64-0", "6.5", "a", "-1"])
def test_words_that_are_no_widths_are_refused(text):
    assert "model.mlp.hidden_dims takes widths" in " ".join(mlp_problems(MlpConfig(text)))


def test_widths_are_read_from_the_input_on():
    assert widths_of("10") == (10,)
    assert widths_of("1024-512-256") == (1024, 512, 256)
