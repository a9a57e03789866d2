"""Areas by brick and by radius."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.trainables.gen5_prime.drawn import noise, small
from trainables.gen5_prime.stamps import Stamps
from trainables.gen5_prime.strata import BINS, area_variance, by_brick, by_radius, denied


def test_bricks_of_one_quality_have_no_excess():
    rng = np.random.default_rng(0)
    label = np.arange(4000) % 2
    logits, brick = rng.normal(size=4000) + label, np.repeat([f"b{n}" for n in range(80)], 50)
    found = by_brick(logits, label, brick, least=10)
    areas = [roc_auc_score(label[brick == b], logits[brick == b]) for b in np.unique(brick)]
    assert found["brick_auroc_sd"] == pytest.approx(np.std(areas, ddof=1))
    assert found["brick_auroc_sd"] > 0.06  # of nothing but chance
    assert found["brick_auroc_excess_sd"] < 0.04


def test_a_brick_that_is_worse_shows():
    rng = np.random.default_rng(0)
    label, brick = np.arange(4000) % 2, np.repeat(["a", "b"], 2000)
    logits = rng.normal(size=4000) + label * np.where(brick == "a", 3.0, 0.0)
    found = by_brick(logits, label, brick, least=10)
    assert found["brick_auroc_excess_sd"] == pytest.approx(found["brick_auroc_sd"], abs=0.01)
    assert found["brick_auroc_sd"] > 0.3


def test_bricks_of_few_pairs_or_one_class_are_left_out():
    label, brick = np.array([0, 1, 0, 1, 1, 1]), np.array(list("aabbcc"))
    logits = np.arange(6.0)
    assert set(by_brick(logits, label, brick, least=2)) == {
        "brick_auroc_sd",
        "brick_auroc_excess_sd",
    }
    assert by_brick(logits, label, brick, least=3) == {}
    assert by_brick(logits[:2], label[:2], brick[:2], least=2) == {}


def test_the_variance_of_an_area_is_that_of_drawing_again():
    rng = np.random.default_rng(0)
    positive, negative = rng.exponential(3.0, (2000, 30)), rng.exponential(1.0, (2000, 40))
    areas = (positive[:, :, None] > negative[:, None]).mean(axis=(1, 2))
    expected = area_variance(areas.mean(), 30, 40)  # exact for exponentials
    assert np.var(areas) == pytest.approx(expected, rel=0.1)


def test_areas_by_radius_are_against_all_pairs_without_an_arc():
    stamps = noise(200)
    rng = np.random.default_rng(0)
    theta = np.where(stamps.label == 1, rng.choice([0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5], 200), 0)
    stamps = Stamps(stamps.stamp, stamps.ctrl, {**stamps.metadata, "theta_e_arcsec": theta})
    logits = rng.normal(size=200)
    found = by_radius(logits, stamps)
    edges = {"0p5_1": (0.5, 0.75), "1_1p5": (1.0, 1.25), "1p5_2": (1.5,), "2_2p5": (2.0, 2.5)}
    assert tuple(edges) == BINS
    for name, values in edges.items():
        rows = np.isin(theta, values) | (stamps.label == 0)
        area = roc_auc_score(stamps.label[rows], logits[rows])
        assert found[f"auroc_theta_{name}"] == pytest.approx(area)
    rise = found["auroc_theta_1p5_2"] - found["auroc_theta_1_1p5"]
    assert found["theta_rise_2"] == pytest.approx(rise)


def test_a_radius_without_arcs_is_left_out():
    stamps = noise(40)  # all of 1.5 arcsec
    assert set(by_radius(np.arange(40.0), stamps)) == {"auroc_theta_1p5_2"}


def test_arcs_that_metadata_deny_are_counted():
    splits = small()
    stamps = splits.test
    rows = (stamps.label == 1) & (stamps.arc_snr == 0)
    assert rows.any()  # of the bad bricks
    logits = np.where(rows, 1.0, -1.0)
    assert denied(logits, stamps) == {"arc_snr_0_accuracy": 1.0}
    assert denied(-logits, stamps) == {"arc_snr_0_accuracy": 0.0}
    known = stamps.take(np.flatnonzero(~rows))
    assert denied(np.zeros(len(known)), known) == {}


def test_a_run_that_diverged_has_nan():
    stamps = noise(40, bricks=("a", "b"))
    broken = np.full(40, np.nan)
    assert math.isnan(by_radius(broken, stamps)["auroc_theta_1p5_2"])
    spread = by_brick(broken, stamps.label, stamps.brickname, least=4)
    assert all(math.isnan(value) for value in spread.values())
