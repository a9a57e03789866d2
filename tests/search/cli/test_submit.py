"""`winnow submit`, as far as it needs no cluster: what is refused before one is asked."""

from __future__ import annotations

import pytest

from search.cli.jobs import columns
from search.cli.submit import read_secrets
from search.errors import OptionError
from tests.clusters import free_ports
from tests.search.cli.conftest import STUDY

SERVER = "postgresql+psycopg://ada:s3cret-word@127.0.0.1:9/winnow"


@pytest.fixture
def address():
    """Where no cluster is: whoever gets as far as asking it fails with status 1."""
    (port,) = free_ports(1)
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def submit(winnow, study_file, address):
    def call(*options, storage=SERVER, file=study_file):
        return winnow("submit", file, "--address", address, "--storage", storage, *options)

    return call


def test_a_right_submission_gets_as_far_as_the_cluster(submit, address):
    answer = submit("--profile", "quick", "--looks", "3", "--no-wait")
    assert answer.status == 1
    assert answer.err.startswith(f"error: no Ray cluster answers at {address}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--profile", "quik"), "--profile has no 'quik'; did you mean 'quick'?"),
        (("--looks", "2,3"), "--looks must increase from at least 3 seeds"),
        (("--command", "serch"), "--command has no 'serch'; did you mean 'search'?"),
        (("--engine", "local"), "--engine is not for a job"),
        (("--command", "rerun", "--arm", "Focal loss"), "--because takes the reason"),
        (("--data", "/data"), "study 'toy' has no loader"),
        (("--artifacts", "runs"), "--artifacts runs: the nodes use it"),
        (("--secret", "NAME=value-of-it"), "--secret takes the name of an environment variable"),
        (("--secret", "WINNOW_TEST_NOTHING"), "there is no such environment variable here"),
        (("--tree", "."), "does not hold the study file"),
    ],
)
def test_what_is_wrong_is_refused_before_the_cluster_is_asked(submit, options, said):
    answer = submit(*options)
    assert answer.status == 2
    assert said in answer.err
    assert "value-of-it" not in answer.err


@pytest.mark.parametrize("option", ["--no-such-option", "--lok=3"])
def test_an_option_that_no_command_has_is_refused(submit, option):
    answer = submit(option)
    assert answer.status == 2
    assert "No such option" in answer.err


def test_an_sqlite_file_in_the_job_s_own_folder_is_refused(submit):
    answer = submit(storage="sqlite:///winnow.db")
    assert answer.status == 2
    assert "a job's folder is thrown away" in answer.err


def test_a_study_that_is_wrong_is_refused(submit, study_file):
    study_file.write_text(STUDY.replace('"maximize"', '"maximise"'))
    answer = submit()
    assert answer.status == 2
    assert "maximise" in answer.err


def test_a_study_without_techniques_can_only_be_searched(submit, study_file):
    start, _, rest = STUDY.partition("    techniques=[")
    study_file.write_text(start + rest.partition("effort=Effort.LOW)],\n")[2])
    assert "has no techniques: --command search" in submit().err
    assert submit("--command", "search", "--trials", "4").status == 1  # the cluster was asked


def test_a_study_file_that_git_ignores_is_not_submitted(submit, study_file):
    (study_file.parent / ".gitignore").write_text("toy.py\n")
    answer = submit()
    assert answer.status == 2
    assert "the study file toy.py would not be uploaded: git ignores it" in answer.err


@pytest.mark.parametrize("command", [("jobs",), ("logs", "toy"), ("stop", "toy")])
def test_the_other_commands_ask_the_cluster_too(winnow, address, command):
    answer = winnow(*command, "--address", address)
    assert answer.status == 1
    assert "no Ray cluster answers" in answer.err


@pytest.mark.parametrize("command", ["submit", "jobs", "logs", "stop"])
def test_their_help_says_what_they_do(winnow, command):
    answer = winnow(command, "--help")
    assert answer.status == 0
    assert "RAY_API_SERVER_ADDRESS" in answer.out


def test_no_password_is_printed(submit):
    answer = submit("--looks", "9,3")
    assert "s3cret-word" not in answer.out + answer.err


def test_secrets_are_read_by_name(monkeypatch):
    monkeypatch.setenv("WINNOW_TEST_TOKEN", "value")
    assert read_secrets(["WINNOW_TEST_TOKEN"]) == {"WINNOW_TEST_TOKEN": "value"}
    with pytest.raises(OptionError):
        read_secrets(["WINNOW_TEST_TOKEN", "WINNOW_TEST_NOTHING"])


def test_columns_are_as_wide_as_they_need():
    assert columns([("a", "bcd"), ("long", "")]) == ["a     bcd", "long"]
