"""How seeds scatter, and that the runs are those that a study needs anyway."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from search.errors import OptionError, StudyError
from search.loading import LoadedStudy
from search.protocol.noise import measure_noise
from search.protocol.registering import Design
from search.statistics import smallest_effect
from tests.search.protocol import toys
from tests.search.protocol.conftest import PLAIN
from tests.search.protocol.toys import study, technique


def noise(laboratory, of, design=PLAIN, n_seeds=4, **changes):
    loaded = LoadedStudy(of, sys.modules[__name__], laboratory.folder / "toy.py", {})
    return measure_noise(loaded, laboratory.options, design, n_seeds=n_seeds, **changes)


def scores(laboratory, arm, n):
    runs = [t for t in laboratory.series("replicate").trials if t.asked.arm == arm]
    return np.array([run.steps[-1].metrics["test_score"] for run in runs[:n]])


def test_what_is_said_is_what_the_runs_hold(laboratory):
    found = noise(laboratory, study(technique("A"), technique("B")))
    base, arm = scores(laboratory, "baseline", 4), scores(laboratory, "A", 4)
    assert found.sigma == pytest.approx(np.std(base, ddof=1))
    assert found.sigma_paired == pytest.approx(np.std(arm - base, ddof=1))
    apart = np.var(base, ddof=1) + np.var(arm, ddof=1)
    assert found.pairing_gain == pytest.approx(1 - np.var(arm - base, ddof=1) / apart)
    assert found.pairing_gain > 0.8
    assert (found.deterministic, found.seeds, found.failed) == (True, 4, 0)
    assert found.sigma_low < found.sigma < found.sigma_high
    (alone,) = [one for one in found.detectable["scout"] if one.n_seeds == 3]
    assert alone.alone == pytest.approx(smallest_effect(3, 2) * found.sigma_paired)
    assert found.suggested >= found.detectable["--looks"][-1].in_sequence


def test_the_run_afterwards_uses_every_run_and_the_table_is_the_same(laboratories, trained):
    of = study(technique("A"), technique("B"))
    one, other = laboratories(), laboratories()
    assert noise(one, of).new_runs == len(trained) == 4 + 4 + 1
    one.run(of)
    n_first = len(trained)
    trained.clear()
    other.run(of)
    assert n_first == len(trained)
    assert one.finished_table() == other.finished_table()


def test_the_same_noise_again_runs_nothing_and_more_seeds_only_the_new_ones(laboratory, trained):
    of = study(technique("A"))
    noise(laboratory, of, n_seeds=3)
    assert noise(laboratory, of, n_seeds=3).new_runs == 0
    assert noise(laboratory, of, n_seeds=5).new_runs == 4
    assert len(trained) == 3 + 3 + 1 + 4


def test_the_smallest_gain_may_be_changed_afterwards(laboratory, trained):
    of = study(technique("A"), technique("B"))
    assert noise(laboratory, of).looks_taken == 0
    laboratory.run(replace(of, smallest_gain=0.4))
    registrations = laboratory.priority().registrations
    assert [record.kind for record in registrations] == ["first", "amendment"]
    assert registrations[0].specification["seeds"] == registrations[1].specification["seeds"]
    seeds = registrations[1].specification["seeds"]
    assert {seed for _, seed in trained[:8]} <= set(seeds)
    assert len(set(trained)) == len(trained) - 1  # but for the determinism check


def test_where_settings_are_tuned_first_no_table_counts_the_runs(laboratory):
    of = study(technique("A"), domains=toys.NUISANCE)
    found = noise(laboratory, of, Design(looks=(3, 5), tuning="once", trials=2, stack=False))
    assert found.counted is False
    assert set(laboratory.kinds()) == {"noise", "noise-aa"}
    assert laboratory.priority().measured.runs == {}


def test_without_noise_nothing_is_suggested(laboratory):
    found = noise(laboratory, study(technique("A"), trainable=toys.train_shared))
    assert (found.sigma, found.suggested) == (0.0, None)
    assert math.isnan(found.pairing_gain)


def test_a_trainable_that_its_seed_does_not_drive_is_told(laboratory):
    of = study(technique("A"), trainable=toys.train_unruly)
    assert noise(laboratory, of).deterministic is False


def test_failed_runs_leave_out_their_pairs(laboratory):
    with pytest.raises(StudyError, match="pairs of runs are complete: 3 are needed"):
        noise(laboratory, study(technique("A"), config=toys.Config(raises=True)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_seeds": 2}, "--seeds must be from 3 to 5"),
        ({"n_seeds": 6}, "--seeds must be from 3 to 5"),
        ({"arm": "AA"}, "has no arm 'AA'"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(laboratory, trained, changes, words):
    with pytest.raises(OptionError, match=words):
        noise(laboratory, study(technique("A"), technique("B")), **changes)
    assert not trained
