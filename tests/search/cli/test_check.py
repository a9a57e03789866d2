"""``winnow check`` as a person calls it."""

import re

import pytest

BUGS = {
    "config.focal * (": "config.focl * (",
    "0.001 * (seed % 7)": "0.0",
    "range(9)": "range(5)",
}


@pytest.fixture
def right(study_file):
    text = study_file.read_text().replace("limit = 1", "limit = 0.01 * config.gamma + 1")
    study_file.write_text(text.replace("value - 0.02", "value - 0.02 * (seed % 3)"))
    return study_file


def test_a_study_that_is_right_passes_and_nothing_is_stored(winnow, right, tmp_path):
    answer = winnow("check", right)
    assert answer.status == 0, answer.out + answer.err
    assert "failed" not in answer.out
    assert "passed      knobs      2 of 2 are read" in answer.out
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize(
    ("bug", "words"),
    [
        ("config.focal * (", "did you mean 'focal'"),
        ("0.001 * (seed % 7)", "seed your split or bootstrap"),
        ("range(9)", "ends after 5 of 9 steps"),
    ],
)
def test_a_mistake_is_failed_with_what_to_do(winnow, right, bug, words):
    text = right.read_text().replace(bug, BUGS[bug])
    if "seed" in bug:
        text = text.replace("(seed % 5)", "1").replace("(seed % 3)", "1")
    right.write_text(text)
    answer = winnow("check", right)
    assert answer.status == 2
    assert words in answer.out


def test_a_failing_arm_comes_with_the_command_that_shows_it(winnow, right):
    right.write_text(
        right.read_text().replace("limit += config.focal", "limit += 1 / (not config.focal)")
    )
    answer = winnow("check", right)
    assert answer.status == 2
    assert f"look closer: winnow train {right} --arm 'Focal loss' --pdb" in answer.out


def test_seconds_must_be_positive(winnow, right):
    answer = winnow("check", right, "--seconds", 0)
    assert (answer.status, "--seconds must be positive" in answer.err) == (2, True)


def test_what_was_not_reached_is_named_and_all_takes_the_time(winnow, right):
    text = right.read_text().replace("import math", "import math, time")
    right.write_text(text.replace("        value =", "        time.sleep(0.02)\n        value ="))
    hurried = winnow("check", right, "--seconds", 0.15)
    assert hurried.status == 0, hurried.err
    assert "Nothing is known of what was not reached (" in hurried.out
    (missed,) = re.findall(r"not reached \((.*)\): --all", hurried.out)
    assert "max_steps" in missed.split(", ")
    whole = winnow("check", right, "--seconds", 0.15, "--all")
    assert whole.status == 0, whole.out
    assert "not reached" not in whole.out
    assert "the baseline goes through all 9 steps" in whole.out
