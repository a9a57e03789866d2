"""``winnow train``: one run, the debugger, and every failure's replay."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

LOCAL = ("--engine", "local")


@pytest.fixture
def breaking(study_file):
    """It raises in the arm where the learning rate is high, and says which one that was."""
    broken = study_file.read_text().replace(
        "    limit = 1",
        '    if config.focal:\n        raise ValueError(f"lr {config.lr} breaks seed {seed}")\n'
        "    limit = 1",
    )
    study_file.write_text(broken)
    return study_file


def test_an_arm_is_run_step_by_step_and_nothing_is_stored(winnow, study_file, tmp_path):
    answer = winnow("train", study_file, "--arm", "Focal loss", "--set", "lr=3e-4", "--seed", 2)
    assert answer.status == 0, answer.err
    assert "toy, Focal loss, seed 2, 9 steps" in answer.out
    assert "Config(lr=0.0003, focal=True)" in answer.out
    assert len(re.findall(r"^ +\d+  +0\.", answer.out, flags=re.MULTILINE)) == 9
    assert "complete after 9 steps; nothing was stored" in answer.out
    assert list((tmp_path / "here").iterdir()) == []


def test_metrics_go_into_a_file_if_asked(winnow, study_file, tmp_path):
    winnow("train", study_file, "--steps", 2, "--output", tmp_path / "here" / "run.csv")
    lines = (tmp_path / "here" / "run.csv").read_text().splitlines()
    assert lines[0] == "step,val_ap,test_ap,elapsed_s"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--arm", "Focal los"), "did you mean 'Focal loss'"),
        (("--set", "gama=1"), "did you mean 'gamma'"),
        (("--set", "lr=fast"), "Config.lr takes float, got 'fast'"),
        (("--set", "focal=3"), "Config.focal takes bool, got 3"),
        (("--set", "lr"), "--set takes FIELD=VALUE"),
        (("--trial", 3, "--arm", "Focal loss"), "leave --arm out"),
        (("--series", "replicate"), "--series says which trial"),
        (("--trial", 3), "there is no study database"),
    ],
)
def test_wrong_options_are_told_with_what_was_meant(winnow, study_file, arguments, words):
    answer = winnow("train", study_file, *arguments)
    assert answer.status == 2
    assert words in answer.err


def test_a_value_is_read_as_its_field_has_it(winnow, study_file):
    answer = winnow("train", study_file, "--set", "focal=true", "--set", "gamma=3", "--steps", 1)
    assert "Config(focal=True, gamma=3)" in answer.out


@pytest.mark.parametrize("command", ["search", "run"])
def test_replaying_a_failed_trial_fails_with_the_same_exception(winnow, breaking, command):
    more = ("--trials", 4, "--confirm", 0) if command == "search" else ("--profile", "scout")
    answer = winnow(command, breaking, *more, *LOCAL)
    (told,) = re.findall(r"^ValueError: lr .* breaks seed \d+$", answer.out, flags=re.MULTILINE)
    assert "Configuration: Config(" in answer.out
    (replay,) = re.findall(r"^replay: (winnow train .*)$", answer.out, flags=re.MULTILINE)
    words = shlex.split(replay)[1:]
    assert ("--series" in words) == (command == "run")
    again = winnow(*words)
    assert again.status == 1
    assert told in again.out.splitlines()
    assert f"replay: {replay}" in again.out.splitlines()


def test_a_trial_that_was_complete_is_repeated_to_the_last_digit(winnow, study_file):
    winnow("search", study_file, "--trials", 3, "--confirm", 0, *LOCAL)
    answer = winnow("train", study_file, "--trial", 0)
    assert answer.status == 0, answer.err
    winnow("report", "toy", "--history", "history.csv")
    lines = Path("history.csv").read_text(encoding="utf-8").splitlines()
    header, *rows = (line.split(",") for line in lines)
    values = {
        f"{float(row[header.index('val_ap')]):.6g}"
        for row in rows
        if row[header.index("trial")] == "0"
    }
    assert len(values) == 9
    assert values <= set(answer.out.split())


def test_a_trial_that_is_not_there_is_told(winnow, study_file):
    winnow("search", study_file, "--trials", 2, "--confirm", 0, *LOCAL)
    answer = winnow("train", study_file, "--trial", 17)
    assert answer.status == 2
    assert "toy/search holds trials 0 to 1" in answer.err


def test_the_debugger_opens_where_the_trainable_raises(breaking):
    done = subprocess.run(
        [sys.executable, "-m", "search.cli", "train", breaking, "--arm", "Focal loss", "--pdb"],
        input="p 'found', config.lr * 2\nq\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "('found', 0.002)" in done.stdout
    assert f"{breaking}(" in done.stdout
