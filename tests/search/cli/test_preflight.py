"""What a study's own check says stands on the terminal before anything runs."""

import pytest

from tests.search.cli.conftest import STUDY

LOCAL = ("--engine", "local")
CHECK = """
def check(seed, *, config, replication):
    return [f"about {config.lr} [b]{replication}[/b]", "nothing is shared"]

STUDY = Study("""
REFUSES = """
from search.errors import DataError

def check(seed):
    raise DataError("the folder holds no files")

STUDY = Study("""


def write(path, function):
    text = STUDY.replace("\nSTUDY = Study(", function)
    path.write_text(text.replace("    max_steps=9,", "    max_steps=9,\n    preflight=check,"))
    return path


@pytest.mark.parametrize("command", [("search", "--trials", 2), ("run", "--looks", "3")])
def test_its_sentences_come_before_the_first_run(winnow, study_file, command):
    name, *options = command
    answer = winnow(name, write(study_file, CHECK), *options, *LOCAL)
    assert answer.status == 0, answer.err
    assert "! about 0.001 [b]fresh[/b]\n! nothing is shared\n" in answer.out
    assert answer.out.index("! about") < answer.out.index("Report: ")


def test_data_that_it_refuses_end_the_command(winnow, study_file):
    answer = winnow("run", write(study_file, REFUSES), *LOCAL)
    assert answer.status == 1
    assert "the folder holds no files" in answer.err
    assert "Traceback" not in answer.err


def test_a_study_without_one_says_nothing(winnow, study_file):
    assert "!" not in winnow("search", study_file, "--trials", 2, *LOCAL).out.splitlines()[1]
