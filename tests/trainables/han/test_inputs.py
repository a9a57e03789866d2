"""What a run may be given, and how it is prepared."""

from dataclasses import replace

import numpy as np
import pytest

from search.errors import TrainableError
from tests.trainables.han.panels import small_panel
from trainables.han.data_config import DataConfig
from trainables.han.generator import GeneratorConfig
from trainables.han.inputs import prepared, splits_of
from trainables.han.reduction import ReductionConfig
from trainables.techniques.splitting import Sampling

SMALL = DataConfig(GeneratorConfig(n_train=60, n_validation=30, n_test=50))


def ready(panel=None, **changes):
    config = DataConfig(**changes)
    return prepared(config, splits_of(config, panel or small_panel(), seed=0))


def test_nothing_given_is_drawn_from_the_seed():
    one, again, other = (splits_of(SMALL, None, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.panel.forecast_values, again.panel.forecast_values, equal_nan=True)
    assert not np.array_equal(
        one.panel.forecast_values, other.panel.forecast_values, equal_nan=True
    )
    assert len(one.train) == 60


def test_a_panel_has_one_split_for_all_seeds():
    panel = small_panel()
    one, other = (splits_of(SMALL, panel, seed=s, sampling=Sampling("fixed", s)) for s in (0, 1))
    assert one.panel is panel
    for name in one.periods:
        assert one.anchors(name).tolist() == other.anchors(name).tolist()
    assert one.periods == {"train": (31, 240), "validation": (240, 300), "test": (300, 400)}


def test_ready_splits_are_used_as_they_are():
    splits = splits_of(SMALL, small_panel(), seed=0)
    assert splits_of(SMALL, splits, seed=1) is splits


@pytest.mark.parametrize("given", [[], "panel", 3])
def test_anything_else_is_refused(given):
    with pytest.raises(TrainableError, match=r"Han takes data=None .* got (list|str|int)"):
        splits_of(SMALL, given, seed=0)


@pytest.mark.parametrize("data", [None, small_panel()])
def test_days_cannot_be_split_again(data):
    with pytest.raises(TrainableError, match=r"replication is .*'fixed'"):
        splits_of(SMALL, data, seed=0, sampling=Sampling("resplit"))


def test_inputs_are_scaled_by_the_training_period():
    panel = small_panel()
    found = ready(panel).inputs
    for sources, raw, fitted in (
        (found.daily, panel.daily, 240),
        (found.regional, panel.regional, 240),
        (found.monthly, panel.monthly, 8),  # day 240 is in September: eight months were over
    ):
        for name, values in sources.items():
            axes = tuple(range(values.ndim - 1))
            assert np.nanmean(values[:fitted], axis=axes) == pytest.approx(0, abs=1e-5)
            assert np.nanstd(values[:fitted], axis=axes) == pytest.approx(1, abs=1e-5)
            assert np.array_equal(np.isnan(values), np.isnan(raw[name]))


def test_the_filter_says_what_it_dropped():
    panel = small_panel()
    twin = panel.daily["a"].copy()
    twin[:, 2] = 0.5 * twin[:, 0]
    panel = replace(panel, daily={**panel.daily, "a": twin})
    found = ready(panel, reduction=ReductionConfig(correlation=0.9))
    assert found.dropped == {"a": ("z",)}
    assert found.inputs.daily["a"].shape == (400, 2)
    assert ready(panel).dropped == {}
    assert panel.forecast_features == ("a.x", "a.y", "a.z", "b.u", "b.v")  # still forecast


def test_components_are_of_what_is_scaled_and_known():
    panel = small_panel()
    found = ready(panel, reduction=ReductionConfig(components=2)).inputs
    gaps = np.isnan(panel.regional["r"]).any(axis=-1)
    assert found.regional["r"].shape == (400, 4, 2)
    assert np.array_equal(np.isnan(found.regional["r"]).all(axis=-1), gaps)
    assert found.daily["a"].shape == (400, 3)


def test_handmade_columns_are_one_more_source():
    plain, more = ready().inputs, ready(handcrafted=True).inputs
    assert set(more.daily) - set(plain.daily) == {"handcrafted"}
    assert more.daily["handcrafted"].shape == (400, 15)


def test_gaps_may_be_filled():
    panel = small_panel()
    known = ~np.isnan(panel.daily["a"])
    plain = ready(panel).inputs.daily["a"]
    for missing in ("zero", "mean", "last"):
        filled = ready(panel, missing=missing).inputs.daily["a"]
        assert not np.isnan(filled).any()
        assert np.array_equal(filled[known], plain[known])
    assert ready(panel, missing="mean").inputs.daily["a"][~known] == pytest.approx(0, abs=1e-5)
    raw = ready(panel, missing="zero", scale="none").inputs.daily["a"]
    assert (raw[~known] == 0).all()


def test_the_last_value_is_carried_on():
    panel = small_panel()
    values = np.tile(np.array([np.nan, 1, np.nan, np.nan, 3], np.float32), 80)[:, None]
    panel = replace(panel, daily={"a": np.tile(values, 3), "b": panel.daily["b"]})
    found = ready(panel, missing="last", scale="none").inputs.daily["a"][:, 1]
    assert found[:10].tolist() == [2, 1, 1, 1, 3, 3, 1, 1, 1, 3]  # nothing yet: the mean
    standard = ready(panel, missing="last").inputs.daily["a"][:, 1]
    assert standard[:5] == pytest.approx([0, -1, -1, -1, 1], abs=1e-6)
