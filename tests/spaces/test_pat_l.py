"""What PAT's source document names is in its space."""

import pytest

from search.configuration import flatten
from search.parameters import Parameters
from spaces.pat_l import SEARCH_SPACE, TECHNIQUES

NAMED = {  # the document's, and what it says in passing
    "model.patch_embed": {"linear", "conv"},
    "model.conv_kernel": {3, 5, 9},
    "model.conv_pool": {"mean", "flatten"},
    "model.head": {"mlp", "linear"},
    "model.head_pool": {"mean", "attention"},
    "optim.mode": {"full", "probe", "two_stage", "gradual"},
    "optim.schedule": {"none", "cosine", "warmup_cosine", "plateau"},
    "optim.batch_size": {8, 16, 32, 64},
    "optim.differential": {False, True},
    "loss.class_weight": {"none", "balanced"},
    "init.start": {"scratch", "masked"},
    "init.masked.mask_ratio": {0.25, 0.5, 0.75, 0.9},
}
ENCODER_RATES = {2e-5, 5e-5, 1e-4}


def domains():
    parameters = Parameters.of(SEARCH_SPACE, ())
    return {parameter.name: parameter.domain for parameter in parameters.parameters}


@pytest.mark.parametrize("path", NAMED)
def test_every_named_choice_can_be_searched(path):
    assert set(domains()[path].choices) >= NAMED[path]


def test_encoder_and_head_rates_hold_the_documents():
    encoder, head = (domains()[f"optim.{part}_lr"] for part in ("encoder", "head"))
    assert all(encoder.low <= rate <= encoder.high for rate in ENCODER_RATES)
    assert head.low <= 5e-4 <= head.high


def test_the_five_experiments_are_tried_first():
    tried = [flatten(SEARCH_SPACE.configuration(point)) for point in SEARCH_SPACE.points]
    assert [config["optim.mode"] for config in tried] == ["two_stage"] * 3 + ["full"] * 2
    assert [config["stop.epochs"] for config in tried] == [10, 15, 15, 15, 15]
    assert [config["optim.encoder_lr"] for config in tried[:3]] == [2e-5, 2e-5, 5e-5]
    assert [config["stop.patience"] for config in tried] == [0, 0, 0, 5, 15]


def test_the_encoders_rate_is_a_response_curve():
    levels = [t.levels for t in TECHNIQUES if t.name == "Encoder learning rate"]
    assert [set(each["optim.encoder_lr"]) for each in levels] == [ENCODER_RATES]
