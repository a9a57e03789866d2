"""What a job is given: nothing secret in the open, winnow itself, what the tree pins."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from search.errors import OptionError
from search.resources import Resources
from search.submission.connection import Connection
from search.submission.findings import Findings, Node
from search.submission.pins import pins_of
from search.submission.sealing import SEALED, unseal
from search.submission.submitting import (
    Submission,
    Upload,
    check_findings,
    check_secrets,
    runtime_environment,
    uploading,
)
from search.submission.tree import read_tree

PASSWORD = "s3cret:w@rd"
SERVER = "postgresql+psycopg://ada:s3cret%3Aw%40rd@db:5432/winnow"
OPEN = "postgresql+psycopg://ada@db:5432/winnow"
TOKEN = "the-cluster-s-token"


def submission(**changes):
    given = {"study": "toy", "file": "studies/toy.py", "command": "run", "arguments": ()}
    return Submission(**{**given, "storage": SERVER, "need": Resources(), **changes})


def connection(token=TOKEN):
    return Connection(None, "http://127.0.0.1:8265", token)


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "toy.py").write_text("STUDY = 1\n")
    return folder


def test_everybody_may_read_a_runtime_environment(tree):
    given = submission(secrets={"HUB_TOKEN": "hub-secret"})
    found = runtime_environment(given, Upload(tree, {}), TOKEN)
    variables = found["env_vars"]
    assert variables["WINNOW_STORAGE"] == OPEN
    for secret in (PASSWORD, "s3cret", "hub-secret", TOKEN):
        assert secret not in str(found)
    assert unseal(variables[SEALED], TOKEN) == {"HUB_TOKEN": "hub-secret", "WINNOW_STORAGE": SERVER}


def test_without_secrets_nothing_is_sealed(tree):
    found = runtime_environment(submission(storage=OPEN), Upload(tree, {}), None)
    assert found["env_vars"]["WINNOW_STORAGE"] == OPEN
    assert SEALED not in found["env_vars"]
    assert "pip" not in found


def test_a_driver_is_given_time_to_stop(tree):
    found = runtime_environment(submission(), Upload(tree, {}), TOKEN)
    assert int(found["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"]) >= 30  # Ray's own: 3


def test_what_is_installed_is_pinned_and_ray_is_left_alone(tree):
    (tree / "constraints.txt").write_text("numpy==2.4.6\nray==2.60.0\n")
    found = runtime_environment(submission(install=True), Upload(tree, pins_of(tree)), TOKEN)
    packages = found["pip"]["packages"]
    assert "numpy==2.4.6" in packages
    assert all("==" in package for package in packages)
    assert [package for package in packages if package.startswith("ray==")] == []


def test_the_entrypoint_survives_the_shell_and_hides_the_storage():
    given = submission(
        file="my studies/a'b.py", arguments=("--looks", "3,5"), data="/data $HOME", artifacts="/a"
    )
    words = shlex.split(given.entrypoint)
    assert words[:5] == ["exec", "python", "-m", "search.submission.launch", "run"]
    assert words[5:] == [
        *("my studies/a'b.py", "--looks", "3,5"),
        *("--artifacts", "/a", "--data", "/data $HOME"),
    ]
    assert "s3cret" not in given.entrypoint


def test_a_tree_that_holds_a_secret_in_use_is_not_submitted(tree):
    (tree / "notes.md").write_text(f"the password is {PASSWORD}")
    with pytest.raises(OptionError, match=r"^notes\.md holds a password") as caught:
        check_secrets(submission(), read_tree(tree), connection())
    assert PASSWORD not in str(caught.value)
    (tree / "notes.md").write_text(f"token: {TOKEN}")
    with pytest.raises(OptionError, match=r"^notes\.md holds a password or token"):
        check_secrets(submission(storage=OPEN), read_tree(tree), connection())
    (tree / "notes.md").write_text("nothing")
    check_secrets(submission(), read_tree(tree), connection())


def test_a_cluster_without_a_token_is_sent_no_secret(tree):
    with pytest.raises(OptionError, match=r"WINNOW_STORAGE cannot be sent: .* asks for no token"):
        check_secrets(submission(), read_tree(tree), connection(None))
    check_secrets(submission(storage=OPEN), read_tree(tree), connection(None))


def test_winnow_travels_with_a_tree_that_has_none(tree):
    with uploading(read_tree(tree)) as upload:
        assert (upload.folder / "toy.py").is_file()
        # another folder than this repository, and no site-packages of winnow's own
        code = "import search, trainables; print(search.__file__)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=upload.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith(str(upload.folder))
    assert not upload.folder.exists()


def test_a_tree_s_own_package_is_not_replaced(tree):
    (tree / "search").mkdir()
    (tree / "search" / "__init__.py").write_text("MINE = True\n")
    with uploading(read_tree(tree)) as upload:
        assert [path.name for path in (upload.folder / "search").iterdir()] == ["__init__.py"]


def test_what_was_found_refuses_or_is_worth_knowing(tree):
    node = Node("head", {"CPU": 2.0}, "3.11.2", {"numpy": "2.4.1"})
    upload = Upload(tree, {"numpy": "2.4.6"})
    (notice,) = check_findings(submission(), upload, Findings((node,)))
    assert "numpy 2.4.1 instead of 2.4.6" in notice
    assert check_findings(submission(install=True), upload, Findings((node,))) == []
    with pytest.raises(OptionError) as caught:
        check_findings(
            submission(need=Resources(cpus=4)), upload, Findings((node,), storage="no route")
        )
    assert str(caught.value).splitlines()[0] == "from the cluster: no route"
    assert "4 CPU" in str(caught.value).splitlines()[1]


def test_a_job_knows_what_it_was_made_from(tree):
    given = submission(notes={"WINNOW_GIT_COMMIT": "0123456789ab", "WINNOW_STORAGE": "mine"})
    variables = runtime_environment(given, Upload(tree, {}), TOKEN)["env_vars"]
    assert variables["WINNOW_GIT_COMMIT"] == "0123456789ab"
    assert variables["WINNOW_STORAGE"] == OPEN


def test_no_folder_of_the_nodes_is_asked_for_a_bucket():
    assert submission(artifacts="/shared").question({}).artifacts == "/shared"
    assert submission(artifacts="s3://bucket/a").question({}).artifacts is None
