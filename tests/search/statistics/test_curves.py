import numpy as np
import numpy.typing as npt
import pytest

from search.statistics import StatisticsError, mean_interval, summarise_curves

NAN = np.nan


def test_best_final_and_peak_of_three_seeds() -> None:
    curves = [[0.1, 0.5, 0.4, 0.3], [0.2, 0.3, 0.6, 0.5], [0.1, 0.7, 0.2, 0.4]]
    found = summarise_curves(curves)
    assert found.best == pytest.approx(np.mean([0.5, 0.6, 0.7]))
    assert summarise_curves(curves[:1]).best_sd is None
    assert found.final == pytest.approx(np.mean([0.3, 0.5, 0.4]))
    assert found.decline == mean_interval([0.5 - 0.3, 0.6 - 0.5, 0.7 - 0.4])
    assert (found.peak_step, found.peak_low, found.peak_high) == (2.0, 2.0, 2.5)
    assert not found.under_trained
    assert not found.early_peak


def test_smaller_may_be_better() -> None:
    rising = summarise_curves([[3.0, 1.0, 2.0]], "minimize")
    assert (rising.best, rising.final, rising.peak_step) == (1.0, 2.0, 2.0)
    assert rising.decline.estimate == 1.0


def test_a_peak_at_the_end_is_under_trained() -> None:
    found = summarise_curves(np.tile(np.arange(10.0), (3, 1)))
    assert found.under_trained
    assert found.decline.estimate == 0.0


def test_a_peak_in_the_first_tenth_is_early() -> None:
    falling = np.tile(-np.arange(20.0), (3, 1))
    assert summarise_curves(falling).early_peak
    falling[:, 2] = 5.0
    assert not summarise_curves(falling).early_peak


def test_shorter_runs_end_where_they_end() -> None:
    found = summarise_curves([[1.0, 2.0, NAN, NAN], [1.0, 2.0, 3.0, 2.5]])
    assert found.final == pytest.approx(np.mean([2.0, 2.5]))
    assert found.best == pytest.approx(2.5)
    assert found.best_sd == pytest.approx(np.sqrt(0.5))


def test_stability_needs_a_margin_and_two_seeds() -> None:
    curves = [[0.1, 0.9, 0.60], [0.1, 0.9, 0.59], [0.1, 0.9, 0.61]]
    assert summarise_curves(curves).stable is None
    assert summarise_curves(curves[:1], margin=0.1).declining is None
    strict, lenient = (summarise_curves(curves, margin=margin) for margin in (0.1, 0.5))
    assert (strict.stable, strict.declining) == (False, True)
    assert (lenient.stable, lenient.declining) == (True, False)


def test_noise_late_in_training() -> None:
    flat = np.concatenate([np.linspace(0, 1, 12), np.full(4, 0.5)])
    assert summarise_curves([flat]).late_sd == 0.0
    flat[-4:] = [0.4, 0.6, 0.4, 0.6]
    assert summarise_curves([flat]).late_sd == pytest.approx(np.std(flat[-4:], ddof=1))


@pytest.mark.parametrize("curves", [np.empty((0, 3)), [[1.0, 2.0], [NAN, NAN]]])
def test_every_seed_needs_a_value(curves: npt.ArrayLike) -> None:
    with pytest.raises(StatisticsError, match="finite value"):
        summarise_curves(curves)
