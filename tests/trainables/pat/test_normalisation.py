"""Scalers against scikit-learn and by hand, and the check that finds the wrong one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import StandardScaler

from trainables.pat.actigraphs import draw_all
from trainables.pat.generator import GeneratorConfig, preset
from trainables.pat.normalisation import KINDS, Normalisation, check_normalised

FITTED = [kind for kind in KINDS if kind != "fixed"]


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    by_minute = rng.uniform(5, 400, 90)
    shape = (2, 60, 90)
    drawn = rng.poisson(by_minute * rng.gamma(2.0, 0.5, (*shape[:2], 1)), shape)
    return drawn.astype(np.float32)  # train and test


def test_per_minute_is_scikit_learns_scaler_fitted_on_train(counts):
    train, test = counts
    scaler = Normalisation.fit(train, "per_minute")
    reference = StandardScaler().fit(train.astype(np.float64))
    np.testing.assert_allclose(scaler.apply(train), reference.transform(train), atol=1e-4)
    np.testing.assert_allclose(scaler.apply(test), reference.transform(test), atol=1e-4)
    assert abs(scaler.apply(test).mean()) > 1e-3  # test keeps its own mean
    assert scaler.apply(test).dtype == np.float32


def test_global_uses_one_mean_and_one_deviation(counts):
    train, test = counts
    scaled = Normalisation.fit(train, "global").apply(test)
    np.testing.assert_allclose(scaled, (test - train.mean()) / train.std(), rtol=1e-3, atol=1e-4)


def test_per_window_removes_a_gain(counts):
    train, test = counts
    scaler = Normalisation.fit(train, "per_window")
    scaled = scaler.apply(test)
    np.testing.assert_allclose(scaled.mean(axis=1), 0.0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(scaler.apply(test * np.float32(7.0)), scaled, atol=1e-5)


def test_fixed_takes_its_constants_whatever_the_data_and_never_clips(counts):
    train, test = counts
    scaled = Normalisation.fit(train, "fixed", clip=4.0).apply(test)
    np.testing.assert_array_equal(scaled, (test - np.float32(2.5)) / np.float32(2.0))
    assert scaled.max() > 100


@pytest.mark.parametrize("kind", FITTED)
def test_log_and_clip_apply_in_that_order(counts, kind):
    train, test = counts
    scaled = Normalisation.fit(train, kind, log1p=True, clip=1.0).apply(test)
    plain = Normalisation.fit(np.log1p(train), kind).apply(np.log1p(test))
    np.testing.assert_allclose(scaled, np.clip(plain, -1.0, 1.0), atol=1e-5)
    assert scaled.max() == 1.0


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 6)),
        elements=st.sampled_from([0.0, 0.1, 3.0, 8000.0]),
    ),
    st.sampled_from(KINDS),
    st.booleans(),
)
def test_every_result_is_finite(activity, kind, log1p):
    scaler = Normalisation.fit(activity, kind, log1p=log1p)
    assert np.isfinite(scaler.apply(activity)).all()
    assert np.isfinite(scaler.apply(activity[::-1] + np.float32(1000.0))).all()


def test_a_minute_without_variation_is_only_centred():
    train = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]], np.float32)
    scaler = Normalisation.fit(train, "per_minute")
    assert scaler.deviation[0] == 1.0
    np.testing.assert_allclose(scaler.apply(train + np.float32(5.0))[:, 0], 5.0, rtol=1e-6)


def test_a_silent_window_becomes_zeros():
    silent = np.zeros((1, 4), np.float32)
    assert not Normalisation.fit(silent, "per_window").apply(silent).any()


@pytest.mark.parametrize("clip", [None, 10.0, 4.0])
@pytest.mark.parametrize("log1p", [False, True])
@pytest.mark.parametrize("kind", FITTED)
def test_the_check_accepts_every_fitted_scaler_on_activity(kind, log1p, clip):
    train = draw_all(GeneratorConfig(n_train=60, n_unlabelled=0, n_test=2, n_validation=2), 0)
    activity = train["train"].windows.activity
    scaler = Normalisation.fit(activity, kind, log1p=log1p, clip=clip)
    assert check_normalised(scaler.apply(activity)) is None


def test_the_check_finds_the_constants_of_other_data():
    config = GeneratorConfig(n_train=60, n_unlabelled=0, n_test=2, n_validation=2)
    activity = draw_all(config, 0)["train"].windows.activity
    message = check_normalised(Normalisation.fit(activity, "fixed").apply(activity))
    assert message is not None
    assert "fit the scaler on the train split" in message
    mean = (activity.mean() - 2.5) / 2.0
    assert f"mean {mean:.3g} " in message


def test_without_causes_the_constants_fit():
    null = draw_all(replace(preset("null"), n_train=200, n_unlabelled=0), 0)
    activity = null["train"].windows.activity
    assert check_normalised(Normalisation.fit(activity, "fixed").apply(activity)) is None


def test_the_check_finds_raw_counts_and_nothing_and_holes():
    rng = np.random.default_rng(0)
    right = rng.standard_normal((10, 50)).astype(np.float32)
    assert check_normalised(right) is None
    for wrong in (right + 1, right * 5, right / 5, right * 100 + 200):
        message = check_normalised(wrong)
        assert message is not None
        assert "where about 0 and 1 are expected" in message
    flat = check_normalised(np.zeros((3, 4), np.float32))
    assert flat is not None
    assert "nothing to learn from" in flat
    right[0, 0] = np.nan
    holes = check_normalised(right)
    assert holes is not None
    assert "1 values that are not finite" in holes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "minmax"}, "one of per_minute, global, per_participant, per_window, fixed"),
        ({"kind": "global", "clip": 0.0}, "clip must be positive or None, got 0.0"),
    ],
)
def test_impossible_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Normalisation.fit(np.ones((2, 3), np.float32), **arguments)


def test_nothing_cannot_be_fitted():
    with pytest.raises(ValueError, match="at least one train window"):
        Normalisation.fit(np.ones((0, 3), np.float32), "global")


def test_a_persons_windows_share_a_scale():
    rng = np.random.default_rng(0)
    activity = rng.gamma(0.5, 100.0, (5, 60)).astype(np.float32)
    person = np.array([7, 3, 7, 3, 9])
    scaler = Normalisation.fit(activity, "per_participant")
    scaled = scaler.apply(activity, person)
    for each in (3, 7, 9):
        mine = activity[person == each].astype(float)
        expected = (mine - mine.mean()) / mine.std()
        np.testing.assert_allclose(scaled[person == each], expected, atol=1e-4)
    alone = Normalisation.fit(activity, "per_window").apply(activity)
    np.testing.assert_allclose(scaler.apply(activity, np.arange(5)), alone, atol=1e-5)
    gains = np.array([1.0, 5.0, 1.0, 5.0, 0.1], np.float32)[:, None]  # of devices
    np.testing.assert_allclose(scaler.apply(activity * gains, person), scaled, atol=1e-4)
    assert not scaler.apply(np.ones((2, 4), np.float32), np.array([1, 1])).any()
    np.testing.assert_allclose(scaler.apply(activity), alone, atol=1e-5)
