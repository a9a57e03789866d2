"""The closed forms against brute force: numerical integration, scans, rotations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, spatial

from trainables.pi_tft import physics

radii = st.floats(0.5, 50.0)
sigmas = st.floats(5.0, 1e5)
distances = st.floats(1e-3, 30.0)


def integrated_probability(
    radius: float, sigma_x: float, sigma_y: float, miss_x: float, miss_y: float
) -> float:
    """Integrate the Gaussian density over the disc of the combined radius."""

    def density(y: float, x: float) -> float:
        exponent = ((x - miss_x) / sigma_x) ** 2 + ((y - miss_y) / sigma_y) ** 2
        return float(np.exp(-0.5 * exponent) / (2.0 * np.pi * sigma_x * sigma_y))

    def edge(x: float) -> float:
        return float(np.sqrt(max(radius**2 - x**2, 0.0)))

    value, _ = integrate.dblquad(density, -radius, radius, lambda x: -edge(x), edge)
    return float(value)


@pytest.mark.parametrize("miss", [(0.0, 0.0), (700.0, 50.0), (1500.0, 180.0)])
def test_probability_matches_the_integral_over_the_disc(miss: tuple[float, float]) -> None:
    radius, sigma_x, sigma_y = 8.0, 900.0, 120.0
    mahalanobis = np.hypot(miss[0] / sigma_x, miss[1] / sigma_y)
    closed = physics.collision_probability(radius, sigma_x, sigma_y, mahalanobis)
    exact = integrated_probability(radius, sigma_x, sigma_y, *miss)
    assert float(closed) == pytest.approx(exact, rel=5e-3)


@pytest.mark.parametrize("mahalanobis", [0.3, 1.0, 1.4142, 3.0, 7.0])
def test_maximum_matches_a_scan_over_covariance_factors(mahalanobis: float) -> None:
    radius, sigma_x, sigma_y = 6.0, 2000.0, 90.0
    factors = np.geomspace(1e-3, 1e3, 200_001)  # multiply the covariance
    scale = np.sqrt(factors)
    scanned = physics.collision_probability(
        radius, scale * sigma_x, scale * sigma_y, mahalanobis / scale
    )
    best = int(np.argmax(scanned))
    assert float(physics.covariance_scaling(mahalanobis)) == pytest.approx(factors[best], rel=1e-3)
    maximum = physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis)
    assert float(maximum) == pytest.approx(scanned[best], rel=1e-6)


@given(radii, sigmas, sigmas, st.floats(1e-3, 10.0))
def test_risk_follows_from_its_maximum(
    radius: float, sigma_x: float, sigma_y: float, mahalanobis: float
) -> None:
    direct = np.log10(physics.collision_probability(radius, sigma_x, sigma_y, mahalanobis))
    maximum = np.log10(physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis))
    risk = float(physics.risk_from_maximum(maximum, mahalanobis))
    assert risk == pytest.approx(max(float(direct), physics.RISK_FLOOR), abs=1e-9)


@given(st.floats(-12.0, -1.0), distances)
def test_risk_never_exceeds_its_maximum(maximum: float, mahalanobis: float) -> None:
    assert float(physics.risk_from_maximum(maximum, mahalanobis)) <= maximum + 1e-12


def test_risk_rises_then_falls_with_the_covariance() -> None:
    scale = np.geomspace(0.1, 10.0, 41)
    miss_over_sigma = 2.0**0.5
    risk = np.log10(
        physics.collision_probability(5.0, 500.0 * scale, 50.0 * scale, miss_over_sigma / scale)
    )
    assert np.argmax(risk) == 20  # where M² = 2
    assert np.all(np.diff(risk[:21]) > 0)
    assert np.all(np.diff(risk[20:]) < 0)


def test_risk_is_floored() -> None:
    assert float(physics.risk_from_maximum(-5.0, 40.0)) == physics.RISK_FLOOR


@given(radii, sigmas, sigmas, distances)
def test_effective_size_is_recovered(
    radius: float, sigma_x: float, sigma_y: float, mahalanobis: float
) -> None:
    maximum = np.log10(physics.maximum_collision_probability(radius, sigma_x, sigma_y, mahalanobis))
    size = np.exp(physics.effective_log_sigma(radius, maximum, mahalanobis))
    assert float(size) == pytest.approx(np.sqrt(sigma_x * sigma_y), rel=1e-9)


@given(distances)
def test_mahalanobis_and_scaling_are_inverse(mahalanobis: float) -> None:
    scaling = physics.covariance_scaling(mahalanobis)
    assert float(physics.mahalanobis_from_scaling(scaling)) == pytest.approx(mahalanobis)


def test_unknown_spans_count_as_two_metres() -> None:
    radius = physics.combined_radius([10.0, np.nan, np.nan], [4.0, 4.0, np.nan])
    np.testing.assert_allclose(radius, [7.0, 3.0, 2.0])


def test_rtn_axes_of_a_circular_orbit() -> None:
    axes = physics.rtn_axes(np.array([[7000.0, 0.0, 0.0]]), np.array([[0.0, 7.5, 0.0]]))
    np.testing.assert_allclose(axes[0], np.eye(3), atol=1e-15)


def test_rtn_axes_are_right_handed() -> None:
    rng = np.random.default_rng(0)
    axes = physics.rtn_axes(rng.normal(size=(20, 3)), rng.normal(size=(20, 3)))
    np.testing.assert_allclose(axes.mT @ axes, np.broadcast_to(np.eye(3), (20, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(axes), 1.0)


def test_encounter_plane_of_an_axis_aligned_case() -> None:
    sigma_x, sigma_y, mahalanobis = physics.encounter_plane(
        np.array([[30.0, 0.0, 8.0]]),
        np.array([[0.0, -14_000.0, 0.0]]),
        np.diag([100.0, 1e6, 16.0])[None],
    )
    np.testing.assert_allclose([sigma_x[0], sigma_y[0]], [10.0, 4.0])
    np.testing.assert_allclose(mahalanobis[0], np.hypot(3.0, 2.0))


def test_encounter_plane_does_not_depend_on_the_axes() -> None:
    rng = np.random.default_rng(1)
    velocity = rng.normal(size=(50, 3))
    position = np.cross(velocity, rng.normal(size=(50, 3)))  # at right angles, as at the approach
    root = rng.normal(size=(50, 3, 3))
    covariance = root @ root.mT + 0.1 * np.eye(3)
    turn = spatial.transform.Rotation.random(50, rng=rng).as_matrix()
    before = physics.encounter_plane(position, velocity, covariance)
    after = physics.encounter_plane(
        np.einsum("nij,nj->ni", turn, position),
        np.einsum("nij,nj->ni", turn, velocity),
        turn @ covariance @ turn.mT,
    )
    np.testing.assert_allclose(before, after, rtol=1e-9)
    spatial_distance = np.sqrt(
        np.einsum("ni,nij,nj->n", position, np.linalg.inv(covariance), position)
    )
    assert np.all(before[2] <= spatial_distance * (1 + 1e-9))
