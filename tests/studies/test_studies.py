"""Every study loads from a foreign folder and runs two trials."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from search.configuration import override
from search.engine.stream import Limits
from search.loading import load_study
from search.parameters import Parameters, ask_trial
from search.protocol.searching import Options, run_search

DRAWN = 80
STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.py"))
VARIANTS = (
    "_further",
    "_architecture",
    "_conserved",
    "_published",
)  # the same trainable, baseline and data as another study
ALL = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem.endswith(VARIANTS) else [])
    for path in STUDIES
]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_study_runs_two_trials(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = load_study(path)
    options = Options(f"sqlite:///{tmp_path}/winnow.db", engine="local")
    outcome = run_search(loaded, options, trials=2, limits=Limits(), confirm=0)
    assert sum(outcome.outcomes.values()) == 2
    assert set(outcome.outcomes) <= {"complete", "pruned"}
    assert outcome.best is not None


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_whatever_a_search_asks_for_can_be_built(path):
    study = load_study(path).study
    parameters = Parameters.of(study.space, study.techniques)
    drawn = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(DRAWN):
        override(
            study.space.baseline, parameters.decode(parameters.suggest(ask_trial(drawn.ask())))
        )


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_reads_like_a_paragraph(path):
    text = path.read_text()
    assert text.startswith('"""')
    assert f"studies/{path.name}" in text
    assert "\ndef " not in text


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_point_of_the_space_can_be_suggested(path):
    study = load_study(path).study
    parameters = Parameters.of(study.space, study.techniques)
    for point in study.space.points:
        config = study.space.configuration(point)
        assert parameters.encode(config)
