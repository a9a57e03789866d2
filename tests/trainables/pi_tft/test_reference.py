"""The reference lines: repeatable, better than chance, blind to the test split's labels."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from trainables.pi_tft.archive import to_frame
from trainables.pi_tft.conjunctions import generate
from trainables.pi_tft.generator import GeneratorConfig, preset, without
from trainables.pi_tft.reference import TreesConfig, fit_trees, latest_risk, summaries
from trainables.pi_tft.sequences import Events, Splits, generate_splits

CONFIG = GeneratorConfig(n_train=600, n_validation=300, n_test=1500, near_share=0.3)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return generate_splits(CONFIG, seed=0)


def pad(events: Events, extra: int) -> Events:
    """The same events with more padding on the left."""
    widths = ((0, 0), (extra, 0))
    return replace(
        events,
        temporal=np.pad(events.temporal, (*widths, (0, 0))),
        mask=np.pad(events.mask, widths),
        time_to_tca=np.pad(events.time_to_tca, widths),
    )


def test_summaries_do_not_see_padding(splits: Splits) -> None:
    table = summaries(splits.test)
    _, _, width = splits.test.temporal.shape
    assert table.shape == (1500, 5 * width + splits.test.static.shape[1] + 7)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(summaries(pad(splits.test, 4)), table)


def test_summaries_are_right_for_one_event(splits: Splits) -> None:
    events = splits.test
    row = int(np.flatnonzero(events.mask.sum(axis=1) >= 3)[0])
    values = events.temporal[row][events.mask[row]].astype(np.float64)
    width = values.shape[1]
    expected = [values[-1], values.min(0), values.max(0), values.mean(0), values[-1] - values[-2]]
    table = summaries(events)[row]
    np.testing.assert_allclose(table[: 5 * width], np.concatenate(expected), atol=1e-6)
    assert table[-7] == events.mask[row].sum()


def test_a_single_message_has_no_change(splits: Splits) -> None:
    single = splits.test.mask.sum(axis=1) == 1
    assert single.any()
    width = splits.test.temporal.shape[2]
    assert np.all(summaries(splits.test)[single, 4 * width : 5 * width] == 0.0)


def test_trees_repeat_with_their_seed(splits: Splits) -> None:
    first, second = (fit_trees(splits, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.test, second.test)
    np.testing.assert_array_equal(first.validation, second.validation)
    assert not np.array_equal(first.test, fit_trees(splits, seed=2).test)


def test_trees_learn() -> None:
    splits = generate_splits(without(CONFIG, "label_noise"), seed=0)  # few events: it would win
    scores = fit_trees(splits, seed=0)
    assert scores.validation.shape == (300,)
    assert scores.test.shape == (1500,)
    assert 1 <= scores.n_trees <= TreesConfig().max_trees
    trees, baseline = (
        average_precision_score(splits.test.label, line.test)
        for line in (scores, latest_risk(splits))
    )
    assert trees > baseline > 1.5 * splits.test.label.mean()


def test_trees_never_see_test_labels(splits: Splits) -> None:
    flipped = replace(splits, test=replace(splits.test, label=1.0 - splits.test.label))
    np.testing.assert_array_equal(fit_trees(splits, seed=0).test, fit_trees(flipped, seed=0).test)


def test_a_larger_positive_weight_raises_the_log_odds(splits: Splits) -> None:
    plain = fit_trees(splits, seed=0)
    weighted = fit_trees(splits, seed=0, config=TreesConfig(positive_weight=20.0))
    assert weighted.test.mean() > plain.test.mean()


def test_latest_risk_is_the_latest_input_risk(splits: Splits) -> None:
    frame = to_frame(generate(CONFIG, seed=0)["test"])
    latest = frame[frame["time_to_tca"] >= 2.0].groupby("event_id")["risk"].last()
    line = latest_risk(splits)
    np.testing.assert_allclose(line.test, latest + 6.0, atol=1e-3)
    assert line.n_trees == 0


def test_trees_have_little_to_add_without_causes() -> None:
    null = generate_splits(replace(preset("null"), n_test=2000), seed=0)
    trees, baseline = (
        average_precision_score(null.test.label, line.test)
        for line in (fit_trees(null, seed=0), latest_risk(null))
    )
    assert abs(trees - baseline) < 0.05
