import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from trainables.techniques.ranking import (
    area_under_roc,
    average_precision,
    best_threshold,
    f_score_at,
    ranking_curve,
    threshold_of,
)

Ranking = tuple[NDArray[np.float64], NDArray[np.int64]]


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    size = draw(st.integers(2, 40))
    ties = draw(st.booleans())
    values = st.integers(0, 4).map(float) if ties else st.floats(-5, 5, width=32)
    scores = np.array(draw(st.lists(values, min_size=size, max_size=size)))
    targets = np.array(draw(st.lists(st.sampled_from([0, 1]), min_size=size, max_size=size)))
    targets[0], targets[-1] = 0, 1
    return scores, targets


@given(rankings())
def test_average_precision_and_auroc_are_scikit_learns(ranking: Ranking) -> None:
    scores, targets = ranking
    curve = ranking_curve(scores, targets)
    expected = sklearn_metrics.average_precision_score(targets, scores)
    assert average_precision(curve) == pytest.approx(expected, abs=1e-12)
    assert area_under_roc(curve) == pytest.approx(sklearn_metrics.roc_auc_score(targets, scores))


@given(rankings())
def test_the_curve_is_scikit_learns(ranking: Ranking) -> None:
    scores, targets = ranking
    precision, recall, thresholds = sklearn_metrics.precision_recall_curve(targets, scores)
    curve = ranking_curve(scores, targets)
    assert np.allclose(curve.precision, precision[:-1][::-1])
    assert np.allclose(curve.recall, recall[:-1][::-1])
    assert np.allclose(curve.thresholds, thresholds[::-1])


@given(rankings(), st.sampled_from([0.5, 1.0, 2.0]), st.floats(-5, 5))
def test_f_scores_are_scikit_learns(ranking: Ranking, beta: float, threshold: float) -> None:
    scores, targets = ranking
    expected = sklearn_metrics.fbeta_score(targets, scores >= threshold, beta=beta, zero_division=0)
    assert f_score_at(scores, targets, threshold, beta=beta) == pytest.approx(expected)


@given(rankings(), st.sampled_from([0.5, 1.0, 2.0]))
def test_no_threshold_beats_the_best(ranking: Ranking, beta: float) -> None:
    scores, targets = ranking
    chosen = f_score_at(scores, targets, best_threshold(scores, targets, beta=beta), beta=beta)
    tried = [f_score_at(scores, targets, value, beta=beta) for value in scores]
    assert chosen == pytest.approx(max(tried))
    assert chosen == pytest.approx(ranking_curve(scores, targets).f_score(beta).max())


def test_the_threshold_of_the_lowest_score_is_that_score() -> None:
    curve = ranking_curve(np.array([2.0, 1.0]), np.array([0, 1]))
    assert threshold_of(curve, beta=1.0) == 1.0


@pytest.mark.parametrize("targets", [[0, 0, 0], [1, 1, 1]])
def test_one_class_alone_is_refused(targets: list[int]) -> None:
    with pytest.raises(ValueError, match=f"got {sum(targets)} positives among 3"):
        ranking_curve(np.array([1.0, 2.0, 3.0]), np.array(targets))
