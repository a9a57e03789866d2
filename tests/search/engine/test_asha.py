"""Deciders against the paper's definition, and against themselves after a restart."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import ASHA, MedianStopping, NoPruning
from search.engine.asha import Medians, Never, Rungs, draw_bracket, make_decider

CURVES = st.lists(
    st.lists(st.floats(-1, 1).map(lambda x: round(x, 2)), min_size=9, max_size=9),
    min_size=1,
    max_size=12,
)


def in_top(values, mine, eta):
    """The paper's rule, by sorting: among the best ``max(1, n // eta)``, ties included."""
    ranked = sorted(values, reverse=True)
    return mine >= ranked[max(1, len(values) // eta) - 1]


@given(CURVES, st.integers(2, 4), st.sampled_from([1, -1]))
def test_a_trial_stops_exactly_when_the_paper_says(curves, eta, sign):
    rungs = Rungs(ASHA(reduction_factor=eta, grace_steps=1), 9, sign)
    arrived = {step: [] for step in rungs.halts(0)}
    for step in range(1, 9):
        for trial, curve in enumerate(curves):
            value = curve[step - 1]
            stops = rungs.stops(trial, 0, step, value)
            if step not in arrived:
                assert not stops
                continue
            arrived[step].append(sign * value)
            assert stops == (not in_top(arrived[step], sign * value, eta))


@given(CURVES, st.integers(1, 8))
def test_rungs_rebuilt_from_stored_curves_decide_alike(curves, cut):
    pruner = ASHA(reduction_factor=2, grace_steps=1)
    first, rebuilt = Rungs(pruner, 9, 1), Rungs(pruner, 9, 1)
    stored = {trial: [] for trial in range(len(curves))}
    stopped = set()
    for step in range(1, 9):
        if step == cut:
            for trial, curve in stored.items():
                rebuilt.restore(trial, 0, curve)
            assert rebuilt.values == first.values
        for trial, curve in enumerate(curves):
            if trial in stopped:
                continue
            value = curve[step - 1]
            stored[trial].append((step, value))
            decision = first.stops(trial, 0, step, value)
            if step >= cut:
                assert rebuilt.stops(trial, 0, step, value) == decision
            stopped |= {trial} if decision else set()


@given(CURVES, st.integers(1, 8))
def test_medians_rebuilt_from_stored_curves_decide_alike(curves, cut):
    first = Medians(MedianStopping(min_trials=2), 1)
    rebuilt = Medians(MedianStopping(min_trials=2), 1)
    stored = {trial: [] for trial in range(len(curves))}
    stopped = set()
    for step in range(1, 9):
        if step == cut:
            for trial, curve in stored.items():
                rebuilt.restore(trial, 0, curve)
        for trial, curve in enumerate(curves):
            if trial in stopped:
                continue
            value = curve[step - 1]
            stored[trial].append((step, value))
            decision = first.stops(trial, 0, step, value)
            if step >= cut:
                assert rebuilt.stops(trial, 0, step, value) == decision
            stopped |= {trial} if decision else set()


@given(CURVES)
@settings(max_examples=50)
def test_medians_by_brute_force(curves):
    medians = Medians(MedianStopping(grace_steps=2, min_trials=2), 1)
    seen = {trial: [] for trial in range(len(curves))}
    for step in range(1, 10):
        for trial, curve in enumerate(curves):
            seen[trial].append(curve[step - 1])
            others = [
                math.fsum(values[:step]) / step
                for other, values in seen.items()
                if other != trial and len(values) >= step
            ]
            median = float(np.median(others)) if others else math.nan
            best = max(seen[trial])
            wanted = step >= 2 and len(others) >= 2 and best < median
            stops = medians.stops(trial, 0, step, curve[step - 1])
            # rounding decides about ties
            assert stops == wanted or abs(best - median) < 1e-9


def test_smaller_is_better():
    rungs = Rungs(ASHA(grace_steps=1), 9, -1)
    assert [rungs.stops(i, 0, 1, v) for i, v in enumerate([0.5, 0.6, 0.4])] == [False, True, False]


def test_one_in_eta_passes_in_the_long_run():
    rng = np.random.default_rng(0)
    rungs = Rungs(ASHA(reduction_factor=4, grace_steps=1), 64, 1)
    passed = sum(not rungs.stops(i, 0, 1, float(v)) for i, v in enumerate(rng.normal(size=2000)))
    assert 500 <= passed <= 560  # a quarter, and the early arrivals that met little competition


def test_a_step_between_rungs_and_the_full_length_are_not_asked_about():
    rungs = Rungs(ASHA(grace_steps=1), 27, 1)
    rungs.stops(0, 0, 1, 1.0)
    assert not rungs.stops(1, 0, 2, -1.0)
    assert not rungs.stops(1, 0, 27, -1.0)
    assert rungs.halts(0) == (1, 3, 9)


def test_a_trial_that_passed_passes_again_after_its_worker_was_lost():
    rungs = Rungs(ASHA(grace_steps=1), 27, 1)
    assert not rungs.stops(0, 0, 1, 0.1)
    assert not rungs.stops(1, 0, 1, 0.9)
    assert not rungs.stops(0, 0, 1, 0.1)
    assert len(rungs.values[0, 1]) == 2  # counted once


@pytest.mark.parametrize(("last", "rung"), [(0, 1), (1, 3), (2, 3), (3, 9), (8, 9)])
def test_a_breakdown_counts_as_the_worst_of_the_next_rung(last, rung):
    rungs = Rungs(ASHA(grace_steps=1), 27, 1)
    for step in (1, 3):
        if step <= last:
            rungs.stops(7, 0, step, 0.5)
    before = {key: dict(values) for key, values in rungs.values.items()}
    rungs.diverged(7, 0, last)
    assert rungs.values[0, rung][7] == -math.inf
    untouched = {key: values for key, values in rungs.values.items() if key != (0, rung)}
    assert untouched == {key: v for key, v in before.items() if key != (0, rung)}


def test_a_breakdown_beyond_the_last_rung_changes_nothing():
    rungs = Rungs(ASHA(grace_steps=1), 27, 1)
    rungs.diverged(0, 0, 12)
    assert not any(rungs.values.values())


def test_non_finite_values_are_not_booked():
    rungs = Rungs(ASHA(grace_steps=1), 9, 1)
    rungs.restore(0, 0, [(1, math.nan), (3, math.inf)])
    assert not any(rungs.values.values())


def test_brackets_keep_their_own_rungs():
    rungs = Rungs(ASHA(grace_steps=1, brackets=2), 27, 1)
    rungs.stops(0, 0, 3, 0.9)
    assert not rungs.stops(1, 1, 3, 0.1)  # the first arrival of bracket 1
    assert rungs.halts(1) == (3, 9)


def test_brackets_are_drawn_by_the_generator_alone():
    pruner = ASHA(grace_steps=1, brackets=3)

    def draw(seed):
        rng = np.random.default_rng(seed)
        return [draw_bracket(pruner, 27, rng) for _ in range(50)]

    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    one = draw(5)
    np.random.seed(2)  # noqa: NPY002
    assert draw(5) == one
    assert draw(6) != one


def test_brackets_get_hyperbands_shares():
    pruner = ASHA(reduction_factor=3, grace_steps=1, brackets=3)
    rng = np.random.default_rng(0)
    drawn = np.array([draw_bracket(pruner, 27, rng) for _ in range(20_000)])
    weights = np.array([27 / 4, 9 / 3, 3 / 2])  # eta**n / (n + 1) for 3, 2 and 1 rungs
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    assert shares == pytest.approx(weights / weights.sum(), abs=0.015)


def test_without_brackets_nothing_is_drawn():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert draw_bracket(ASHA(), 27, rng) == draw_bracket(NoPruning(), 27, rng) == 0
    assert rng.bit_generator.state == before


def test_medians_keep_the_first_value_of_a_repeated_step():
    medians = Medians(MedianStopping(min_trials=1), 1)
    medians.stops(0, 0, 1, 0.8)
    assert medians.stops(1, 0, 1, 0.2)
    assert not medians.stops(0, 0, 1, 0.0)  # repeated by a second attempt


def test_each_pruner_has_its_decider():
    assert isinstance(make_decider(ASHA(), 27, 1), Rungs)
    assert isinstance(make_decider(MedianStopping(), 27, 1), Medians)
    never = make_decider(NoPruning(), 27, 1)
    assert isinstance(never, Never)
    assert never.halts(0) == ()
    assert not never.stops(0, 0, 1, -1e9)
