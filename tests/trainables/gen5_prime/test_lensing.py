"""Deflection by an isothermal ellipsoid, against closed forms and another implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.gen5_prime.lensing import Lenses, deflection


def lens(theta_e=1.5, q=1.0, angle=0.0, shear=0.0, shear_angle=0.0, x=0.0, y=0.0):
    numbers = (x, y, theta_e, q, angle, shear, shear_angle)
    return Lenses(*(np.array([number]) for number in numbers))


def plane(half, n):
    place = (np.arange(n) + 0.5) / n * 2 * half - half
    return np.meshgrid(place, place)


@given(st.floats(0.2, 3), st.floats(-5, 5), st.floats(0.01, 5))
def test_a_sphere_bends_by_its_einstein_radius_towards_its_centre(theta_e, x, y):
    bend = deflection(np.array(x), np.array(y), np.array(theta_e), np.array(1.0))
    away = np.hypot(x, y)
    np.testing.assert_allclose(bend, (theta_e * x / away, theta_e * y / away), atol=2e-6)


@pytest.mark.parametrize("q", [0.33, 0.5, 0.7, 0.9, 1.0])
def test_the_critical_curve_encloses_a_circle_of_the_einstein_radius(q):
    theta_e, half, n = 1.3, 2.6, 1000
    x, y = plane(half, n)
    step = 1e-5
    one = lens(theta_e, q)

    def source(dx, dy):
        return (part[0] for part in one.source((x + dx)[None], (y + dy)[None]))

    right, left, up, down = (
        tuple(source(*move)) for move in ((step, 0), (-step, 0), (0, step), (0, -step))
    )
    xx, yx = ((a - b) / (2 * step) for a, b in zip(right, left, strict=True))
    xy, yy = ((a - b) / (2 * step) for a, b in zip(up, down, strict=True))
    inside = (xx * yy - xy * yx) < 0
    area = inside.sum() * (2 * half / n) ** 2
    assert area == pytest.approx(np.pi * theta_e**2, rel=1e-3)


@given(st.floats(0.3, 0.95), st.floats(0.3, 3), st.floats(0.05, 3))
@settings(max_examples=50)
def test_convergence_is_half_of_the_divergence(q, x, y):
    step, theta_e = 1e-5, 1.2

    def bend(at_x, at_y):
        return deflection(np.array(at_x), np.array(at_y), np.array(theta_e), np.array(q))

    along = (bend(x + step, y)[0] - bend(x - step, y)[0]) / (2 * step)
    across = (bend(x, y + step)[1] - bend(x, y - step)[1]) / (2 * step)
    expected = theta_e * np.sqrt(q) / (2 * np.sqrt(q**2 * x**2 + y**2))
    assert (along + across) / 2 == pytest.approx(expected, rel=1e-4)


def test_turning_lens_and_point_turns_the_source():
    x, y = np.array([[0.7]]), np.array([[1.1]])
    turn = 0.8
    cosine, sine = np.cos(turn), np.sin(turn)
    before = lens(q=0.6, angle=0.3, shear=0.04, shear_angle=1.0).source(x, y)
    after = lens(q=0.6, angle=0.3 + turn, shear=0.04, shear_angle=1.0 + turn).source(
        x * cosine - y * sine, x * sine + y * cosine
    )
    np.testing.assert_allclose(after[0], before[0] * cosine - before[1] * sine, atol=1e-12)
    np.testing.assert_allclose(after[1], before[0] * sine + before[1] * cosine, atol=1e-12)


def test_shear_alone_is_its_matrix():
    one = lens(theta_e=0.0, shear=0.1, shear_angle=0.0, x=0.5)
    found = one.source(np.array([[1.5]]), np.array([[2.0]]))
    assert found[0] == pytest.approx(1.5 - 0.1 * 1.0)
    assert found[1] == pytest.approx(2.0 + 0.1 * 2.0)


def test_nothing_is_infinite_at_the_centre():
    for kind in (np.float32, np.float64):
        zero = np.zeros(1, kind)
        assert np.isfinite(deflection(zero, zero, zero + kind(1), zero + kind(0.5))).all()


def test_lenstronomy_agrees():
    package = pytest.importorskip("lenstronomy.LensModel.lens_model")
    q, theta_e = 0.7, 1.2
    x, y = plane(3.0, 20)
    model = package.LensModel(["SIE"])
    settings_there = {
        "theta_E": theta_e,
        "e1": (1 - q) / (1 + q),
        "e2": 0.0,
        "center_x": 0.0,
        "center_y": 0.0,
    }
    theirs = model.alpha(x.ravel(), y.ravel(), [settings_there])
    ours = deflection(x.ravel(), y.ravel(), np.array(theta_e), np.array(q))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
