"""Designs, scouts, figures and notebooks, as a person asks for them."""

import json
import re
import shlex
from pathlib import Path

import optuna
import pytest

import search
from search.errors import StorageError
from tests.search.mirrors.receiver import receiving

LOCAL = ("--engine", "local")
TWO = """    techniques=[
        Technique("Focal loss", on={"focal": True}),
        Technique("Sharper", on={"gamma": 3.0}),
    ],
"""


@pytest.fixture
def two_techniques(study_file):
    text = study_file.read_text()
    before, rest = text.split("    techniques=", 1)
    study_file.write_text(before + TWO + rest.split("effort=Effort.LOW)],\n", 1)[1])
    return study_file


@pytest.mark.parametrize("design", ["ladder", "screen", "leave-one-out"])
def test_a_design_runs_reports_and_is_found_again(winnow, two_techniques, design):
    answer = winnow("run", two_techniques, "--design", design, "--looks", 3, *LOCAL)
    assert answer.status == 0, answer.err
    assert "Focal loss" in answer.out
    assert Path(f"toy-{design}.html").read_text().lower().startswith("<!doctype html>")
    found = json.loads(winnow("report", "toy", "--design", design, "--format", "json").out)
    assert found["status"] == "final"
    effects = {row["technique"]: row["effect"] for row in found["rows"]}
    assert effects["Focal loss"] == pytest.approx(0.1, abs=0.02)
    assert effects["Sharper"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--design", "laddr"), "did you mean 'ladder'"),
        (("--design", "ladder", "--technique", "Focal los"), "did you mean 'Focal loss'"),
        (("--technique", "Focal loss"), "--technique belongs to --design"),
    ],
)
def test_a_wrong_design_is_refused(winnow, two_techniques, arguments, words):
    answer = winnow("run", two_techniques, *arguments, *LOCAL)
    assert answer.status == 2
    assert words in " ".join(answer.err.split())


def test_a_design_is_told_mirrored_and_says_what_failed(winnow, two_techniques):
    text = two_techniques.read_text()
    raises = "    if config.focal:\n        raise ValueError('no focal loss')\n    limit = 1"
    two_techniques.write_text(text.replace("    limit = 1", raises))
    with receiving() as receiver:
        answer = winnow(
            "run", two_techniques, "--design", "ladder", "--looks", 3, *LOCAL,
            "--notify", receiver.url, "--mirror", "tensorboard:tb",
        )  # fmt: skip
    assert answer.status == 0, answer.err
    assert [letter["event"] for letter in receiver.letters] == ["done"]
    assert len(list(Path("tb").rglob("events.out.tfevents.*"))) == 9
    assert "6 failed: ValueError: no focal loss" in answer.out
    (replay,) = re.findall("replay: winnow (.*)", answer.out)
    again = winnow(*shlex.split(replay))
    assert (again.status, "no focal loss" in again.out + again.err) == (1, True)


def test_a_design_that_a_deadline_ends_goes_on(winnow, two_techniques):
    command = ("run", two_techniques, "--design", "ladder", "--looks", 3, *LOCAL)
    first = winnow(*command, "--hours", 1e-9)
    assert "Ended by the time limit of 1e-09 h." in first.out
    assert "provisional" in first.out
    assert winnow(*command).status == 0
    found = json.loads(winnow("report", "toy", "--design", "ladder", "--format", "json").out)
    assert found["status"] == "final"


def test_a_design_that_never_ran_is_not_found(winnow, study_file):
    winnow("run", study_file, "--profile", "scout", *LOCAL)
    answer = winnow("report", "toy", "--design", "ladder")
    assert answer.status == 1
    assert "holds no ladder of 'toy'" in answer.err


def test_a_scout_estimates_and_judges_nothing(winnow, study_file):
    answer = winnow("run", study_file, "--profile", "scout", *LOCAL)
    assert answer.status == 0, answer.err
    found = json.loads(winnow("report", "toy", "--format", "json").out)
    (row,) = found["rows"]
    assert (found["status"], row["n_seeds"], row["verdict"]) == ("provisional", 3, None)
    assert row["effect"] == pytest.approx(0.1, abs=0.02)
    # the same three seeds may not be judged afterwards
    winnow("run", study_file, "--profile", "quick", *LOCAL)
    again = json.loads(winnow("report", "toy", "--format", "json").out)
    assert again["rows"][0]["verdict"] is not None
    assert not set(found["registration"]["seeds"]) & set(again["registration"]["seeds"])


def test_a_table_reaches_the_dashboard_a_notebook_and_a_paper(winnow, study_file):
    winnow("run", study_file, "--profile", "quick", *LOCAL)
    study = optuna.load_study(study_name="toy/replicate", storage="sqlite:///winnow.db")
    storage = optuna.storages.get_storage("sqlite:///winnow.db")
    attributes = storage.get_study_system_attrs(storage.get_study_id_from_name("toy/replicate"))
    assert any("Focal loss" in str(text) for text in attributes.values())
    assert winnow("report", "toy", "--figures", "figures").status == 0
    assert {path.suffix for path in Path("figures").iterdir()} == {".svg", ".pdf"}
    page = Path("results/page.md")
    answer = winnow(
        "report", "toy", "--format", "markdown", "--output", page, "--figures", "results/drawn"
    )
    assert answer.status == 0, answer.err
    shown = re.findall(r"!\[.*\]\(<(.+)>\)", page.read_text(encoding="utf-8"))
    assert "drawn/toy-forest.svg" in shown
    assert all((page.parent / link).is_file() for link in shown)
    found = search.results("toy")
    assert list(found.table["technique"]) == ["Focal loss"]
    assert len(found.runs) == len(study.trials)
    with pytest.raises(StorageError, match="toyy"):
        search.results("toyy")


def test_a_search_has_no_figures_of_a_table(winnow, study_file):
    winnow("search", study_file, "--trials", 3, "--confirm", 0, *LOCAL)
    answer = winnow("report", "toy", "--figures", "figures")
    assert answer.status == 2
    assert "only a search" in answer.err


def test_plan_says_what_fits_into_a_deadline(winnow, two_techniques):
    answer = winnow("plan", two_techniques, "--hours", 1)
    assert answer.status == 0, answer.err
    assert "all 2 techniques" in answer.out
    assert "stay invisible" in answer.out
    nothing = winnow("plan", two_techniques, "--hours", 1e-9)
    assert "not even one technique" in " ".join(nothing.out.split())


def test_plan_speaks_in_the_metrics_unit_once_replicates_exist(winnow, study_file):
    assert "by the replicates so far" not in winnow("plan", study_file, *LOCAL).out
    winnow("run", study_file, "--profile", "scout", *LOCAL)
    out = " ".join(winnow("plan", study_file, *LOCAL).out.split())
    assert "In test_ap, by the replicates so far" in out
