"""Samplers ask from history: rebuilt ones go on as uninterrupted ones would."""

# ruff: noqa: ARG005 - arguments are those of an interface

import json
import math
from dataclasses import dataclass

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from search import Categorical, Float, Int, Space, Technique, When
from search.engine.samplers import SELF_CONTAINED, Source, derive_seed, make_sampler
from search.engine.shadow import FIXED, Shadow
from search.parameters import Parameters
from search.storage.records import Result
from search.study import SAMPLERS


@dataclass(frozen=True)
class Config:
    lr: float = 0.1
    width: int = 8
    kind: str = "mean"
    heads: int = 2
    focal: bool = False
    gamma: float = 2.0


MIXED = Parameters.of(
    Space(
        baseline=Config(),
        domains={
            "lr": Float(1e-3, 1.0, log=True),
            "width": Int(4, 64),
            "kind": Categorical(("mean", "attention")),
            "heads": When({"kind": "attention"}, Int(1, 8)),
        },
    ),
    [Technique("Focal", on={"focal": True}, domains={"gamma": Float(0.0, 5.0)})],
)
NUMBERS = Parameters.of(
    Space(baseline=Config(), domains={"lr": Float(0.0, 1.0), "gamma": Float(0.0, 5.0)})
)


class Stored:
    """What a database keeps of a search: trials, their notes, and the study's."""

    def __init__(self, sampler, parameters, directions=("maximize",), seed=3):
        self.sampler, self.parameters = sampler, parameters
        self.directions, self.seed = directions, seed
        self.trials, self.results, self.notes = [], [], {}

    def shadow(self):
        sampler = self.sampler() if callable(self.sampler) else self.sampler
        shadow = Shadow(sampler, self.directions, self.seed, self.notes)
        for trial, result in zip(self.trials, self.results, strict=True):
            shadow.restore(trial, result)
        return shadow

    def ask(self, shadow):
        number = len(self.trials)
        fixed = self.parameters.encode(self.parameters.baseline) if number == 0 else None
        params = shadow.ask(number, self.parameters, fixed)
        self.notes = json.loads(json.dumps(shadow.notes()))
        trial = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=self.parameters.distributions(params),
            system_attrs=json.loads(json.dumps(shadow.notes_on(number))),
        )
        trial.number = number
        self.trials.append(trial)
        self.results.append(None)
        return params

    def tell(self, shadow, result, number=-1):
        number %= len(self.trials)
        self.results[number] = result
        shadow.told(number, result)


def outcome(params, number):
    """A deterministic mixture of everything that a trial may come to."""
    score = -abs(math.log10(params.get("lr", 0.1) + 1e-9) + 1) - 0.01 * params.get("width", 0)
    if number % 7 == 3:
        return Result("diverged", (), 1)
    if number % 7 == 5:
        return Result("failed", (), 0)
    if number % 3 == 1:
        return Result("pruned", (score - 1,), 1 + number % 4)
    return Result("complete", (score,), 9)


def search(stored, trials, *, restarts=()):
    shadow, asked = stored.shadow(), []
    for number in range(trials):
        if number in restarts:
            shadow = stored.shadow()
        params = stored.ask(shadow)
        stored.tell(shadow, outcome(params, number))
        asked.append(params)
    return asked


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("parameters", [MIXED, NUMBERS], ids=["mixed", "numbers"])
def test_a_rebuilt_sampler_suggests_what_the_uninterrupted_one_does(sampler, parameters):
    trials = 14 if sampler == "gp" else 24
    whole = search(Stored(sampler, parameters), trials)
    parts = search(Stored(sampler, parameters), trials, restarts=(1, 5, 6, trials - 4))
    assert parts == whole


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_seed_decides_and_nothing_else(sampler):
    def draw(seed, noise):
        np.random.seed(noise)  # noqa: NPY002 - the global generator must not matter
        return search(Stored(sampler, NUMBERS, seed=seed), 6)

    assert draw(3, 0) == draw(3, 1)
    assert draw(3, 0) != draw(4, 0)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_under_way_do_not_disturb_a_restart(sampler):
    """Four trials at a time, and a restart while they run."""
    stored = Stored(sampler, MIXED)
    shadow = stored.shadow()
    for number in range(12):
        if number == 8:
            shadow = stored.shadow()
        params = stored.ask(shadow)
        assert set(params) <= {"lr", "width", "kind", "heads", "focal", "gamma"}
        if number >= 3:
            stored.tell(shadow, outcome(stored.trials[number - 3].params, number), number - 3)


def test_a_sequence_does_not_repeat_points_after_restarts():
    asked = search(Stored("qmc", NUMBERS), 32, restarts=range(1, 32, 3))[1:]
    points = {(round(p["lr"], 9), round(p["gamma"], 9)) for p in asked}
    assert len(points) == len(asked)
    # and it is one sequence: 16 strata of the unit interval, none left empty by 31 points
    assert {int(16 * p["lr"]) for p in asked} == set(range(16))


def test_the_sequences_categories_differ_from_trial_to_trial():
    stored = Stored("qmc", MIXED)
    asked = search(stored, 16, restarts=range(1, 16))
    assert len({p["kind"] for p in asked}) == 2


def test_cmaes_leaves_no_pickle_and_keeps_its_generations():
    stored = Stored("cmaes", NUMBERS)
    search(stored, 20, restarts=(9,))
    assert stored.notes == {}
    assert all(list(trial.system_attrs) in ([], [FIXED]) for trial in stored.trials)


def test_nsga2_keeps_generations():
    stored = Stored("nsga2", NUMBERS, ("maximize", "minimize"))
    population = optuna.samplers.NSGAIISampler().population_size
    shadow = stored.shadow()
    for number in range(2 * population + 2):
        if number == population + 3:
            shadow = stored.shadow()
        params = stored.ask(shadow)
        stored.tell(shadow, Result("complete", (params["lr"], params["gamma"]), 9))
    assert stored.trials[0].system_attrs == {}  # the baseline belongs to none
    generations = [next(iter(t.system_attrs.values())) for t in stored.trials[1:]]
    assert generations == [0] * population + [1] * population + [2]


def told_states(shadow, stored, monkeypatch):
    """Return what the sampler is shown: it asks the study for its trials."""
    seen = {}

    class Spy(optuna.samplers.RandomSampler):
        def infer_relative_search_space(self, study, trial):
            seen["trials"] = study.get_trials(deepcopy=False)
            return super().infer_relative_search_space(study, trial)

    monkeypatch.setattr(Source, "sampler", lambda self, number: Spy(seed=number))
    stored.ask(shadow)
    return seen["trials"]


def test_tpe_ranks_a_diverged_trial_below_the_shortest_healthy_one(monkeypatch):
    """TPE ranks pruned trials by (-last step, value): a diverged one is told without any."""
    stored = Stored("tpe", NUMBERS)
    shadow = stored.shadow()
    for result in (
        Result("diverged", (), 26),
        Result("pruned", (-5.0,), 1),
        Result("pruned", (0.5,), 3),
    ):
        stored.ask(shadow)
        stored.tell(shadow, result)
    trials = told_states(shadow, stored, monkeypatch)[:3]
    assert [t.state for t in trials] == [TrialState.PRUNED] * 3
    assert trials[0].intermediate_values == {}
    assert trials[1].intermediate_values == {1: -5.0}
    assert trials[2].intermediate_values == {3: 0.5}


def share_of_good(sampler, outcomes):
    """Let one half of the space diverge; return how often the other half is asked for after."""
    stored = Stored(sampler, Parameters.of(Space(Config(), {"lr": Float(0.0, 1.0)})))
    shadow = stored.shadow()
    for number in range(30):
        params = stored.ask(shadow)
        bad = params["lr"] > 0.5
        stored.tell(shadow, outcomes(params, number) if bad else Result("pruned", (0.1,), 1))
    late = [trial.params["lr"] for trial in stored.trials[15:]]
    return sum(lr <= 0.5 for lr in late) / len(late)


def test_tpe_learns_that_a_region_diverges():
    assert share_of_good("tpe", lambda params, number: Result("diverged", (), 20)) >= 0.7


@pytest.mark.parametrize("sampler", ["gp", "cmaes"])
@pytest.mark.parametrize(("direction", "worst"), [("maximize", -2.0), ("minimize", 3.0)])
def test_samplers_of_values_learn_the_worst_finite_one(sampler, direction, worst, monkeypatch):
    stored = Stored(sampler, NUMBERS, (direction,))
    shadow = stored.shadow()
    for result in (
        Result("diverged", (), 2),  # before any value is known
        Result("complete", (3.0,), 9),
        Result("complete", (-2.0,), 9),
        Result("diverged", (), 8),
        Result("pruned", (9.0,), 1),
    ):
        stored.ask(shadow)
        stored.tell(shadow, result)
    trials = told_states(shadow, stored, monkeypatch)
    assert [t.state for t in trials[:4]] == [TrialState.COMPLETE] * 4
    assert trials[0].value == 3.0  # the only one there was
    assert trials[3].value == worst
    assert trials[4].state == TrialState.PRUNED


def test_a_failed_trial_teaches_nothing(monkeypatch):
    stored = Stored("tpe", NUMBERS)
    shadow = stored.shadow()
    stored.ask(shadow)
    stored.tell(shadow, Result("failed", (), 5))
    assert told_states(shadow, stored, monkeypatch)[0].state == TrialState.FAIL


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "qmc"])
def test_several_objectives_and_a_breakdown(sampler):
    stored = Stored(sampler, NUMBERS, ("maximize", "minimize"))
    shadow = stored.shadow()
    for number in range(14):
        params = stored.ask(shadow)
        values = (params["lr"], params["gamma"])
        broken = number % 5 == 2
        result = Result("diverged", (), 1) if broken else Result("complete", values, 9)
        stored.tell(shadow, result)
    stored.ask(stored.shadow())


def test_somebody_elses_trials_keep_the_numbers_in_step():
    stored = Stored("tpe", NUMBERS)
    shadow = stored.shadow()
    shadow.foreign(create_trial(state=TrialState.COMPLETE, params={}, distributions={}, value=1.0))
    shadow.foreign(create_trial(state=TrialState.RUNNING))
    params = shadow.ask(2, NUMBERS, None)
    shadow.notes_on(2)
    shadow.told(2, Result("complete", (params["lr"],), 9))


def test_a_trial_may_get_another_number_than_expected():
    """Somebody else's trial came between the asking and the storing."""
    shadow = Shadow("tpe", ("maximize",), 3, {})
    shadow.ask(0, NUMBERS, None)
    shadow.notes_on(1)
    shadow.foreign(create_trial(state=TrialState.COMPLETE, params={}, distributions={}, value=1.0))
    shadow.ask(2, NUMBERS, None)
    shadow.notes_on(2)
    shadow.told(2, Result("complete", (0.2,), 9))
    shadow.told(1, Result("complete", (0.1,), 9))


class Grid:
    """A user's own sampler: a grid, which is used up one day."""

    space = {"lr": [0.1, 0.5], "gamma": [1.0, 2.0, 3.0]}  # noqa: RUF012 - never changed

    def __call__(self):
        return optuna.samplers.GridSampler(self.space, seed=0)


def test_a_users_own_grid_is_asked_once_across_restarts_and_ends():
    stored = Stored(Grid(), NUMBERS)
    shadow, points = stored.shadow(), []
    while not shadow.exhausted and len(points) < 20:
        params = stored.ask(shadow)
        stored.tell(shadow, Result("complete", (1.0,), 9))
        points.append((params["lr"], params["gamma"]))
        if len(points) % 2:
            shadow = stored.shadow()
    assert len(points) == 7  # the baseline, and the grid
    assert set(points[1:]) == {(lr, gamma) for lr in (0.1, 0.5) for gamma in (1.0, 2.0, 3.0)}


def test_a_users_own_seeded_sampler_does_not_begin_again():
    """Stock Optuna repeats the same seed's samples when a study is gone on with."""
    stored = Stored(lambda: optuna.samplers.RandomSampler(seed=1), NUMBERS)
    asked = search(stored, 12, restarts=(3, 6, 9))
    assert len({p["lr"] for p in asked}) == len(asked)


def test_a_users_own_sampler_is_itself():
    own = optuna.samplers.TPESampler(seed=1, n_startup_trials=2)
    assert Source(own, 0).sampler(5) is own
    assert not Source(own, 0).keeps_notes


def test_names_become_samplers():
    for name in SAMPLERS:
        made = make_sampler(name, 0, 0)
        assert type(made).__name__.lower().startswith(name.replace("nsga2", "nsgaii")[:3])
    assert len(SELF_CONTAINED) == 4


def test_seeds_differ_by_number_and_are_stable():
    assert derive_seed(0, 1) != derive_seed(0, 2) != derive_seed(1, 2)
    assert derive_seed(7, 11) == int(np.random.SeedSequence([7, 11]).generate_state(1)[0])
