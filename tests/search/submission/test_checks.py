"""What is refused before a submission is made, and in which words."""

from __future__ import annotations

import re

import pytest

from search.errors import OptionError
from search.resources import Resources
from search.submission.checks import check_paths, notices, problems
from search.submission.findings import Findings, Node, Question

SERVER = "postgresql+psycopg://ada:s3cret@db/winnow"
FILE = "sqlite:////data/winnow.db"
QUESTION = Question("studies/toy.py", ("numpy",))


def node(host="head", python="3.11.2", numpy="2.4.6", **changes):
    resources = {"CPU": changes.pop("cpus", 4.0), "GPU": changes.pop("gpus", 0.0)}
    return Node(host, resources, python, {"numpy": numpy}, **changes)


def found(*nodes, storage=SERVER, need=None, question=QUESTION):
    told = Findings(nodes or (node(),))
    return list(problems(told, question, storage=storage, need=need or Resources()))


@pytest.mark.parametrize(
    ("storage", "options", "said"),
    [
        (
            "sqlite:///winnow.db",
            {},
            r"--storage sqlite:///winnow.db: a job's folder is thrown away",
        ),
        (SERVER, {"saves": True}, r"--artifacts is missing"),
        (SERVER, {"artifacts": "here"}, r"--artifacts here: the nodes use it"),
        (SERVER, {"data": "s3://bucket/a"}, r"--data s3://bucket/a: the nodes use it"),
        (SERVER, {"data": "../data"}, r"--data \.\./data: the nodes use it"),
    ],
)
def test_paths_that_mean_nothing_on_a_cluster_are_refused(storage, options, said):
    given = {"artifacts": None, "data": None, "saves": False, **options}
    with pytest.raises(OptionError, match=said):
        check_paths(storage, **given)


def test_every_wrong_path_is_told_at_once():
    with pytest.raises(OptionError) as caught:
        check_paths("sqlite:///x.db", artifacts="a", data="b", saves=False)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(("storage", "artifacts"), [(FILE, None), (SERVER, "/shared/runs")])
def test_paths_that_every_node_understands_are_accepted(storage, artifacts):
    check_paths(storage, artifacts=artifacts, data="/data", saves=True)


def test_a_generator_study_on_a_server_needs_no_artifacts():
    check_paths(SERVER, artifacts=None, data=None, saves=False)


def test_nothing_is_wrong_with_a_cluster_that_has_everything():
    assert found(node(), node("other")) == []
    assert found(storage=FILE) == []


def test_an_sqlite_file_is_for_one_node():
    (said,) = found(node(), node("other"), node("third"), storage=FILE)
    assert "the cluster has 3 nodes, and an SQLite file lies on one node's disk" in said


@pytest.mark.parametrize(
    ("need", "nodes", "said"),
    [
        (
            Resources(cpus=8),
            [node(cpus=4), node(cpus=4)],
            "needs 8 CPU on one node, .* 2 have no room .4 CPU",
        ),
        (Resources(gpus=2), [node(gpus=1), node(cpus=0, gpus=9)], "1 CPU and 2 GPU on one node"),
        (Resources(cpus=2), [node(cpus=1, gpus=1), node(cpus=4)], "2 CPU and 1 GPU on one node"),
        (Resources(gpus=0.5), [node()], "0.5 GPU"),
        (Resources(cpus=2, processes=4), [node(), node(cpus=3)], "4 processes, each with 2 CPU"),
    ],
)
def test_trials_that_would_wait_for_ever_are_refused(need, nodes, said):
    (told,) = found(*nodes, need=need)
    assert re.search(said, told)
    assert told.endswith("would wait for ever")


@pytest.mark.parametrize(
    ("need", "nodes"),
    [
        (Resources(cpus=4), [node(cpus=1), node(cpus=4)]),
        (Resources(), [node(gpus=0)]),
        (Resources(gpus=0), [node(gpus=0)]),
        (Resources(cpus=1, gpus=0.5), [node(), node(gpus=1)]),
        (Resources(gpus="auto"), [node()]),
        (Resources(cpus=2, processes=3), [node(), node(cpus=3)]),
    ],
)
def test_one_node_that_has_room_is_enough(need, nodes):
    assert found(*nodes, need=need) == []


def test_a_folder_that_some_node_lacks_is_named_with_the_node():
    question = Question("s.py", data="/data", artifacts="/shared")
    nodes = [
        node("a", has_data=True, shares_artifacts=True),
        node("b", has_data=False, shares_artifacts=True),
        node("c", has_data=True, shares_artifacts=False),
    ]
    data, artifacts = found(*nodes, question=question)
    assert data == "--data /data: not every node has it; it is missing on b"
    assert artifacts == "--artifacts /shared: not every node has it; it is missing on c"


def test_nodes_that_differ_among_themselves_are_refused():
    first, second = found(node(), node("b", numpy="2.4.1"), node("c", python="3.12.0"))
    assert "b has numpy 2.4.1 instead of 2.4.6 on head" in first
    assert "c has Python 3.12.0 instead of 3.11.2 on head" in second


def test_what_the_cluster_said_of_study_and_storage_is_passed_on():
    told = Findings((node(),), storage="no route", study="it needs foo")
    said = list(problems(told, QUESTION, storage=SERVER, need=Resources()))
    assert said == [
        "on the cluster, the study does not load: it needs foo",
        "from the cluster: no route",
    ]


def test_a_cluster_with_other_versions_is_worth_a_notice():
    told = list(notices({"numpy": "2.4.7", "torch": "2.13.0"}, [node()]))
    assert told[0].startswith("the cluster has numpy 2.4.6 instead of 2.4.7")
    assert told[1].startswith("the cluster lacks torch; --install")
    assert list(notices({"numpy": "2.4.6"}, [node()])) == []


def test_findings_are_found_among_what_else_a_job_says():
    given = Findings((node(), node("b", has_data=True)), storage="no 'd\"b", study=None)
    log = f"INFO starting\n{given.text()}\nWARNING done\n"
    assert Findings.find(log) == given
    assert Findings.find("INFO starting\n") is None
    asked = Question("s.py", ("a", "b"), "/data", None)
    assert Question.read(asked.text()) == asked
