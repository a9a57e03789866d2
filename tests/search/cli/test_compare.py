"""``winnow compare``, from a study that ran to words and JSON."""

import json


def test_arms_runs_and_files_can_be_named(winnow, study_file):
    winnow("run", study_file, "--looks", "3", "--tuning", "none", "--engine", "local")
    said = winnow("compare", study_file, "toy:Focal loss")
    assert said.status == 0
    assert "focal" in said.out
    assert "test_ap" in said.out
    found = json.loads(winnow("compare", "toy#0", "toy#1", "--format", "json").out)
    assert found["configuration"] == [{"name": "focal", "first": False, "second": True}]
    assert winnow("compare", "toy", "toy", "--output", "c.txt").out == ""


def test_what_is_misspelt_is_told_in_one_line(winnow, study_file):
    winnow("search", study_file, "--trials", "2", "--engine", "local", "--confirm", "0")
    said = winnow("compare", "toy#0", "toi#1")
    assert (said.status, said.err.count("\n")) == (1, 1)
    assert "did you mean 'toy'" in said.err
    said = winnow("compare", "toy#0", "toy#1", "--format", "tabel")
    assert "did you mean 'table'" in said.err
    assert "lr" in winnow("compare", "toy#0", "toy#1").out
    assert "has only a search" in winnow("compare", "toy", "toy:Focal loss").err
