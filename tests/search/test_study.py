"""What a study is made of, and every way in which it is refused."""

from __future__ import annotations

import dataclasses
import math
import pickle
from typing import Any

import optuna
import pytest
from ray import cloudpickle

from search import (
    ASHA,
    Criterion,
    Effort,
    Float,
    Guard,
    Impact,
    MedianStopping,
    NoPruning,
    Objective,
    Resources,
    Space,
    Study,
    StudyError,
    Technique,
)
from tests.search.studies import (
    FOCAL,
    GOAL,
    PLATT,
    SWA,
    Config,
    Predicting,
    make,
    problems_of,
    train,
    train_on,
)


def test_the_reference_example() -> None:
    study = Study(
        name="my-study",
        trainable=train,
        space=Space(baseline=Config(), domains={"lr": Float(1e-5, 1e-1, log=True)}),
        techniques=[
            Technique(
                "Focal loss",
                on={"focal": True},
                domains={"gamma": Float(0.0, 5.0)},
                expected_impact=Impact.HIGH,
                effort=Effort.LOW,
                reference="arXiv:1708.02002",
            ),
        ],
        objective=Objective("val_ap", "maximize"),
        evaluation=Objective("test_ap", "maximize"),
        smallest_gain=0.01,
        max_steps=27,
    )
    assert study.contract.kind == "generator"
    assert study.technique("Focal loss").effort is Effort.LOW
    assert study.goals == (GOAL,)
    assert study.held_out == Objective("test_ap", "maximize")
    assert study.resources == Resources(1.0, None)
    assert study.pruner == ASHA()


def test_the_evaluation_defaults_to_the_objectives_held_out_twin() -> None:
    assert make().held_out == Objective("test_ap", "maximize")
    loss = Objective("loss", "minimize")
    assert make(objective=loss).held_out == Objective("test_loss", "minimize")
    assert make(evaluation=Objective("test_f1", "maximize")).held_out.metric == "test_f1"
    several = make(objective=None, objectives=[GOAL, loss])
    assert several.goals == (GOAL, loss)
    assert several.held_out.metric == "test_ap"


def test_a_study_cannot_be_changed() -> None:
    targets = {"published": 0.9}
    study = make(targets=targets, techniques=[FOCAL])
    targets["published"] = 0.1
    assert study.targets == {"published": 0.9}
    assert study.techniques == (FOCAL,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.name = "other"  # type: ignore[misc]  # that it fails is the point
    with pytest.raises(TypeError):
        study.targets["x"] = 1.0  # type: ignore[index]  # likewise


def test_a_study_travels_to_workers() -> None:
    study = make(
        trainable=Predicting,
        techniques=[FOCAL, PLATT],
        metrics=lambda predictions: {"test_f1": float(len(predictions))},
        reference_lines={"linear": {"test_ap": 0.5}, "trees": lambda seed: {"test_ap": seed}},
        data=lambda path: path,
    )
    again = cloudpickle.loads(cloudpickle.dumps(study))  # type: ignore[no-untyped-call]  # Ray's
    assert again.space == study.space
    assert again.techniques[0] == FOCAL
    assert again.targets == study.targets
    assert again.reference_lines["trees"](3) == {"test_ap": 3}
    assert pickle.loads(pickle.dumps(make())) == make()


def test_an_unknown_technique_is_named_with_the_nearest() -> None:
    with pytest.raises(StudyError, match=r"has no technique 'focal'; did you mean 'Focal loss'\?"):
        make(techniques=[FOCAL]).technique("focal")


def test_every_problem_is_told_at_once() -> None:
    problems = problems_of(
        name="my study",
        trainable=lambda config: config,
        objective=Objective("test_ap", "maximize"),
        evaluation=Objective("val_ap", "maximize"),
        max_steps=0,
        smallest_gain=math.nan,
        sampler="TPE",
        pruner="asha",
        score_at="first",
        replication="new",
        retries=5,
        split_seed=-1,
        targets={"published": math.inf},
        reference_lines={"trees": 0.8},
        resources=2,
        data="folder",
        secondary=[GOAL, GOAL],
        techniques=[
            FOCAL,
            FOCAL,
            Technique("Typo", on={"focl": True}),
            Technique("Wrong", on={"focal": "yes"}),
            Technique("Needs", on={"swa": True}, requires=["Focal los"]),
        ],
    )
    assert problems == (
        "Study.name takes letters, digits, '.', '_' and '-', a letter or digit first, "
        "got 'my study'",
        "objective 'test_ap' is held-out: metrics that begin with 'test_' are never shown to a "
        "search; use a validation metric",
        "Study.secondary names 'val_ap' twice",
        "evaluation 'val_ap' is not held-out: the table would be read on data that tuning selects "
        "on; report it on held-out data, under a name that begins with 'test_'",
        "Study.max_steps must be a whole number from 1, got 0",
        "Study.split_seed must be a whole number from 0, got -1",
        "Study.retries is 0 or 1, got 5",
        "Study.smallest_gain must be a positive number, got nan",
        "target 'published' must be a finite number, got inf",
        "Study.sampler has no 'TPE'; did you mean 'tpe'?",
        "Study.resources takes Resources(cpus, gpus), got 2",
        "Study.score_at is 'last' or 'best', got 'first'",
        "Study.replication is 'fresh', 'fixed' or 'resplit', got 'new'",
        "Study.data takes a function, got 'folder'",
        "reference line 'trees' must be a mapping of metrics or a function of the seed, got 0.8",
        "Study.pruner takes ASHA, MedianStopping or NoPruning, got 'asha'",
        "trainable '<lambda>' has no yield; it must yield its metrics after every step, "
        "or report them under @search.reporting",
        "trainable '<lambda>' must take the keyword seed",
        "two techniques are called 'Focal loss'",
        "technique 'Needs' names 'Focal los', which this study does not have; "
        "did you mean 'Focal loss'?",
        "technique 'Typo': Config has no field 'focl'; did you mean 'focal'?",
        "technique 'Wrong': Config.focal takes bool, got 'yes'",
        "techniques 'Focal loss' and 'Focal loss' set the same fields to the same values: "
        "they cannot be told apart",
    )


@pytest.mark.parametrize("name", ["", "a b", "../up", ".hidden", "-x", "a/b", "é", 3, None])
def test_names_that_are_no_file_names_are_refused(name: Any) -> None:
    (problem,) = problems_of(name=name)
    assert problem.startswith("Study.name takes letters, digits, '.', '_' and '-'")


def test_a_name_is_short_enough_to_begin_those_of_the_database() -> None:
    assert problems_of(name="x" * 81) == ("Study.name has at most 80 characters, got 81",)
    assert make(name="x" * 80).name == "x" * 80


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"space": Config()}, "Study.space takes a Space, got Config("),
        ({"techniques": FOCAL}, "Study.techniques takes a list, got Technique("),
        ({"techniques": [SWA, "focal"]}, "Study.techniques takes Technique, got 'focal'"),
        ({"objective": "val_ap"}, "Study.objective takes Objective(metric, direction), got 'val_"),
        ({"evaluation": "test_ap"}, "Study.evaluation takes Objective(metric, direction)"),
        ({"secondary": ["test_f1"]}, "Study.secondary takes Objective(metric, direction)"),
        ({"secondary": GOAL}, "Study.secondary takes a list, got Objective("),
        ({"objective": None}, "Study takes either objective=… or objectives=(…, …)"),
        ({"objectives": [GOAL]}, "Study takes either objective=… or objectives=(…, …)"),
        ({"objective": None, "objectives": [GOAL, GOAL]}, "Study.objectives names 'val_ap' twice"),
        ({"targets": [0.9]}, "Study.targets takes {name: …}, got [0.9]"),
        ({"targets": {"x": True}}, "target 'x' must be a finite number, got True"),
        ({"reference_lines": []}, "Study.reference_lines takes {name: …}, got []"),
        ({"max_steps": 2.0}, "Study.max_steps must be a whole number from 1, got 2.0"),
        ({"max_steps": True}, "Study.max_steps must be a whole number from 1, got True"),
        ({"smallest_gain": "1"}, "Study.smallest_gain must be a positive number, got '1'"),
        ({"sampler": 3}, "Study.sampler takes a name or an Optuna sampler, got 3"),
        ({"metrics": {}}, "Study.metrics takes a function, got {}"),
        ({"data": len}, "Study.data is given, but the trainable takes no keyword 'data'"),
        (
            {"trainable": train_on},
            "the trainable requires the keyword 'data', but Study(data=…) is not given",
        ),
        ({"trainable": 3}, "trainable must be a generator function or a class, got 3"),
        (
            {"pruner": ASHA(grace_steps=27)},
            "ASHA.grace_steps=27 leaves no step to stop at below max_steps=27; lower it, or say",
        ),
        (
            {"pruner": MedianStopping(grace_steps=30)},
            "MedianStopping.grace_steps=30 leaves no step to stop at below max_steps=27",
        ),
        (
            {"techniques": [PLATT], "trainable": Predicting},
            "post-hoc technique 'Platt' needs Study(metrics=…)",
        ),
        (
            {"techniques": [PLATT], "metrics": len},
            "post-hoc technique 'Platt' needs predictions: the trainable must be a class with",
        ),
    ],
)
def test_what_cannot_work_is_refused(changes: Any, problem: str) -> None:
    (found,) = problems_of(**changes)
    assert found.startswith(problem)


def test_several_objectives_exclude_what_needs_one() -> None:
    goals = [GOAL, Objective("val_loss", "minimize")]
    problems = problems_of(
        objective=None, objectives=goals, pruner=MedianStopping(), sampler="cmaes"
    )
    assert problems == (
        "the sampler 'cmaes' takes a single objective; use 'tpe', 'nsga2' or 'gp'",
        "median stopping needs a single objective",
    )
    assert make(objective=None, objectives=goals, sampler="nsga2").goals == tuple(goals)


def test_no_techniques_need_no_held_out_metric() -> None:
    assert make(evaluation=GOAL).held_out == GOAL


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "cmaes", "qmc", "nsga2"])
def test_samplers_have_names(sampler: str) -> None:
    assert make(sampler=sampler).sampler == sampler


def test_an_optuna_sampler_is_a_sampler() -> None:
    sampler = optuna.samplers.RandomSampler(seed=1)
    assert make(sampler=sampler).sampler is sampler


@pytest.mark.parametrize("pruner", [ASHA(), ASHA(grace_steps=5), NoPruning()])
def test_a_study_of_one_step_prunes_nothing_and_is_fine(pruner: Any) -> None:
    assert make(max_steps=1, pruner=pruner).max_steps == 1


def test_guards_watch_every_run_by_default_and_may_be_declared() -> None:
    assert {guard.kind for guard in make().guards} >= {"non_finite", "collapse", "peak_at_end"}
    assert make(guards=[]).guards == ()
    chosen = [Guard("collapse", action="stop"), Guard("no_improvement", "val_ap", steps=3)]
    assert make(guards=chosen).guards == tuple(chosen)


@pytest.mark.parametrize(
    ("guards", "words"),
    [
        (["collapse"], "Study.guards takes Guard(kind, …), got 'collapse'"),
        ("collapse", "Study.guards takes a list, got 'collapse'"),
        ([Guard("no_improvement", "val_a")], "watches an objective, and 'val_a' is none"),
        ([Guard("collapse"), Guard("collapse")], "twice"),
    ],
)
def test_guards_that_make_no_sense(guards: Any, words: str) -> None:
    assert words in problems_of(guards=guards)[0]


def test_criteria_have_names_of_their_own() -> None:
    criterion = Criterion("test_ece", "minimize", 0.05)
    assert make(criteria=[criterion]).criteria == (criterion,)
    assert "takes Criterion(metric, direction, threshold)" in problems_of(criteria=[0.05])[0]
    twice = problems_of(criteria=[criterion, Criterion("val_ap", "maximize", 1, criterion.label)])
    assert twice == ("two of the study's targets and criteria are called 'test_ece ≤ 0.05'",)
    named = Criterion("test_ap", "maximize", 0.6, name="published")
    assert problems_of(criteria=[named], targets={"published": 0.6})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replication": "resplit"}, "test_train_ratio"),
        ({"test_train_ratio": 0.25}, "belongs to replication='resplit'"),
        ({"replication": "resplit", "test_train_ratio": -1}, "finite number from 0"),
    ],
)
def test_resplits_say_by_what_their_variance_is_corrected(changes: Any, words: str) -> None:
    (problem,) = problems_of(techniques=[FOCAL], **changes)
    assert words in problem
    assert make(techniques=[FOCAL], replication="resplit", test_train_ratio=0.25).goals
