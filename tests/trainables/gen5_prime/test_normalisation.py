"""Scaling has the closed forms of its kinds, and what they must not depend on."""

import numpy as np
import pytest

from trainables.gen5_prime.normalisation import Normalisation, NormConfig, robust
from trainables.gen5_prime.radial import outside, rings

RNG = np.random.default_rng(0)
STAMP, CTRL = (RNG.normal(2, 3, size=(2, 5, 3, 64, 64))).astype(np.float32)
KINDS = ("global", "per_sample_robust", "per_channel_outer", "joint_pair")


def scaled(stamp=STAMP, ctrl=CTRL, **settings):
    config = NormConfig(**settings)
    return Normalisation.fit(config, stamp, ctrl).apply(stamp, ctrl)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_gets_a_mean_of_0_and_a_deviation_of_1(kind):
    for images in scaled(kind=kind):
        assert images.dtype == np.float32
        assert images.shape == STAMP.shape
        assert images.mean() == pytest.approx(0, abs=0.02)
        assert images.std() == pytest.approx(1, abs=0.02)


def test_median_and_deviation_are_the_closed_forms():
    middle, deviation = robust(np.array([[1, 2, 3, 4, 100], [5, 5, 5, 5, 9]], np.float32))
    assert middle.ravel().tolist() == [3, 5]
    np.testing.assert_allclose(deviation.ravel(), [1.4826, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_units_do_not_matter(kind):
    for one, other in zip(
        scaled(kind=kind), scaled(STAMP * 50 + 7, CTRL * 50 + 7, kind=kind), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_each_kind_shares_what_it_says():
    gain = np.array([1, 2, 5, 0.1, 3], np.float32)[:, None, None, None]
    band = np.array([1, 4, 9], np.float32)[:, None, None]
    plain = {kind: scaled(kind=kind) for kind in KINDS}

    def same(kind, stamp, ctrl):
        found = scaled(stamp, ctrl, kind=kind)
        pairs = zip(found, plain[kind], strict=True)
        return all(np.allclose(one, other, atol=1e-3) for one, other in pairs)

    assert [same(kind, STAMP * gain, CTRL * gain) for kind in KINDS] == [False, True, True, True]
    assert [same(kind, STAMP * band, CTRL * band) for kind in KINDS] == [True, False, True, True]
    assert [same(kind, STAMP * gain, CTRL) for kind in KINDS] == [False, True, True, False]


@pytest.mark.parametrize("kind", ["global", "joint_pair"])
def test_equal_stamps_and_controls_stay_equal_and_differences_keep_their_shape(kind):
    first, second = scaled(kind=kind)
    ratio = (first - second) / (STAMP - CTRL)
    middle = np.median(ratio, axis=(2, 3), keepdims=True)
    apart = np.abs(STAMP - CTRL) > 1
    np.testing.assert_allclose((ratio / middle)[apart], 1, atol=1e-4)


def test_the_outer_region_does_not_see_the_galaxy():
    galaxy = 1000 * np.exp(-rings() / 2).astype(np.float32) * (~outside(15))
    for settings in (
        {"kind": "per_channel_outer"},
        {"kind": "joint_pair", "region": "outer"},
        {"kind": "per_sample_robust", "region": "outer"},
    ):
        bare, found = scaled(**settings)[0], scaled(STAMP + galaxy, CTRL + galaxy, **settings)[0]
        np.testing.assert_allclose(found[..., outside(20)], bare[..., outside(20)], atol=1e-5)
    full = scaled(STAMP + galaxy, CTRL + galaxy, kind="joint_pair")[0]
    assert abs(np.median(full[..., outside(20)])) > 0.02


def test_clipping_then_stretching():
    bright = STAMP.copy()
    bright[:, :, 32, 32] = 1e5
    found = scaled(bright, CTRL, kind="joint_pair", clip=True, clip_lo=-2, clip_hi=20)[0]
    assert (found.min(), found.max()) == (-2, 20)
    stretched = scaled(
        bright, CTRL, kind="joint_pair", clip=True, clip_lo=-2, clip_hi=20, stretch="asinh"
    )[0]
    np.testing.assert_allclose(stretched, np.arcsinh(found), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_without_radial_profiles_they_do_not_matter(kind):
    profile = (100 * np.exp(-rings() / 4)).astype(np.float32)
    plain = scaled(kind=kind, residual_radial=True)
    found = scaled(STAMP + profile, CTRL + 2 * profile, kind=kind, residual_radial=True)
    for one, other in zip(plain, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_flat_stamps_stay_finite(kind):
    for images in scaled(np.ones_like(STAMP), np.ones_like(CTRL), kind=kind):
        assert np.isfinite(images).all()


def test_other_splits_are_scaled_by_the_train_splits_numbers():
    scaler = Normalisation.fit(NormConfig(), STAMP, CTRL)
    alone = scaler.apply(STAMP[:1] + 100, CTRL[:1])[0]
    np.testing.assert_allclose(alone - scaler.apply(STAMP[:1], CTRL[:1])[0], 100 / 3, rtol=0.02)
    with pytest.raises(ValueError, match="at least one"):
        Normalisation.fit(NormConfig(), STAMP[:0], CTRL[:0])
