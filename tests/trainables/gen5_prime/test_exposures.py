"""A pair of stamps records what is in the scene, and noise besides."""

import numpy as np
import pytest

from trainables.gen5_prime.bricks import draw_bricks
from trainables.gen5_prime.exposures import CHUNK, expose
from trainables.gen5_prime.generated import draw_scene
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.radial import outside

QUIET = GeneratorConfig(background=0.0, core_leak=0.0)


def record(config=QUIET, n=CHUNK + 8, *, same_noise=False, shift=False, seed=0):
    rng = np.random.default_rng(seed)
    bricks = draw_bricks(4, rng, background=config.background)
    scene, _ = draw_scene(config, n, len(bricks), rng, shift=shift)
    return scene, bricks, expose(scene, bricks, rng, same_noise=same_noise)


def test_same_noise_leaves_the_arc_alone_and_new_noise_does_not():
    scene, bricks, same = record(same_noise=True)
    negative = np.setdiff1d(np.arange(len(scene)), scene.positive)
    assert np.array_equal(same.stamp[negative], same.ctrl[negative])
    assert (same.stamp[scene.positive] != same.ctrl[scene.positive]).any(axis=(1, 2, 3)).all()
    _, _, new = record()
    difference = (new.stamp - new.ctrl)[negative]
    wanted = np.sqrt(2) * bricks.noise[scene.brick[negative]]
    np.testing.assert_allclose(difference.std(axis=(2, 3)), wanted, rtol=0.05)
    assert abs(np.mean(difference / wanted[..., None, None])) < 0.01


def test_noise_has_the_bricks_deviation():
    scene, bricks, found = record()
    sky = found.ctrl[..., outside(28)]
    spread = np.median(np.abs(sky - np.median(sky, -1, keepdims=True)), axis=-1) * 1.4826
    np.testing.assert_allclose(spread / bricks.noise[scene.brick], 1, atol=0.25)


def test_the_signal_to_noise_ratio_is_that_of_the_arc_in_r():
    scene, bricks, found = record(same_noise=True)
    arc = (found.stamp - found.ctrl)[scene.positive, 1]
    noise = bricks.noise[scene.brick[scene.positive], 1]
    np.testing.assert_allclose(found.peak[scene.positive], arc.max(axis=(1, 2)) / noise, rtol=0.01)
    total = arc.sum(axis=(1, 2)) / (noise * 64)
    np.testing.assert_allclose(found.total[scene.positive], total, rtol=0.02)
    negative = np.setdiff1d(np.arange(len(scene)), scene.positive)
    assert not found.peak[negative].any()


def test_a_leak_is_a_point_of_its_flux_in_the_core_and_no_part_of_the_signal():
    plain, _, without = record(same_noise=True)
    scene, _, found = record(GeneratorConfig(background=0.0), same_noise=True)
    added = (found.stamp - without.stamp)[scene.positive]
    np.testing.assert_allclose(added.sum(axis=(2, 3)), scene.leak, rtol=0.02, atol=2e-3)
    rows, columns = np.unravel_index(added[:, 1].reshape(len(added), -1).argmax(1), (64, 64))
    assert set(rows.tolist()) | set(columns.tolist()) <= {31, 32}
    share = scene.leak[:, 1] / scene.galaxies.flux[scene.positive, 1]
    assert 0.03 <= share.min() < share.max() <= 0.15
    np.testing.assert_array_equal(found.peak, without.peak)
    assert not plain.leak.any()


def test_what_is_no_arc_is_in_the_control_too():
    config = GeneratorConfig(background=0.0, contaminants=1.0)
    scene, _, found = record(config, same_noise=True, shift=True)
    assert not np.intersect1d(scene.other, scene.positive).size
    assert len(scene.other) + len(scene.positive) == len(scene)
    np.testing.assert_array_equal(found.stamp[scene.other], found.ctrl[scene.other])
    _, _, bare = record(GeneratorConfig(background=0.0, contaminants=0.0), shift=True)
    assert found.ctrl[scene.other, 0].sum() > 1.3 * bare.ctrl[scene.other, 0].sum()


@pytest.mark.parametrize("n", [1, CHUNK, CHUNK + 1])
def test_any_number_is_recorded(n):
    scene, _, found = record(n=n)
    assert found.stamp.shape == (n, 3, 64, 64)
    assert found.stamp.dtype == found.ctrl.dtype == np.float32
    assert np.isfinite(found.stamp).all()
    assert len(scene.positive) == n // 2
