"""``winnow rerun``: what is registered is repeated, and the reason stands in every report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LOCAL = ("--engine", "local")
RUN = ("--looks", "3,4", "--tuning", "none", "--no-stack", "--seed", "5", *LOCAL)
BECAUSE = "<script>alert(1)</script> & the loss was wrong"


def test_the_registered_design_is_repeated_and_every_report_gives_the_reason(winnow, study_file):
    winnow("run", study_file, *RUN)
    before = json.loads(winnow("report", "toy", "--format", "json").out)
    answer = winnow("rerun", study_file, "--arm", "Focal loss", "--because", BECAUSE, *LOCAL)
    assert answer.status == 0, answer.err
    after = json.loads(winnow("report", "toy", "--format", "json").out)
    for key in ("looks", "seeds", "tuning", "verdicts"):
        assert after["registration"].get(key) == before["registration"].get(key)
    assert after["registration"]["reruns"] == [
        {"version": 2, "arms": ["Focal loss"], "because": BECAUSE, "changed_code": False}
    ]
    told = f"deviation: rerun 2: Focal loss run again, because: {BECAUSE}"
    assert told in " ".join(answer.out.split())
    assert told in " ".join(winnow("report", "toy").out.split())
    markdown = winnow("report", "toy", "--format", "markdown").out
    assert "> deviation: rerun 2: Focal loss run again" in markdown
    assert "<script>alert" not in markdown
    page = Path("toy-report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; the loss was wrong" in page
    assert "deviation: rerun 2" in winnow("report", "toy", "--format", "latex").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--because", "x"), "--arm says what is run again"),
        (("--arm", "Focal loss"), "--because takes the reason"),
        (("--arm", "Focal los", "--because", "x"), "did you mean 'Focal loss'"),
        (("--arm", "Focal loss", "--because", "x"), "there is no study database"),
    ],
)
def test_a_rerun_without_arm_reason_or_study_is_refused(winnow, study_file, arguments, words):
    answer = winnow("rerun", study_file, *arguments, *LOCAL)
    assert (answer.status, words in answer.err) == (2, True), answer.err


def test_a_rerun_of_a_study_that_only_searched_is_refused(winnow, study_file):
    winnow("search", study_file, "--trials", 1, "--confirm", 0, *LOCAL)
    answer = winnow("rerun", study_file, "--arm", "Focal loss", "--because", "x", *LOCAL)
    assert (answer.status, "was never measured" in answer.err) == (2, True)
