"""``winnow list``, ``status``, ``log``, ``rename``, ``archive`` and ``tag`` on a study that ran."""

import pytest

FAILING = '    if config.focal:\n        raise ValueError("no focal plane")\n'


@pytest.fixture
def ran(winnow, study_file):
    text = study_file.read_text()
    start = "def train(config, *, seed):\n"
    study_file.write_text(text.replace(start, start + FAILING))
    assert winnow("run", study_file, "--looks", "3", "--tuning", "none", "--engine", "local")
    return study_file


@pytest.mark.usefixtures("ran")
def test_a_study_is_found_again_by_the_next_command(winnow):
    assert "toy" in winnow("list").out
    said = winnow("status", "toy")
    assert "toy/replicate" in said.out
    assert "3 complete, 3 failed" in said.out
    assert "ValueError: no focal plane" in said.out
    assert "Focal loss" in winnow("log", "toy").out
    one = winnow("log", "toy", "--trial", "replicate#1").out
    assert "focal = True" in one
    assert "Traceback" in one
    assert "no focal plane" in one


def test_names_labels_and_the_shelf(winnow, ran):
    assert "paper" in winnow("tag", "toy", "paper").out
    assert winnow("archive", "toy").status == 0
    assert "No study here" in winnow("list").out
    assert "paper" in winnow("list", "--all").out
    winnow("archive", "toy", "--undo")
    said = winnow("rename", "toy", "toy-2")
    assert 'name="toy-2"' in said.out
    ran.write_text(ran.read_text().replace('name="toy"', 'name="toy-2"'))
    again = winnow("run", ran, "--looks", "3", "--tuning", "none", "--engine", "local")
    assert again.status == 0
    assert "3 complete, 3 failed" in winnow("status", "toy-2").out  # nothing ran again


@pytest.mark.usefixtures("ran")
def test_what_is_not_there_is_told_in_one_line(winnow):
    for words in (("status", "toi"), ("log", "toi"), ("archive", "toi"), ("tag", "toi", "x")):
        said = winnow(*words)
        assert (said.status, said.err.count("\n")) == (1, 1)
        assert "did you mean 'toy'" in said.err
    assert winnow("rename", "toy", "a name").status == 2
    assert "has no run #99" in winnow("log", "toy", "--trial", "replicate#99").err
    assert winnow("list", "--storage", "sqlite:///none.db").status == 2
