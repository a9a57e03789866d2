"""Defaults are the plain state, the document's own settings can be had, and mistakes are told."""

import pytest

from search.configuration import flatten, override
from search.errors import SpaceError
from trainables.gen5_prime.bricks import KNOWN_BAD
from trainables.gen5_prime.config import Gen5Config, documented


def test_the_documents_settings_are_its_own():
    settings = flatten(documented())
    expected = {
        "model.name": "resnet18",
        "model.width": 64,
        "data.mode": "paired6",
        "data.norm.kind": "per_sample_robust",
        "data.norm.clip_lo": -5.0,
        "data.norm.clip_hi": 20.0,
        "data.augmentation.noise": 0.0,
        "data.augmentation.paired": True,
        "optim.batch_size": 256,
        "optim.lr": 1e-3,
        "optim.weight_decay": 1e-4,
        "optim.algorithm": "adamw",
        "optim.restart_epochs": 10,
        "optim.restart_factor": 2,
        "optim.floor": 1e-3,
        "stop.epochs": 50,
        "stop.patience": 10,
        "stop.min_delta": 1e-4,
        "stop.watch": "loss",
        "loss.label_smoothing": 0.0,
        "loss.pos_weight": 1.0,
    }
    assert {path: settings[path] for path in expected} == expected
    assert tuple(documented().data.exclude_bricks) == KNOWN_BAD


def test_the_baseline_has_nothing_against_shortcuts():
    plain = flatten(Gen5Config())
    assert plain["data.mode"] == "single3"
    assert plain["data.shortcut.core_dropout"] == plain["data.shortcut.hard_negatives"] == 0.0
    assert not any(plain[f"data.augmentation.{name}"] for name in ("rot90", "flip", "transpose"))
    assert (plain["loss.contrast"], plain["optim.clip"]) == ("none", 0.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss.contrast": "margin", "data.mode": "paired6"}, "needs data.mode='single3'"),
        ({"loss.label_smoothing": 1.0}, "loss.label_smoothing"),
        ({"loss.temperature": 0.0}, "loss.temperature"),
        ({"optim.schedule": "cosin"}, "did you mean 'cosine'"),
        ({"optim.lr": 0.0}, "optim.lr"),
        ({"optim.restart_epochs": 0}, "optim.restart_epochs"),
        ({"stop.watch": "f1"}, "stop.watch"),
        ({"evaluation.min_per_brick": 1}, "evaluation.min_per_brick"),
        ({"data.shortcut.core_dropout": 2.0}, "data.shortcut.core_dropout"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(changes, words):
    with pytest.raises(SpaceError, match=words):
        override(Gen5Config(), changes)
