"""TPE is fitted to a bounded part of its history; what it calls good is the same as without."""

from __future__ import annotations

import math

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from search.engine.shadow import Shadow
from search.engine.window import Bound, Window, select
from search.storage.records import Result
from tests.search.engine.test_shadow import NUMBERS, Stored, search

X = {"x": FloatDistribution(0.0, 1.0)}
ENDS = st.lists(
    st.tuples(
        st.sampled_from(["complete", "pruned", "failed", "running"]),
        st.sampled_from([1, 3, 9]),
        st.integers(-5, 5),
    ),
    max_size=40,
)


def _trial(number, kind, step, value):
    states = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "running": "RUNNING"}
    trial = create_trial(
        state=TrialState[states[kind]],
        value=float(value) if kind == "complete" else None,
        params={"x": 0.5},
        distributions=X,
        intermediate_values={step: float(value)} if kind == "pruned" else {},
    )
    trial.number = number
    return trial


def _trials(ends):
    return [_trial(number, *end) for number, end in enumerate(ends)]


def _order(trial, sign):
    """TPE's order: complete before pruned, long before short, and then by value."""
    if trial.state == TrialState.COMPLETE:
        return (0, 0, sign * trial.value)
    [(step, value)] = trial.intermediate_values.items()
    return (1, -step, sign * value)


@given(ENDS, st.integers(1, 6), st.integers(1, 6), st.sampled_from(list(StudyDirection)[1:]))
def test_the_best_and_the_most_recent_are_shown_and_whatever_runs(ends, best, recent, direction):
    trials, sign = _trials(ends), 1 if direction == StudyDirection.MINIMIZE else -1
    shown = select(trials, direction, Bound(best, recent))
    learnt = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    ranked = sorted(learnt, key=lambda t: _order(t, sign))[:best]
    under_way = {t.number for t in trials if t.state == TrialState.RUNNING}
    wanted = under_way | {t.number for t in ranked} | {t.number for t in learnt[-recent:]}
    failed = [t.number for t in trials if t.state == TrialState.FAIL][-recent:]
    assert shown == wanted | set(failed)


@given(ENDS, st.integers(1, 4), st.integers(1, 4))
def test_what_is_not_shown_never_will_be(ends, best, recent):
    trials, bound, hidden = _trials(ends), Bound(best, recent), set()
    for n in range(len(trials) + 1):
        shown = select(trials[:n], StudyDirection.MINIMIZE, bound)
        assert not hidden & shown
        hidden |= set(range(n)) - shown


def test_a_pruned_trial_without_a_value_is_the_worst():
    trials = [_trial(0, "pruned", 1, 5), _trial(1, "pruned", 1, 5), _trial(2, "complete", 9, 9)]
    trials[1] = create_trial(state=TrialState.PRUNED, params={"x": 0.5}, distributions=X)
    trials[1].number = 1
    nan = create_trial(
        state=TrialState.PRUNED,
        params={"x": 0.5},
        distributions=X,
        intermediate_values={1: math.nan},
    )
    nan.number = 3
    last = _trial(4, "complete", 9, 8)
    everything = [*trials, nan, last]
    ranks = [select(everything, StudyDirection.MINIMIZE, Bound(n, 1)) for n in (1, 2, 3, 4)]
    assert ranks == [{4}, {2, 4}, {0, 2, 4}, {0, 2, 3, 4}]


def _fill(study, trials, rng):
    for _ in range(trials):
        value = float(rng.uniform())
        kind = {"value": value} if rng.uniform() < 0.6 else {"intermediate_values": {3: value}}
        state = TrialState.COMPLETE if "value" in kind else TrialState.PRUNED
        params = {"x": float(rng.uniform())}
        study.add_trial(create_trial(state=state, params=params, distributions=X, **kind))


def test_tpe_calls_the_same_trials_good_with_the_bound_as_without():
    below = []

    def gamma(n):
        below.append(n)
        return 25 if n >= 250 else math.ceil(0.1 * n)

    window, rng = Window(Bound()), np.random.default_rng(0)
    study = optuna.create_study(storage=window)
    _fill(study, 1500, rng)
    shown, everything = study.get_trials(deepcopy=False), Bound(10**9, 10**9)
    assert 500 <= len(shown) <= 600
    assert gamma(len(shown)) == gamma(1500) == 25
    best = select(_all(window), StudyDirection.MINIMIZE, Bound(25, 1))
    assert best <= {trial.number for trial in shown}
    assert len(select(_all(window), StudyDirection.MINIMIZE, everything)) == 1500


def _all(window):
    [study] = window.get_all_studies()
    return optuna.storages.InMemoryStorage.get_all_trials(window, study._study_id)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_short_history_is_not_bounded(sampler):
    bounded = search(Stored(sampler, NUMBERS), 20)
    shadow, stored = (
        Shadow(sampler, ["maximize"], 3, {}, bound=_EVERYTHING),
        Stored(sampler, NUMBERS),
    )
    stored.shadow = lambda: shadow
    assert search(stored, 20) == bounded


_EVERYTHING = Bound(10**9, 10**9)


class Bounded(Stored):
    """A search whose sampler is shown a handful of trials."""

    bound = Bound(best=3, recent=12)

    def shadow(self):
        shadow = Shadow(self.sampler, self.directions, self.seed, self.notes, bound=self.bound)
        for trial, result in zip(self.trials, self.results, strict=True):
            shadow.restore(trial, result)
        return shadow


def test_a_rebuilt_sampler_that_has_forgotten_goes_on_as_the_uninterrupted_one():
    whole = search(Bounded("tpe", NUMBERS), 70)
    assert search(Bounded("tpe", NUMBERS), 70, restarts=(20, 41, 55, 69)) == whole
    assert whole != search(Stored("tpe", NUMBERS), 70), "the bound bites"


def test_trials_under_way_survive_when_others_are_forgotten():
    stored = Bounded("tpe", NUMBERS)
    shadow = stored.shadow()
    stored.ask(shadow)
    stored.ask(shadow)
    for _ in range(60):
        params = stored.ask(shadow)
        stored.tell(shadow, Result("complete", (params["lr"],), 9))
    stored.tell(shadow, Result("complete", (5.0,), 9), number=0)
    stored.tell(shadow, Result("failed", (), 2), number=1)
    stored.ask(shadow)


def test_memory_does_not_grow_with_the_history(monkeypatch):
    sizes = []
    stored = Bounded("tpe", NUMBERS)
    shadow = stored.shadow()
    count = optuna.storages.InMemoryStorage.get_all_trials

    def watched(self, *given, **named):
        sizes.append(len(count(self, *given, deepcopy=False)))
        return count(self, *given, **named)

    monkeypatch.setattr(optuna.storages.InMemoryStorage, "get_all_trials", watched)
    for number in range(120):
        params = stored.ask(shadow)
        ends = Result("complete", (params["lr"],), 9), Result("failed", (), 1)
        stored.tell(shadow, ends[number % 2])
    limit = stored.bound.best + stored.bound.recent
    assert max(sizes) <= 3 * limit + 2


def test_a_users_own_sampler_and_several_objectives_see_everything():
    own = Shadow(optuna.samplers.TPESampler(seed=1), ["maximize"], 3, {}, bound=Bound(1, 1))
    two = Shadow("tpe", ["maximize", "minimize"], 3, {}, bound=Bound(1, 1))
    for shadow, values in ((own, (0.5,)), (two, (0.5, 0.5))):
        stored = Stored("tpe", NUMBERS)
        for _ in range(8):
            stored.ask(shadow)
            stored.tell(shadow, Result("complete", values, 9))
        assert len(shadow._study.get_trials()) == 8
