"""The trainable as an engine sees it."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from search.configuration import override
from search.errors import TrainableError
from search.trainable import inspect_trainable
from trainables.pat.config import PatConfig
from trainables.pat.splits import Splits
from trainables.pat.trainable import CHECKPOINT, Pat
from trainables.techniques import binary

EVERYTHING = {
    "stop.patience": 5,
    "optim.mode": "gradual",
    "optim.differential": True,
    "optim.schedule": "plateau",
    "optim.plateau_patience": 1,
    "loss.class_weight": "sqrt",
    "loss.label_smoothing": 0.1,
    "model.patch_embed": "conv",
}


def logits(one: Pat) -> np.ndarray[Any, Any]:
    return np.concatenate([one.predict(split).scores for split in ("validation", "test")])


def test_it_meets_the_contract() -> None:
    contract = inspect_trainable(Pat)
    assert (contract.kind, contract.predicts) == ("class", True)


def test_the_test_split_is_seen_at_the_end_only(run: Any, curve: Any) -> None:
    steps = curve(run())
    assert len(steps) == 3
    assert not any(name.startswith("test_") for step in steps[:-1] for name in step)
    assert {"test_auroc", "val_auroc", "test_ece"} <= steps[-1].keys()
    assert all(np.isfinite(value) for step in steps for value in step.values())


def test_metrics_are_those_of_its_predictions(run: Any, curve: Any) -> None:
    one = run()
    last = curve(one)[-1]
    for split, prefix in (("validation", "val_"), ("test", "test_")):
        for name, value in binary.evaluate(one.predict(split)).items():
            assert last[prefix + name] == value
    assert last["generalization_gap"] == last["val_nll"] - last["train_nll"]


def test_a_seed_decides_everything(run: Any, curve: Any) -> None:
    first, again, other = (curve(run(seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_callers_random_numbers_stay_where_they_were(run: Any, curve: Any) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    curve(run(**{"init.start": "masked"}))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["plain", "everything"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_it_goes_on_exactly_from_a_checkpoint(
    run: Any, curve: Any, tmp_path: Path, changes: dict[str, Any], after: int
) -> None:
    whole = run(**changes)
    steps = curve(whole)
    one = run(**changes)
    for _ in range(after):
        one.step()
    one.save(tmp_path)
    two = run(**changes)
    two.load(tmp_path)
    assert curve(two) == steps[after:]
    np.testing.assert_array_equal(logits(two), logits(whole))


def test_a_checkpoint_holds_tensors_and_plain_values(run: Any, tmp_path: Path) -> None:
    one = run(**EVERYTHING)
    one.step()
    one.save(tmp_path)
    torch.load(tmp_path / CHECKPOINT, weights_only=True)


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


def test_it_learns_what_there_is_to_learn(splits: Splits) -> None:
    changes = {"optim.batch_size": 8, "stop.epochs": 25, "optim.lr": 3e-3, "model.dropout": 0.0}
    config = override(PatConfig(), changes)
    one = Pat(config, seed=0, max_steps=25, data=splits)
    losses = []
    while not one.done:
        losses.append(one.step()["train_nll"])
    assert losses[-1] < 0.5 * losses[0]


def test_foreign_data_and_splits_are_refused(run: Any) -> None:
    with pytest.raises(TrainableError, match="takes data=None"):
        Pat(PatConfig(), seed=0, max_steps=1, data=[1, 2])
    with pytest.raises(TrainableError, match="no split 'tets'; did you mean 'test'"):
        run().predict("tets")


def test_what_explains_a_run_can_be_drawn(run: Any, curve: Any) -> None:
    one = run()
    curve(one)
    found = one.diagnose()
    assert set(found) == {"reliability", "precision_recall"}
    assert all(len(figure["x"]) == len(figure["y"]) for figure in found.values())
