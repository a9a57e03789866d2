"""The trainable as an engine sees it."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from search.configuration import override
from search.errors import TrainableError
from trainables.pat.config import PatConfig
from trainables.pat.splits import Splits
from trainables.pat.trainable import Pat
from trainables.techniques import binary


def test_the_test_split_is_seen_at_the_end_only(run: Any, curve: Any) -> None:
    one = run()
    steps = curve(one)
    assert len(steps) == 3
    last = steps[-1]
    assert last["generalization_gap"] == last["val_nll"] - last["train_nll"]
    assert not any(name.startswith("test_") for step in steps[:-1] for name in step)
    assert {"test_auroc", "val_auroc", "test_ece"} <= steps[-1].keys()
    assert all(np.isfinite(value) for step in steps for value in step.values())


def test_early_stopping_answers_with_the_best_epoch(run: Any, curve: Any) -> None:
    one = run(**{"stop.patience": 1, "stop.epochs": 9, "optim.lr": 0.01})
    steps = curve(one)
    best = max(step["val_auroc"] for step in steps)
    assert steps[-1]["val_auroc"] == best
    assert binary.evaluate(one.predict("validation"))["auroc"] == best
    with pytest.raises(TrainableError, match="is over"):
        one.step()


def test_a_small_gain_does_not_count_as_better(run: Any, curve: Any) -> None:
    steps = curve(run(**{"stop.patience": 1, "stop.min_delta": 2.0, "stop.epochs": 9}))
    assert len(steps) == 2  # nothing is better than the first by so much


def test_a_run_is_never_longer_than_the_study_allows(run: Any, curve: Any) -> None:
    assert len(curve(run(max_steps=2))) == 2


def test_a_wrong_scale_is_said_before_training(run: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        fine = run()
    assert fine.inputs.problem is None
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        wrong = run(**{"data.norm": "fixed"})
    assert "its scale is not that of these counts" in wrong.inputs.problem
    assert wrong.inputs.problem in caplog.text


def test_arms_of_one_seed_start_alike(run: Any, tmp_path: Path) -> None:
    """Whatever the embedding and the pooling: blocks, and the layers of the head."""
    started = []
    arms: list[dict[str, str]] = [
        {},
        {"model.patch_embed": "conv"},
        {"model.head_pool": "attention"},
    ]
    for arm in arms:
        run(**arm).save(tmp_path)
        saved = torch.load(tmp_path / Pat.checkpoint, weights_only=True)
        started.append(saved["trainer"]["network"])
    for other in started[1:]:
        alike = [name for name in started[0] if ".patches." not in name]
        assert len(alike) > 10
        assert all(torch.equal(started[0][name], other[name]) for name in alike)


def test_it_learns_what_there_is_to_learn(splits: Splits) -> None:
    changes = {"optim.batch_size": 8, "stop.epochs": 25, "optim.lr": 3e-3, "model.dropout": 0.0}
    config = override(PatConfig(), changes)
    one = Pat(config, seed=0, max_steps=25, data=splits)
    losses = []
    while not one.done:
        losses.append(one.step()["train_nll"])
    assert losses[-1] < 0.5 * losses[0]
