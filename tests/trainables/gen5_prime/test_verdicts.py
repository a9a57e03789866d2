"""What a run's end reports adds up."""

import pytest

from tests.trainables.gen5_prime.test_trainable import curve, run
from trainables.gen5_prime.strata import BINS


@pytest.fixture(scope="module", params=["single3", "paired6"])
def last(request):
    return curve(run(**{"data.mode": request.param, "evaluation.min_per_brick": 4}))[-1]


def test_drops_are_differences(last):
    masked = last["test_auroc"] - last["test_core_masked_auroc"]
    assert last["test_core_masked_drop"] == pytest.approx(masked)
    moved = last["test_auroc"] - last["test_shift_auroc"]
    assert last["test_shift_drop"] == pytest.approx(moved)


def test_rises_are_differences(last):
    for place in (1, 2, 3):
        before, after = (last[f"test_auroc_theta_{BINS[place - 1 + k]}"] for k in (0, 1))
        assert last[f"test_theta_rise_{place}"] == pytest.approx(after - before)


@pytest.mark.parametrize(
    "name",
    [
        "brick_auroc_sd",
        "brick_auroc_excess_sd",
        "arc_snr_0_accuracy",
        "core_lr_auroc",
        "brightness_lr_auroc",
        "variance_lr_auroc",
        "hard_negative_auroc",
        "deploy_duplicate_auroc",
        "deploy_duplicate_recall",
        "deploy_median_auroc",
        "deploy_median_recall",
    ],
)
def test_every_diagnostic_is_there(last, name):
    assert 0 <= last[f"test_{name}"] <= 1
