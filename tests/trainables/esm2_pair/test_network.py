"""From tokens and slots to logits, whichever architecture."""

import numpy as np
import pytest
import torch

from search.errors import DataError
from trainables.esm2_pair.attention import AttentionConfig, CrossAttention
from trainables.esm2_pair.features import FeatureConfig, SlotStatistics
from trainables.esm2_pair.heads import PairMlp
from trainables.esm2_pair.network import ModelConfig, PairNetwork, model_problems
from trainables.esm2_pair.towers import Siamese

STATISTICS = SlotStatistics(np.full((2, 6), 2.0, np.float32), np.full((2, 6), 4.0, np.float32))
SLOTS = torch.tensor([[0, 1]] * 3)
ATTENTION = AttentionConfig(chunks=2, d_attn=4)


@pytest.mark.parametrize(
    ("arch", "kind"),
    [("mlp", PairMlp), ("siamese", Siamese), ("cross_attention", CrossAttention)],
)
@pytest.mark.parametrize("transform", ["none", "slot_norm", "slot_layer_norm", "unit_norm"])
def test_every_architecture_on_every_transform(arch, kind, transform):
    features = FeatureConfig(slot_transform=transform)
    config = ModelConfig(arch, features, attention=ATTENTION)
    network = PairNetwork(config, 1, STATISTICS)
    assert isinstance(network.body, kind)
    outputs = network(torch.randn(3, 2, 1, 6), SLOTS)
    assert outputs.logits.shape == (3,)
    outputs.logits.sum().backward()
    learned = [p for p in network.parameters() if p.requires_grad]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in learned)


def test_the_transform_comes_before_the_body():
    features = FeatureConfig(slot_transform="slot_norm")
    network = PairNetwork(ModelConfig(features=features), 1, STATISTICS).eval()
    tokens = torch.randn(3, 2, 1, 6)
    wanted = network.body((tokens - 2) / 4, SLOTS).logits
    assert torch.allclose(network(tokens, SLOTS).logits, wanted, atol=1e-6)


def test_attention_alone_reads_single_tokens():
    pools = {arch: ModelConfig(arch=arch).pools for arch in ("mlp", "siamese", "cross_attention")}
    assert pools == {"mlp": True, "siamese": True, "cross_attention": False}


def test_one_token_without_chunks_is_refused():
    config = ModelConfig("cross_attention", attention=AttentionConfig(chunks=1))
    with pytest.raises(DataError, match="several tokens per protein"):
        PairNetwork(config, 1, STATISTICS)


def test_a_feature_that_towers_do_not_read_is_refused():
    features = FeatureConfig(use_diff=True, slot_transform="unit_diff")
    assert "model.arch='siamese' does not read" in " ".join(
        model_problems(ModelConfig("siamese", features))
    )
    assert not list(model_problems(ModelConfig("mlp", features)))
    assert "no 'mpl'; did you mean 'mlp'" in " ".join(
        model_problems(ModelConfig("mpl"))  # type: ignore[arg-type]
    )
