"""Reference lines: by hand on small panels, and what they reach on generated ones."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from tests.trainables.han.panels import small_panel
from trainables.han.data_config import DataConfig
from trainables.han.generator import GeneratorConfig, preset
from trainables.han.reference import constant, persistence, ridge_and_logistic

LINES = [constant, persistence, ridge_and_logistic]
SIZES = {"n_train": 300, "n_validation": 100, "n_test": 300}


@dataclass(frozen=True)
class Config:
    data: DataConfig = field(default_factory=DataConfig)


def generated(generator, **changes):
    return Config(DataConfig(generator=replace(generator, **SIZES, **changes)))


LINKED = generated(GeneratorConfig())


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_scored_on_the_splits_of_its_seed(line):
    found = line(0, config=LINKED)
    assert found == line(0, config=LINKED)
    assert found != line(1, config=LINKED)
    assert {name.split("_")[0] for name in found} == {"val", "test"}
    assert {"val_skill", "test_skill", "test_regime_macro_f1", "test_casualty_crps"} <= set(found)


@pytest.mark.parametrize("line", LINES)
def test_fixed_lines_share_their_test_targets(line):
    one, other = (line(s, config=LINKED, split_seed=3, replication="fixed") for s in (0, 1))
    truths = [found["test_transition_ap"] for found in (one, other)]
    assert line is ridge_and_logistic or truths[0] == truths[1]
    assert line is not persistence or one["test_regime_nll"] == pytest.approx(
        other["test_regime_nll"], rel=0.05
    )


def test_constants_have_no_skill():
    found = constant(0, config=LINKED)
    skills = {k: v for k, v in found.items() if "skill" in k}
    assert len(skills) == 14
    assert all(value <= 1e-9 for value in skills.values())
    assert found["test_transition_auroc"] == 0.5


def test_lines_find_what_there_is():
    ridge = [ridge_and_logistic(seed, config=Config()) for seed in range(2)]
    last = [persistence(seed, config=Config()) for seed in range(2)]

    def mean(found, name):
        return np.mean([one[f"test_{name}"] for one in found])

    assert mean(last, "regime_macro_f1") > 0.75  # regimes last
    assert mean(ridge, "skill_regime") > 0.1
    assert mean(ridge, "transition_auroc") > 0.65
    assert mean(ridge, "skill_daily_forecast") > 0.2
    assert mean(last, "skill_daily_forecast") > 0.2


def test_without_a_link_they_find_nothing():
    null = generated(preset("null"))
    for line in (persistence, ridge_and_logistic):
        found = [line(seed, config=null) for seed in range(2)]
        for task in ("casualty", "anomaly", "transition", "daily_forecast"):
            assert np.mean([one[f"test_skill_{task}"] for one in found]) < 0.05
        regime = [one["test_regime_macro_f1"] for one in found]
        assert np.mean(regime) < 0.32  # a fourth, of four classes


def test_persistence_by_hand():
    """What is constant is foretold without an error; and gaps are bridged."""
    panel = small_panel()
    rising = (np.arange(400) + 1) // 24 % 4  # changes on days after which no anchor comes
    values = {k: np.where(np.isnan(v), v, 5.0).astype(np.float32) for k, v in panel.daily.items()}
    values["a"][200:] *= 2
    targets = {**panel.targets, "regime": rising.astype(float), "anomaly": rising * 2.0}
    targets["regime"][::3] = np.nan  # the anchors: the day before is the last that is known
    data = replace(panel, daily=values, targets=targets)
    found = persistence(0, config=Config(), data=data)
    assert found["val_regime_macro_f1"] == pytest.approx(1.0)
    assert found["test_regime_macro_f1"] == pytest.approx(1.0)
    assert found["test_regime_nll"] == pytest.approx(-np.log(0.9))
    assert found["test_anomaly_r2"] == pytest.approx(1.0)
    assert found["test_skill_transition"] == pytest.approx(0.0)


def determined(said, truth):
    error = np.nansum((truth - said) ** 2, axis=0)
    return np.mean(1 - error / np.nansum((truth - np.nanmean(truth, axis=0)) ** 2, axis=0))


def test_forecasts_are_said_to_go_on_as_they_were():
    panel = small_panel()
    values = panel.forecast_values.astype(np.float64)
    anchors = range(300, 370, 3)
    month = np.stack([np.nanmean(values[day - 29 : day + 1], axis=0) for day in anchors])
    week = np.stack([np.nanmean(values[day - 6 : day + 1], axis=0) for day in anchors])
    later = np.stack([np.nanmean(values[day + 1 : day + 31], axis=0) for day in anchors])
    daily = np.concatenate([values[np.array(anchors) + step] for step in range(1, 8)], axis=1)
    found = persistence(0, config=Config(), data=panel)
    assert found["test_forecast_r2"] == pytest.approx(determined(month, later))
    assert found["test_daily_forecast_r2"] == pytest.approx(determined(np.tile(week, 7), daily))


def test_what_is_not_known_yet_is_not_said_again():
    panel = small_panel(targets={**small_panel().targets, "regime": np.arange(400) % 4.0})
    plain = persistence(0, config=Config(), data=panel)
    late = persistence(0, config=Config(), data=replace(panel, reach=3))
    assert plain["test_regime_macro_f1"] == 0  # the next day is of the next class
    assert late["test_regime_macro_f1"] == 1  # and four days later of the same


def test_lines_run_on_a_panel_that_never_changes():
    still = {k: np.zeros(400) for k in small_panel().targets}
    panel = small_panel(targets=still)
    for line in LINES:
        found = line(0, config=Config(), data=panel)
        assert np.isfinite(found["test_skill"])
        assert np.isnan(found["test_skill_transition"])
