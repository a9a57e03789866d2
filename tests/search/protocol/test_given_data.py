"""What a seed means where data are given, and what reference lines are told."""

from __future__ import annotations

from search.protocol.registering import Design
from search.protocol.searching import Options, reference_lines
from search.study import Objective
from tests.search.protocol.toys import Config, read_number, study, technique, train_with

ONE_LOOK = Design(looks=(3,), tuning="none", stack=False)
MODEL = {"trainable": train_with, "evaluation": Objective("test_score", "maximize")}


def replicating(config, *, seed, data=None, split_seed, replication):
    """Yield what it is told."""
    shift = {"fresh": 0.0, "fixed": 1.0, "resplit": 2.0}[replication] + split_seed + (data or 0)
    for _ in range(3):
        yield {"val_score": config.a + 0.1 * (seed % 7), "test_score": 100 * shift + seed % 7}


def test_given_data_are_not_drawn_afresh(laboratory, tmp_path):
    path = tmp_path / "number.txt"
    path.write_text("0.25")
    asked = study(technique("A"), **{**MODEL, "trainable": replicating}, data=read_number)
    laboratory.run(asked, ONE_LOOK, data=path)
    assert laboratory.priority().specification["replication"] == "fixed"
    (run, *_) = laboratory.series("replicate").trials
    assert run.steps[-1].metrics["test_score"] == 125 + run.asked.seed % 7


def test_what_is_generated_is_drawn_as_the_study_says(laboratory):
    asked = study(technique("A"), **{**MODEL, "trainable": replicating}, split_seed=3)
    laboratory.run(asked, ONE_LOOK)
    assert laboratory.priority().specification["replication"] == "fresh"
    (run, *_) = laboratory.series("replicate").trials
    assert run.steps[-1].metrics["test_score"] == 300 + run.asked.seed % 7


def test_a_reference_line_is_told_what_it_names(tmp_path):
    path = tmp_path / "number.txt"
    path.write_text("0.25")
    told = []

    def everything(seed, *, config, data, split_seed, replication):
        told.append((seed, config, data, split_seed, replication))
        return {"test_score": 1.0}

    lines = {"everything": everything, "seed": lambda seed: {"test_score": seed}}
    asked = study(**MODEL, data=read_number, split_seed=3, reference_lines=lines)
    options = Options(f"sqlite:///{tmp_path}/study.db", data=path)
    found = reference_lines(asked, options, [5, 6])
    assert told == [(5, Config(), 0.25, 3, "fresh"), (6, Config(), 0.25, 3, "fresh")]
    assert found["seed"] == {"5": {"test_score": 5}, "6": {"test_score": 6}}
