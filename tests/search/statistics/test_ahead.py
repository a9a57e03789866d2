"""Arms that go on whatever the look's last runs say: no completion of the look may settle them."""

from __future__ import annotations

import numpy as np
import pytest

from search.statistics import Arm, Registration, Replicate, Replicates, certain_to_go_on, rank_table

LOOKS = (3, 6, 12)
COLUMNS = ("baseline", "A", "B", "C", "D")
SEEDS = tuple(range(100, 112))


def registered(**changes):
    arms = tuple(changes.pop("arms", (Arm("A"), Arm("B"), Arm("C"), Arm("D"))))
    return Registration(arms=arms, **{"smallest_gain": 0.1, "looks": LOOKS, **changes})


def replicates(scores):
    """Return runs of an array of shape (n_seeds, n_columns); NaN where there is none yet."""
    runs = [
        Replicate(COLUMNS[k], SEEDS[i], "complete", float(scores[i, k]))
        for i, k in np.argwhere(np.isfinite(scores)).tolist()
    ]
    return Replicates.collect(runs, columns=COLUMNS, seeds=SEEDS)


def needs_of(registration, scores, history=()):
    table = rank_table(
        registration, replicates(scores), rng=np.random.default_rng(0), history=history
    )
    return dict(table.needs), table.looks


def drawn(rng, n_seeds, gains=(0.0, 0.0, 0.1, 0.3, -0.2), sd=0.2):
    scores = np.full((len(SEEDS), len(COLUMNS)), np.nan)
    shared = rng.normal(size=(n_seeds, 1))
    scores[:n_seeds] = shared + np.array(gains) + sd * rng.normal(size=(n_seeds, len(COLUMNS)))
    return scores


@pytest.mark.parametrize("look", [0, 1])
def test_no_completion_settles_an_arm_that_is_certain(look):
    """The last runs of the look are drawn at every size, the absurd ones included."""
    rng, n_certain = np.random.default_rng(look), 0
    for _ in range(60):
        scores = drawn(rng, LOOKS[look])
        history = ()
        if look:
            _, history = needs_of(
                registered(), np.where(np.arange(12)[:, None] < 3, scores, np.nan)
            )
        open_ = scores.copy()
        open_[LOOKS[look] - 1, rng.permutation([1, 2, 3, 4])[:2]] = np.nan
        certain = certain_to_go_on(registered(), replicates(open_), history)
        n_certain += len(certain)
        assert set(certain.values()) <= {LOOKS[look + 1]}
        for size in (0.0, 1e-3, 0.1, 1.0, 30.0):
            filled = np.where(np.isnan(open_) & np.isfinite(scores), 0.0, open_)
            missing = np.isnan(open_) & np.isfinite(scores)
            filled[missing] = scores[missing] + size * rng.normal(size=missing.sum())
            needs, _ = needs_of(registered(), filled, history)
            assert {name: needs.get(name) for name in certain} == certain
    assert n_certain > 20


def test_an_arm_that_might_be_settled_is_not_certain():
    scores = drawn(np.random.default_rng(1), 6, gains=(0.0, 5.0, 5.0, -5.0, 0.0), sd=0.05)
    scores[5, 4] = np.nan
    assert certain_to_go_on(registered(), replicates(scores)).keys().isdisjoint({"A", "B", "C"})


def test_an_arm_with_runs_under_way_is_not_certain():
    scores = drawn(np.random.default_rng(2), 3, gains=(0.0,) * 5)
    scores[2, 1] = np.nan
    assert "A" not in certain_to_go_on(registered(), replicates(scores))


def test_what_cannot_be_bounded_is_left_out():
    scores = np.full((len(SEEDS), len(COLUMNS)), np.nan)
    scores[:3] = np.array([-1.0, 0.5, 1.5])[:, None] * [0, 1, 2, 3, 4] + [0, 0, 0, 0, 1]
    scores[2, 4] = np.nan
    assert certain_to_go_on(registered(), replicates(scores)).keys() == {"A", "B", "C"}
    assert not certain_to_go_on(registered(open_ended=True), replicates(scores))
    assert not certain_to_go_on(registered(smallest_gain=None), replicates(scores))  # of this look
    assert not certain_to_go_on(registered(looks=(3,)), replicates(scores))  # nothing follows
    assert not certain_to_go_on(registered(arms=()), replicates(scores))
    kept = [Arm("A", as_good_but_cheaper=True), Arm("B", block=2), Arm("C"), Arm("D")]
    assert certain_to_go_on(registered(arms=kept), replicates(scores)).keys() == {"C"}


def test_a_baseline_that_fails_makes_nothing_certain():
    scores = drawn(np.random.default_rng(4), 3, gains=(0.0,) * 5, sd=1.0)
    runs = [
        Replicate(COLUMNS[k], SEEDS[i], "complete", float(scores[i, k]))
        for i, k in np.argwhere(np.isfinite(scores)).tolist()
        if (i, k) != (0, 0)
    ]
    runs.append(Replicate("baseline", SEEDS[0], "diverged", None))
    found = Replicates.collect(runs, columns=COLUMNS, seeds=SEEDS)
    assert not certain_to_go_on(registered(), found)
