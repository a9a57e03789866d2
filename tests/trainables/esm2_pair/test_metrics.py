"""Areas are of scores; hard negatives are those within a lineage."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from search.trainable import Predictions
from trainables.esm2_pair.metrics import METRICS, evaluate, false_positive_rates
from trainables.esm2_pair.pairs import SAME_LINEAGE
from trainables.techniques.calibration import fit_threshold

AREAS = ("hard_auroc", "hard_ap", "auroc", "ap")


def drawn(n: int = 400, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    hard = (label == 1) | (rng.random(n) < 0.4)
    matches = np.where(label == 1, 3, rng.integers(0, 5, n))
    scores = rng.normal(size=n) + label - 0.5 * hard
    return Predictions(scores, label, matches + SAME_LINEAGE * hard)


def test_hard_areas_leave_easy_negatives_out():
    said = drawn()
    found = evaluate(said)
    judged = (said.targets == 1) | (said.groups >= SAME_LINEAGE)
    assert found["hard_auroc"] == pytest.approx(
        roc_auc_score(said.targets[judged], said.scores[judged])
    )
    assert found["hard_ap"] == pytest.approx(
        average_precision_score(said.targets[judged], said.scores[judged])
    )
    assert found["auroc"] == pytest.approx(roc_auc_score(said.targets, said.scores))
    assert found["hard_auroc"] != pytest.approx(found["auroc"], abs=1e-3)


@pytest.mark.parametrize(
    "transform",
    [lambda s: 1 / (1 + np.exp(-s)), lambda s: 3 * s - 7, np.arctan, lambda s: s**3],
    ids=["sigmoid", "affine", "arctan", "cube"],
)
def test_areas_do_not_depend_on_the_scale_of_scores(transform: Any):
    said = drawn()
    plain = evaluate(said)
    other = evaluate(Predictions(transform(said.scores), said.targets, said.groups))
    assert [other[name] for name in AREAS] == [plain[name] for name in AREAS]


def test_areas_of_decisions_are_others():
    """The source document's bug: areas were those of scores that were rounded to 0 and 1."""
    said = drawn()
    plain = evaluate(said)
    decided = np.where(said.scores >= 0, 1.0, -1.0)
    rounded = evaluate(Predictions(decided, said.targets, said.groups))
    assert rounded["f1"] == plain["f1"]
    for name in AREAS:
        assert abs(rounded[name] - plain[name]) > 0.01


@given(st.integers(0, 2**32 - 1))
def test_a_threshold_moves_decisions_and_no_area(seed: int):
    said = drawn(60, seed)
    plain, shifted = evaluate(said), evaluate(fit_threshold(said)(said))
    assert shifted["f1"] >= plain["f1"] - 1e-12
    assert [shifted[name] for name in AREAS] == pytest.approx([plain[name] for name in AREAS])


def test_accuracy_and_false_alarms_are_counted_at_one_half():
    said = Predictions(
        np.array([1.0, -1.0, 0.0, -0.1, 2.0, -2.0, 0.5]),
        np.array([1, 1, 0, 0, 0, 0, 0]),
        np.array([103, 103, 0, 100, 4, 103, 1]),
    )
    found = evaluate(said)
    assert found["accuracy"] == pytest.approx(3 / 7)
    assert false_positive_rates(said) == {
        "fpr_matches_0": 0.5,
        "fpr_matches_1": 1.0,
        "fpr_matches_3_up": 0.5,
    }
    assert found["fpr_matches_3_up"] == 0.5


def test_a_score_that_is_no_number_makes_all_of_them_unknown():
    said = drawn()
    broken = said.scores.copy()
    broken[3] = np.inf
    found = evaluate(Predictions(broken, said.targets, said.groups))
    assert set(METRICS) < set(found)
    assert set(found) == set(evaluate(said))
    assert all(math.isnan(value) for value in found.values())


def test_without_hard_negatives_or_strata_hard_areas_are_unknown():
    said = drawn()
    easy = np.where(said.targets == 1, said.groups, said.groups % SAME_LINEAGE)
    for groups in (easy, None):
        found = evaluate(Predictions(said.scores, said.targets, groups))
        assert math.isnan(found["hard_auroc"])
        assert math.isnan(found["hard_ap"])
        assert found["auroc"] == evaluate(said)["auroc"]
