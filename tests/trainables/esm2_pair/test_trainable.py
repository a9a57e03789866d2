"""The trainable as an engine sees it, beyond the contract of all systems."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from search.configuration import override
from search.errors import DataError
from search.trainable import Predictions
from tests.trainables.esm2_pair.pair_splits import make_pairs, make_splits
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.distances import fit_logits
from trainables.esm2_pair.metrics import evaluate
from trainables.esm2_pair.pairs import Pairs, Splits
from trainables.esm2_pair.trainable import Esm2Pair
from trainables.techniques.calibration import fit_threshold

SMALL = {"model.mlp.hidden_dims": "8", "model.tower.dims": "4", "optim.batch_size": 8}
CONTRASTIVE = {"model.arch": "siamese", "loss.kind": "contrastive"}


def run(splits=None, max_steps=3, seed=0, **changes):
    config = override(Esm2PairConfig(), {**SMALL, **changes})
    data = splits or make_splits()
    return Esm2Pair(config, seed=seed, max_steps=max_steps, data=data)


def curve(one):
    found = []
    while not one.done:
        found.append(one.step())
    return found


def test_the_test_split_is_seen_at_the_end_only():
    steps = curve(run())
    assert len(steps) == 3
    assert not any(name.startswith("test_") for step in steps[:-1] for name in step)
    assert {"test_hard_auroc", "val_hard_auroc", "test_f1", "test_fpr_matches_0"} <= set(steps[-1])
    assert steps[-1]["generalization_gap"] == steps[-1]["val_nll"] - steps[-1]["train_nll"]


@pytest.mark.parametrize(
    ("watch", "metric", "best"),
    [
        ("loss", "val_nll", min),
        ("f1", "val_f1", max),
        ("auroc", "val_auroc", max),
        ("ap", "val_ap", max),
        ("hard_auroc", "val_hard_auroc", max),
    ],
)
def test_early_stopping_answers_with_the_best_epoch_by_what_it_watches(watch, metric, best):
    one = run(
        max_steps=12,
        **{"stop.epochs": 12, "stop.patience": 3, "stop.watch": watch, "optim.lr": 0.1},
    )
    steps = curve(one)
    values = [step[metric] for step in steps]
    assert values[-1] == best(values)
    assert values[:-1].index(values[-1]) < len(values) - 1  # not simply the last one's
    found = evaluate(one.predict("validation"))[metric.removeprefix("val_")]
    assert found == values[-1]


def test_a_plateau_follows_a_loss_downwards():
    """Validation losses that fall are better, so that the rate stays."""
    splits = make_splits()
    same = Splits(splits.embeddings, splits.train, splits.train, splits.train)
    changes = {"optim.schedule": "plateau", "optim.lr": 1e-3, "stop.epochs": 8}
    steps = curve(run(same, max_steps=8, **{**changes, "model.mlp.dropout": 0.0}))
    losses = [step["val_nll"] for step in steps]
    assert losses == sorted(losses, reverse=True)
    assert {step["lr"] for step in steps} == {1e-3}


def test_distances_are_calibrated_by_validation_for_both_splits():
    one = run(**CONTRASTIVE)
    curve(one)
    validation, test = one.predict("validation"), one.predict("test")
    rate = 1 / (1 + np.exp(-validation.scores))
    assert rate.mean() == pytest.approx(validation.targets.mean(), abs=0.02)
    own = fit_logits(test)  # the test split's own line would be another one
    assert abs(own.slope - 1) + abs(own.offset) > 1e-3


def test_tokens_are_read_as_their_mean_except_by_attention():
    several = make_splits(n_tokens=4, n_dims=8)
    pooled = Splits(
        several.embeddings.mean(axis=1, keepdims=True),
        several.train,
        several.validation,
        several.test,
    )
    assert curve(run(several)) == curve(run(pooled))
    attention = {"model.arch": "cross_attention", "model.attention.chunks": 4}
    assert curve(run(several, **attention)) != curve(run(pooled, **attention))


def test_one_token_is_refused_where_attention_is_wanted():
    changes = {"model.arch": "cross_attention", "model.attention.chunks": 1}
    with pytest.raises(DataError, match="attention is the identity"):
        run(**changes)
    assert curve(run(make_splits(n_tokens=3), **changes))


def test_embeddings_are_left_as_they_are():
    splits = make_splits()
    before = splits.embeddings.copy()
    curve(run(splits, **{"model.features.slot_transform": "slot_norm"}))
    assert np.array_equal(splits.embeddings, before)


def test_splits_without_hard_negatives_are_refused():
    splits = make_splits()
    pairs = splits.test
    easy = Pairs(
        pairs.first, pairs.second, pairs.label, pairs.label == 1, pairs.matches, pairs.slots
    )
    with pytest.raises(DataError, match="test split holds no negatives within a lineage"):
        run(Splits(splits.embeddings, splits.train, splits.validation, easy))


def test_splits_of_one_class_are_refused():
    splits = make_splits()
    pairs = make_pairs()
    positive = Pairs(
        pairs.first,
        pairs.second,
        np.ones_like(pairs.label),
        pairs.same_lineage,
        pairs.matches,
        pairs.slots,
    )
    with pytest.raises(DataError, match="the train split must hold pairs of one isolate"):
        run(Splits(splits.embeddings, positive, splits.validation, splits.test))


def test_arms_of_one_seed_start_alike(tmp_path):
    """Whatever the loss and the rate: same first weights, same order."""
    started = []
    for changes in ({}, {"loss.label_smoothing": 0.2}, {"optim.clip": 1.0}):
        run(**changes).save(tmp_path)
        state = torch.load(tmp_path / Esm2Pair.checkpoint, weights_only=True)["trainer"]
        started.append((state["network"], state["order"]))
    for network, order in started[1:]:
        assert torch.equal(order, started[0][1])
        assert all(torch.equal(network[name], started[0][0][name]) for name in network)


def test_a_slot_that_train_pairs_lack_has_a_place():
    splits = make_splits()
    test = splits.test
    other = Pairs(
        test.first, test.second, test.label, test.same_lineage, test.matches, test.slots + 1
    )
    changes = {"model.features.slot_transform": "slot_norm"}
    one = run(Splits(splits.embeddings, splits.train, splits.validation, other), **changes)
    assert np.isfinite(curve(one)[-1]["test_auroc"])


def test_what_splits_share_is_among_the_pictures():
    one = run()
    curve(one)
    assert one.diagnose()["leakage"]["values"] == [0.25]


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        CONTRASTIVE,
        {"model.arch": "siamese", "loss.kind": "nt_xent"},
        {"model.arch": "cross_attention", "model.attention.d_attn": 4},
        {"loss.kind": "focal"},
    ],
    ids=str,
)
def test_every_kind_of_run_takes_a_threshold_that_moves_no_area(changes, beta):
    one = run(make_splits(n_tokens=2), **changes)
    last = curve(one)[-1]
    name = {0.5: "f0_5", 1.0: "f1", 2.0: "f2"}[beta]
    move = fit_threshold(one.predict("validation"), beta=beta)
    plain, moved = (
        evaluate(p) for p in (one.predict("validation"), move(one.predict("validation")))
    )
    assert moved[name] >= plain[name]
    assert last[f"val_{name}"] == plain[name]
    test = one.predict("test")
    for area in ("auroc", "hard_auroc", "ap", "hard_ap"):
        assert evaluate(move(test))[area] == pytest.approx(evaluate(test)[area], abs=1e-12)
        assert last[f"test_{area}"] == evaluate(test)[area]


def test_the_area_a_run_reports_is_that_of_scores_and_not_of_decisions():
    one = run(**{"optim.lr": 0.03})
    last = curve(one)[-1]
    test = one.predict("test")
    decided = Predictions((np.asarray(test.scores) >= 0).astype(float), test.targets, test.groups)
    assert last["test_auroc"] == pytest.approx(roc_auc_score(test.targets, test.scores))
    assert evaluate(decided)["auroc"] != pytest.approx(last["test_auroc"], abs=1e-3)
