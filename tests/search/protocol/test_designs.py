"""Leave-one-out, screening and ladders on a trainable whose every effect is known."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from search import Objective, Space, Study, Technique
from search.errors import OptionError, StudyError
from search.loading import LoadedStudy
from search.protocol.designs import compose, run_design
from search.protocol.searching import Options
from search.ranking.designs import judge_design
from search.reports.design_report import FORMATS, render_design
from search.storage.database import Database

NOISE = 0.05


@dataclass(frozen=True)
class Config:
    a: bool = False
    b: bool = False
    c: bool = False
    kind: str = "plain"
    breaks: bool = False


def train(config, *, seed):
    if config.breaks:
        raise RuntimeError("broken")
    rng = np.random.default_rng([seed, config.a, config.b, config.c])
    score = 1.0 + 0.5 * config.a + 0.3 * config.b - 0.1 * (config.a and config.b)
    score += NOISE * rng.normal()
    yield {"val_x": score, "test_x": score}


TECHNIQUES = (
    Technique("A", on={"a": True}),
    Technique("B", on={"b": True}),
    Technique("C <b>", on={"c": True}),
)


def study(techniques=TECHNIQUES, **more):
    return Study(
        name="toy",
        trainable=train,
        space=Space(baseline=Config()),
        objective=Objective("val_x", "maximize"),
        evaluation=Objective("test_x", "maximize"),
        max_steps=1,
        techniques=techniques,
        **{"smallest_gain": 0.1, "retries": 0, **more},
    )


def run(tmp_path, kind, *, n_seeds=12, names=(), techniques=TECHNIQUES, listener=None, **more):
    asked = study(techniques, **more)
    url = f"sqlite:///{tmp_path}/winnow.db"
    loaded = LoadedStudy(asked, ModuleType("toy"), Path(__file__), {})
    composition = compose(asked, kind, names)
    run_design(
        loaded, Options(url, engine="local"), composition, n_seeds=n_seeds, listener=listener
    )
    return judged(url, kind)


def judged(url, kind):
    database = Database(url)
    try:
        return judge_design(database, "toy", kind)
    finally:
        database.close()


def test_a_ladder_tests_each_rung_on_the_one_below(tmp_path):
    result = run(tmp_path, "ladder", names=["B", "A", "C <b>"])
    assert [row.technique for row in result.rows] == ["B", "A", "C <b>"]
    gains = [row.effect.estimate for row in result.rows]
    assert gains == pytest.approx([0.3, 0.4, 0.0], abs=0.1)  # A is worth less over B
    assert [row.verdict for row in result.rows] == ["holds", "holds", "open"]
    assert result.rows[1].total.estimate == pytest.approx(sum(gains[:2]))
    assert len(result.runs) == 4 * 12


def test_leave_one_out_says_what_is_safe_to_remove(tmp_path):
    result = run(tmp_path, "leave-one-out", n_seeds=20)
    verdicts = {row.technique: row.verdict for row in result.rows}
    assert verdicts == {"A": "keep", "B": "keep", "C <b>": "safe to remove"}
    effects = {row.technique: row.effect.estimate for row in result.rows}
    assert effects["A"] == pytest.approx(0.4, abs=0.1)  # not the 0.5 that it is worth alone


def test_screening_averages_over_the_contexts(tmp_path):
    result = run(tmp_path, "screen", n_seeds=4)
    effects = {row.technique: row.effect.estimate for row in result.rows}
    assert effects["A"] == pytest.approx(0.45, abs=0.08)  # 0.5 without B, 0.4 with it
    assert effects["B"] == pytest.approx(0.25, abs=0.08)
    assert {row.technique: row.verdict for row in result.rows}["C <b>"] == "screened"
    assert len(result.registration.specification["arms"]) == 8


def test_the_same_command_again_does_nothing_and_more_seeds_add_runs(tmp_path):
    first = run(tmp_path, "ladder", n_seeds=3)
    numbers = {key: trial.number for key, trial in first.runs.items()}
    again = run(tmp_path, "ladder", n_seeds=3)
    assert {key: trial.number for key, trial in again.runs.items()} == numbers
    assert len(again.registrations) == 1
    more = run(tmp_path, "ladder", n_seeds=5)
    assert {key: more.runs[key].number for key in numbers} == numbers
    assert len(more.runs) == 4 * 5
    assert "n_seeds" in more.registration.reason


def test_an_interrupted_design_is_provisional_and_goes_on(tmp_path):
    def interrupt(stream):
        if sum(series.counts.finished for series in stream.series) >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "ladder", n_seeds=4, listener=interrupt)
    url = f"sqlite:///{tmp_path}/winnow.db"
    half = judged(url, "ladder")
    assert not half.final
    assert half.n_seeds == 2
    assert "provisional" in render_design(half, "table")
    whole = run(tmp_path, "ladder", n_seeds=4)
    (tmp_path / "other").mkdir()
    assert render_design(whole, "csv") == render_design(
        run(tmp_path / "other", "ladder", n_seeds=4), "csv"
    )


def test_a_failed_run_scores_as_the_worst_one(tmp_path):
    broken = (*TECHNIQUES, Technique("Breaks", on={"breaks": True}))
    names = [one.name for one in broken]
    result = run(tmp_path, "ladder", n_seeds=3, techniques=broken, names=names)
    assert result.n_failed == 3
    assert result.rows[-1].effect.estimate < -0.3
    assert "3 runs failed" in render_design(result, "markdown")


def test_what_cannot_be_composed_is_refused(tmp_path):
    with pytest.raises(OptionError, match="no technique 'Aa'"):
        compose(study(), "ladder", ["Aa"])
    with pytest.raises(OptionError, match="at least two"):
        compose(study(), "ladder", ["A"])
    rivals = (
        Technique("One", on={"kind": "one"}),
        Technique("Two", on={"kind": "two"}),
    )
    with pytest.raises(StudyError, match="exclude each other"):
        compose(study(rivals), "screen")
    levels = (*TECHNIQUES, Technique("L", levels={"kind": ("x", "y")}))
    assert compose(study(levels), "ladder").techniques == ("A", "B", "C <b>")
    with pytest.raises(OptionError, match="levels"):
        compose(study(levels), "ladder", ["A", "L"])
    with pytest.raises(StudyError, match="smallest_gain"):
        run(tmp_path, "leave-one-out", smallest_gain=None)


def test_every_format_says_the_same_and_escapes_names(tmp_path):
    result = run(tmp_path, "ladder", n_seeds=3)
    found = json.loads(render_design(result, "json"))
    assert [row["technique"] for row in found["rows"]] == [r.technique for r in result.rows]
    assert found["rows"][0]["effect"] == result.rows[0].effect.estimate
    html = render_design(result, "html")
    assert "C &lt;b&gt;" in html
    assert "C <b>" not in html
    for name in FORMATS:
        assert render_design(result, name).count("\n") >= 3
    with pytest.raises(OptionError, match="latex"):
        render_design(result, "latex")
