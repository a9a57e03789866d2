"""Where first weights come from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from search.errors import TrainableError
from tests.contracts.pat import FEW
from trainables.pat.config import DataConfig, InitConfig, ModelConfig
from trainables.pat.initial import make_encoder, start
from trainables.pat.pretraining import PretrainConfig, save_encoder
from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")
MASKED = InitConfig(start="masked", masked=PretrainConfig(epochs=1, batch_size=4))
DATA = DataConfig(generator=FEW)


def fresh(seed: int = 0) -> Any:
    with RandomStream(seed, CPU).active():
        return make_encoder(ModelConfig())


def same(one: Any, other: Any) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_from_scratch_the_drawn_weights_stay() -> None:
    encoder = fresh()
    start(encoder, InitConfig(), DATA, ModelConfig(), None)
    assert same(encoder, fresh())


def test_all_seeds_share_one_pretrained_encoder() -> None:
    one, other = fresh(1), fresh(2)
    for encoder in (one, other):
        start(encoder, MASKED, DATA, ModelConfig(), None)
    assert same(one, other)
    assert not same(one, fresh(1))
    third = fresh(1)
    start(third, replace(MASKED, seed=5), DATA, ModelConfig(), None)
    assert not same(one, third)


def test_pretraining_takes_the_published_rate_of_the_size() -> None:
    found = []
    for lr in (0.0, 1e-3, 1e-4):
        encoder = fresh()
        start(
            encoder,
            replace(MASKED, masked=replace(MASKED.masked, lr=lr)),
            DATA,
            ModelConfig(),
            None,
        )
        found.append(encoder)
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_recorded_windows_are_pretrained_on() -> None:
    activity = torch.randn(6, 1440, generator=torch.Generator().manual_seed(0))
    one, other = fresh(), fresh()
    start(one, MASKED, DATA, ModelConfig(), activity)
    start(other, MASKED, DATA, ModelConfig(), activity + 1)
    assert not same(one, other)


def test_without_a_cohort_there_is_nothing_to_pretrain_on() -> None:
    nobody = DataConfig(generator=replace(FEW, n_unlabelled=0))
    with pytest.raises(TrainableError, match="n_unlabelled above 0"):
        start(fresh(), MASKED, nobody, ModelConfig(), None)


def test_a_kept_encoder_is_read_and_another_layout_refused(tmp_path: Path) -> None:
    path = tmp_path / "encoder.pt"
    save_encoder(path, fresh(7))
    encoder = fresh()
    start(encoder, InitConfig(start="file", path=str(path)), DATA, ModelConfig(), None)
    assert same(encoder, fresh(7))
    conv = ModelConfig(patch_embed="conv")
    with RandomStream(0, CPU).active():
        other = make_encoder(conv)
    with pytest.raises(TrainableError, match="embedding"):
        start(other, InitConfig(start="file", path=str(path)), DATA, conv, None)
