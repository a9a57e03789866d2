"""Where first weights come from."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from search.errors import TrainableError
from tests.contracts.pat import FEW
from trainables.pat.config import DataConfig, InitConfig, ModelConfig
from trainables.pat.initial import KEPT, make_encoder, start
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


def test_one_encoder_is_pretrained_for_all_heads_of_an_activity(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="trainables.pat.initial")
    activity = torch.randn(6, 1440, generator=torch.Generator().manual_seed(1))
    plain = ModelConfig()

    def begin(init: InitConfig, model: ModelConfig, recorded: Tensor | None) -> tuple[Any, int]:
        caplog.clear()
        with RandomStream(0, CPU).active():
            encoder = make_encoder(model)
        start(encoder, init, DATA, model, recorded)
        return encoder, len(caplog.records)

    first, times = begin(MASKED, plain, activity)
    assert times == 1
    for model in (plain, replace(plain, head="linear"), replace(plain, head_pool="attention")):
        again, times = begin(MASKED, model, activity.clone())
        assert times == 0
        assert same(first, again)
    other, times = begin(MASKED, plain, activity.flip(0))  # the same bytes in another order
    assert times == 1
    assert not same(first, other)
    assert begin(MASKED, plain, activity[:, :720])[1] == 1
    assert begin(replace(MASKED, seed=9), plain, activity)[1] == 1
    assert begin(MASKED, replace(plain, dropout=0.3), activity)[1] == 1


def test_few_encoders_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="trainables.pat.initial")
    activity = torch.randn(2, 1440, generator=torch.Generator().manual_seed(2))
    for seed in (*range(KEPT + 1), 1, 0):  # the first is forgotten, the second is not
        start(fresh(), replace(MASKED, seed=seed), DATA, ModelConfig(), activity)
    assert len(caplog.records) == KEPT + 2


def test_generated_people_are_pretrained_on_whatever_is_held_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="trainables.pat.initial")
    for n_test in (12, 13):
        data = DataConfig(generator=replace(FEW, n_test=n_test, n_unlabelled=3))
        start(fresh(), MASKED, data, ModelConfig(), None)
    assert len(caplog.records) == 1


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
