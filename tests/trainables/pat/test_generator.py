"""Generated activity has the effects it should, and every cause does what it says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from search.errors import SpaceError
from trainables.pat.actigraphs import Actigraphs, draw, draw_all
from trainables.pat.generator import CAUSES, GeneratorConfig, preset, without
from trainables.pat.nonwear import worn_minutes
from trainables.pat.windows import DAY

SMALL = GeneratorConfig(n_train=60, n_validation=30, n_test=50, n_unlabelled=40)


def many(config: GeneratorConfig, *, seed: int = 0, size: int = 1500, role="test") -> Actigraphs:
    return draw(config, size, role=role, rng=np.random.default_rng(seed))


def alone(config: GeneratorConfig, cause: str) -> GeneratorConfig:
    """Every cause off but one."""
    return without(config, *(set(CAUSES) - {cause}))


def hours(drawn: Actigraphs) -> np.ndarray:
    n, minutes = drawn.windows.activity.shape
    return drawn.windows.activity.reshape(n, minutes // DAY, 24, 60).mean(axis=(1, 3))


def test_the_same_seed_gives_the_same_people_whatever_the_global_state():
    np.random.seed(1)  # noqa: NPY002  the point is that global state does not matter
    first = draw_all(SMALL, 3)
    np.random.seed(2)  # noqa: NPY002  likewise
    second = draw_all(SMALL, 3)
    other = draw_all(SMALL, 4)
    for role, drawn in first.items():
        np.testing.assert_array_equal(
            drawn.windows.activity, second[role].windows.activity, err_msg=role
        )
        assert not np.array_equal(drawn.windows.activity, other[role].windows.activity)


def test_a_split_does_not_depend_on_the_size_of_another():
    first = draw_all(SMALL, 3)["test"]
    second = draw_all(replace(SMALL, n_train=7, n_unlabelled=0), 3)["test"]
    np.testing.assert_array_equal(first.windows.activity, second.windows.activity)


def test_nobody_is_drawn_twice_and_splits_have_their_sizes():
    drawn = draw_all(SMALL, 0)
    assert [len(part.windows) for part in drawn.values()] == [60, 30, 50, 40]
    people = np.concatenate([part.windows.participant for part in drawn.values()])
    assert len(np.unique(people)) == 180
    assert "unlabelled" not in draw_all(replace(SMALL, n_unlabelled=0), 0)


@pytest.mark.parametrize("days", [1, 2, 7])
def test_counts_are_whole_and_windows_whole_days(days):
    windows = many(replace(SMALL, days=days), size=20).windows
    assert windows.activity.shape == (20, days * DAY)
    assert windows.activity.dtype == np.float32
    assert windows.worn.all()
    assert (windows.activity >= 0).all()
    np.testing.assert_array_equal(windows.activity, np.rint(windows.activity))


def test_labels_are_exact_shares_and_the_unlabelled_have_none():
    drawn = draw_all(without(SMALL, "label_noise"), 0)
    for role, n in (("train", 12), ("validation", 6), ("test", 10)):
        np.testing.assert_array_equal(drawn[role].windows.label, drawn[role].depressed)
        assert drawn[role].depressed.sum() == n
    assert set(drawn["unlabelled"].windows.label.tolist()) == {-1}
    rare = many(replace(SMALL, prevalence=0.0), size=10)
    assert rare.depressed.sum() == 1  # both labels are always there


@pytest.mark.parametrize(("name", "auc"), [("default", 0.921), ("null", 0.921), ("survey", 0.651)])
def test_severity_tells_depressed_people_as_well_as_announced(name, auc):
    config = preset(name)
    assert norm.cdf(config.latent_shift / np.sqrt(2)) == pytest.approx(auc, abs=0.001)
    drawn = many(replace(config, days=1, prevalence=0.5), size=4000)
    assert roc_auc_score(drawn.depressed, drawn.severity) == pytest.approx(auc, abs=0.02)


def test_days_have_a_rhythm_and_severity_delays_and_lowers_it():
    plain = replace(
        preset("null"), counts=300.0, latent_shift=0.0, phase_spread=0.0, phase_jitter=0.0
    )
    profile = hours(many(plain, size=3000))
    mean = profile.mean(axis=0)
    assert mean[12:18].mean() > 10 * mean[1:5].mean()
    angle = np.exp(2j * np.pi * (np.arange(24) + 0.5) / 24)
    assert np.angle(mean @ angle) * 12 / np.pi % 24 == pytest.approx(15.0, abs=0.1)
    strong = replace(plain, phase_effect=2.0, level_effect=0.3)
    drawn = many(strong, size=3000)
    acrophase = np.angle(hours(drawn) @ angle) * 12 / np.pi % 24
    level = np.log(hours(drawn).mean(axis=1))
    assert np.polyfit(drawn.severity, acrophase, 1)[0] == pytest.approx(2.0, abs=0.15)
    assert np.polyfit(drawn.severity, level, 1)[0] == pytest.approx(np.log(0.7), abs=0.03)


def test_severity_stirs_the_night():
    config = replace(preset("null"), counts=300.0, phase_spread=0.0, phase_jitter=0.0)
    drawn = many(replace(config, night_spread=0.0, phase_effect=0.0, night_effect=0.5))
    night = (drawn.windows.activity[:, 60:270] > 0).mean(axis=1)
    assert np.corrcoef(np.log(night + 0.01), drawn.severity)[0, 1] > 0.7
    assert 0.02 < night.mean() < 0.15


def differences(drawn: Actigraphs) -> np.ndarray:
    """Relative change from minute to minute in the afternoon."""
    day = drawn.windows.activity[:, 12 * 60 : 18 * 60]
    return np.abs(np.diff(day, axis=1)).mean(axis=1) / np.maximum(day.mean(axis=1), 1.0)


def patch_variation(drawn: Actigraphs, minutes: int) -> np.ndarray:
    """Relative deviation of sums of patches in the afternoon."""
    day = drawn.windows.activity[:, 12 * 60 : 18 * 60].reshape(-1, 360 // minutes, minutes)
    sums = day.sum(axis=2)
    return sums.std(axis=1) / np.maximum(sums.mean(axis=1), 1.0)


def test_texture_shows_from_minute_to_minute_and_hardly_in_patches():
    config = replace(preset("default"), prevalence=0.5)
    drawn = many(config)
    seen = abs(np.corrcoef(differences(drawn), drawn.severity)[0, 1])
    assert seen > 0.4
    assert np.corrcoef(differences(drawn), drawn.switching)[0, 1] > 0.7
    for minutes in (9, 18):
        hidden = abs(np.corrcoef(patch_variation(drawn, minutes), drawn.severity)[0, 1])
        assert hidden < 0.5 * seen
    off = many(without(config, "texture"))
    assert abs(np.corrcoef(differences(off), off.severity)[0, 1]) < 0.1
    np.testing.assert_allclose(
        hours(off).mean(axis=0)[10:20], hours(drawn).mean(axis=0)[10:20], rtol=0.05
    )


def test_gain_hides_how_active_people_are():
    with_gain, alike = (
        np.log(hours(many(config)).mean(axis=1)).std()
        for config in (preset("default"), without(preset("default"), "gain"))
    )
    added = np.sqrt(with_gain**2 - alike**2)
    assert added == pytest.approx(preset("default").gain_spread, rel=0.1)
    assert added > alike  # more than severity, phase and chance together


def test_without_scale_counts_have_the_fixed_mean_and_deviation():
    activity = many(preset("null")).windows.activity
    assert activity.mean() == pytest.approx(2.5, abs=0.5)
    assert 1.0 < activity.std() < 4.0
    assert many(preset("default")).windows.activity.mean() > 50


def test_imbalance_alone_moves_the_prevalence():
    assert many(preset("default")).depressed.mean() == pytest.approx(0.2)
    assert many(without(preset("default"), "imbalance")).depressed.mean() == pytest.approx(0.5)


def test_pretraining_off_leaves_counts_but_no_rhythm():
    on, off = (
        many(config, role="unlabelled", size=100)
        for config in (preset("default"), without(preset("default"), "pretraining"))
    )
    assert hours(on).mean(axis=0).std() > 10 * hours(off).mean(axis=0).std()
    np.testing.assert_array_equal(on.severity, off.severity)
    first = slice(0, 100)
    np.testing.assert_array_equal(
        np.sort(on.windows.activity[first], axis=1), np.sort(off.windows.activity[first], axis=1)
    )
    half = many(replace(preset("default"), shared_rhythm=0.5), role="unlabelled", size=100)
    moved = (half.windows.activity != on.windows.activity).any(axis=1)
    assert 0.3 < moved.mean() < 0.7


def test_the_device_shift_concerns_the_unlabelled_cohort_only():
    shifted, same = preset("default"), without(preset("default"), "device_shift")
    wrist, hip = (many(config, role="unlabelled", size=200) for config in (same, shifted))
    assert hip.windows.activity.mean() == pytest.approx(
        0.4 * wrist.windows.activity.mean(), rel=0.1
    )
    small = hip.windows.activity[hip.windows.activity > 0].min()
    assert small >= 25
    assert (hip.windows.activity == 0).mean() > (wrist.windows.activity == 0).mean() + 0.05
    for role in ("train", "validation", "test"):
        first, second = (many(config, role=role, size=50) for config in (same, shifted))
        np.testing.assert_array_equal(first.windows.activity, second.windows.activity)


def test_label_noise_exchanges_train_labels_only():
    config = GeneratorConfig(n_train=1000, n_validation=100, n_test=100, label_noise=0.2)
    drawn = draw_all(config, 1)
    train = drawn["train"]
    wrong = train.windows.label != train.depressed
    assert wrong.sum() == 80
    assert (wrong & train.depressed).sum() == 40  # the prevalence stays
    for role in ("validation", "test"):
        np.testing.assert_array_equal(drawn[role].windows.label, drawn[role].depressed)
    clean = draw_all(without(config, "label_noise"), 1)["train"]
    np.testing.assert_array_equal(clean.windows.activity, train.windows.activity)


def test_devices_are_taken_off_for_hours_and_the_rule_finds_it():
    drawn = many(replace(preset("default"), days=2), size=1000)
    by_day = drawn.off.reshape(1000, 2, DAY).sum(axis=2)
    assert (by_day > 0).mean() == pytest.approx(0.08, abs=0.015)
    assert by_day[by_day > 0].min() >= 60
    assert by_day.max() <= 240
    assert not drawn.windows.activity[drawn.off].any()
    found = ~worn_minutes(drawn.windows.activity)
    assert found[drawn.off].all()
    assert not many(without(preset("default"), "nonwear")).off.any()


def test_days_of_a_person_vary_less_than_people():
    drawn = many(replace(preset("default"), days=7), size=300)
    by_day = np.log(drawn.windows.activity.reshape(300, 7, DAY).mean(axis=2))
    assert 0.05 < by_day.std(axis=1).mean() < 0.5 * by_day.mean(axis=1).std()


def test_null_is_the_default_without_any_cause():
    assert preset("default") == GeneratorConfig()
    assert preset("null") == without(GeneratorConfig(), *CAUSES)
    assert preset("survey").days == 7


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="'hard'; the presets are default, null, survey"):
        preset("hard")
    with pytest.raises(ValueError, match="unknown cause 'noise'; the causes are texture"):
        without(GeneratorConfig(), "noise")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n_train", 1, "data.generator.n_train must be 2 or more, got 1"),
        ("n_unlabelled", -1, "data.generator.n_unlabelled must be 0 or more, got -1"),
        ("days", 8, r"data.generator.days must lie in \[1, 7\], got 8"),
        ("prevalence", 1.5, r"data.generator.prevalence must lie in \[0, 1\], got 1.5"),
        ("gain_spread", -1.0, "data.generator.gain_spread must be 0 or more, got -1.0"),
        ("gain_spread", float("nan"), "data.generator.gain_spread must be 0 or more, got nan"),
        ("counts", 0.0, "data.generator.counts must be positive, got 0.0"),
    ],
)
def test_impossible_settings_are_refused(field, value, message):
    with pytest.raises(SpaceError, match=message):
        replace(GeneratorConfig(), **{field: value})


def test_every_impossible_setting_is_named():
    with pytest.raises(SpaceError) as refused:
        GeneratorConfig(n_test=1, days=0, level_effect=0.95, device_threshold=-1.0, device_gain=0.0)
    assert [problem.split(" must ")[0] for problem in refused.value.problems] == [
        f"data.generator.{name}"
        for name in ("n_test", "days", "level_effect", "device_threshold", "device_gain")
    ]
