"""What PI-TFT's source document names is in its spaces."""

import pytest

from search.parameters import Parameters
from spaces.pi_tft import SEARCH_SPACE, SPACE, TECHNIQUES

NAMED = {  # the document's, and what it says in passing
    "loss.kind": {"bce", "wbce", "focal"},
    "loss.physics_weight": {0.0, 0.001, 1.0},
    "loss.miss_weight": {0.001, 0.1, 1.0},
    "model.pooling": {"last", "mean", "attention"},
    "optim.accum_steps": {1, 2, 4, 8},
    "optim.batch_size": {16, 32, 64, 128},
    "optim.swa_schedule": {"constant", "cyclic"},
    "mtl.aggregator": {"sum", "mean", "pcgrad", "gradvac", "cagrad", "gradnorm"},
    "mtl.groups": {"joint", "risk_only", "risk+miss", "risk+physics"},
}
RANGES = {
    "loss.gamma": (0.0, 5.0),
    "loss.alpha": (0.05, 0.95),
    "loss.pos_weight": (1.0, 200.0),
    "optim.swa_start": (0.5, 0.9),
    "optim.ema_decay": (0.9, 0.9999),
    "optim.cycle_len": (1, 5),
    "mtl.gradnorm_alpha": (0.0, 3.0),
    "mtl.cagrad_c": (0.1, 0.9),
}


def domains():
    parameters = Parameters.of(SEARCH_SPACE, ())
    return {parameter.name: parameter.domain for parameter in parameters.parameters}


@pytest.mark.parametrize("path", NAMED)
def test_every_named_choice_can_be_searched(path):
    assert set(domains()[path].choices) >= NAMED[path]


@pytest.mark.parametrize("path", RANGES)
def test_every_named_range_can_be_searched(path):
    assert (domains()[path].low, domains()[path].high) == RANGES[path]


def test_encoder_and_head_have_learning_rates_of_their_own():
    assert {"optim.encoder_lr", "optim.head_lr"} <= SPACE.domains.keys() <= domains().keys()


def test_the_table_has_the_documents_rows():
    assert [technique.name for technique in TECHNIQUES] == [
        "Optimal threshold search",
        "Focal loss",
        "SWA",
        "Attention pooling",
        "Reduce physics weight",
        "Temperature scaling",
        "Gradient accumulation",
        "Reduce auxiliary weight",
        "Gradient surgery",
    ]
