"""From channels to a logit."""

import pytest
import torch

from search.errors import SpaceError
from trainables.gen5_prime.channels import MODES, N_CHANNELS
from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.network import LensNetwork, ModelConfig


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["resnet18", "efficient"])
def test_every_mode_has_a_network(mode, name):
    network = LensNetwork(ModelConfig(name=name, width=2), mode)
    outputs = network(torch.randn(4, N_CHANNELS[mode], 64, 64))
    assert outputs.logits.shape == (4,)
    torch.testing.assert_close(outputs.embedding.norm(dim=1), torch.ones(4))


def test_first_weights_are_the_stems():
    network = LensNetwork(ModelConfig(width=3), "paired6")
    assert network.first[0].shape == (3, 6, 7, 7)


def test_dropout_is_of_training_alone():
    network = LensNetwork(ModelConfig(width=2, norm="group", dropout=0.5), "single3")
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    assert not torch.equal(network(images).logits, network(images).logits)
    network.eval()
    assert torch.equal(network(images).logits, network(images).logits)


def test_what_is_out_of_range_is_said_at_once():
    with pytest.raises(SpaceError) as found:
        Gen5Config(model=ModelConfig(name="resnet", width=0, stem="5x5", dropout=1.0))  # type: ignore[arg-type]  # wrong on purpose
    text = str(found.value)
    assert "did you mean 'resnet18'" in text
    for path in ("model.name", "model.width", "model.stem", "model.dropout"):
        assert path in text
