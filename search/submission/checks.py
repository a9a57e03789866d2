"""What is wrong with a submission, told before it is made: pure functions of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from search.errors import OptionError
from search.resources import Resources
from search.storage.places import Remote, place
from search.storage.url import parse_storage, redact, sqlite_path
from search.submission.findings import Findings, Node, Question
from search.submission.pins import different, listed, missing


def check_paths(storage: str, *, artifacts: str | None, data: str | None, saves: bool) -> None:
    """Refuse paths that mean nothing on a cluster: a job's own folder is thrown away.

    Parameters
    ----------
    storage
        The study database's URL.
    artifacts, data
        Paths on the nodes, if given.
    saves
        Whether the study's trials write checkpoints or predictions.

    Raises
    ------
    OptionError
        With every rule that was broken.
    """
    file = sqlite_path(parse_storage(storage))
    problems = []
    if file is not None and not file.is_absolute():
        problems.append(
            f"--storage {redact(storage)}: a job's folder is thrown away; name a PostgreSQL "
            "database, or on a cluster of one node an absolute path on its disk (sqlite:////…)"
        )
    if file is None and artifacts is None and saves:
        problems.append(
            "--artifacts is missing: this study's trials write checkpoints; name a folder that "
            "every node of the cluster reaches under the same path, or a bucket (s3://…)"
        )
    for option, path in (("--artifacts", artifacts), ("--data", data)):
        if option == "--artifacts" and path is not None and isinstance(place(path), Remote):
            continue
        if path is not None and not PurePosixPath(path).is_absolute():
            problems.append(
                f"{option} {redact(path) if '://' in path else path}: the nodes use it, so name "
                "an absolute path on them"
            )
    if problems:
        raise OptionError("\n".join(problems))


def problems(
    findings: Findings, question: Question, *, storage: str, need: Resources
) -> Iterator[str]:
    """Yield why a study cannot be run on a cluster.

    Parameters
    ----------
    findings
        What was found there.
    question
        What had been asked.
    storage
        The study database's URL.
    need
        What one trial occupies.
    """
    if findings.study is not None:
        yield f"on the cluster, the study does not load: {findings.study}"
    if findings.storage is not None:
        yield f"from the cluster: {findings.storage}"
    yield from _sqlite_problem(storage, len(findings.nodes))
    yield from _resource_problem(need, [node.resources for node in findings.nodes])
    for option, path, has in (
        ("--data", question.data, [node.has_data for node in findings.nodes]),
        ("--artifacts", question.artifacts, [node.shares_artifacts for node in findings.nodes]),
    ):
        if without := [
            n.host for n, there in zip(findings.nodes, has, strict=True) if there is False
        ]:
            yield f"{option} {path}: not every node has it; it is missing on {listed(without)}"
    yield from _node_differences(findings.nodes)


def notices(wanted: Mapping[str, str], nodes: Sequence[Node]) -> Iterator[str]:
    """Yield what is worth knowing and hinders nothing.

    Parameters
    ----------
    wanted
        The versions that the tree pins.
    nodes
        The nodes.
    """
    there = nodes[0].packages
    if found := different(wanted, there):
        yield f"the cluster has {listed(found)}: its numbers may differ from those made here"
    if absent := missing(wanted, there):
        yield f"the cluster lacks {listed(absent)}; --install installs what constraints.txt pins"


def _sqlite_problem(storage: str, nodes: int) -> Iterator[str]:
    if nodes > 1 and sqlite_path(parse_storage(storage)) is not None:
        yield (
            f"--storage {redact(storage)}: the cluster has {nodes} nodes, and an SQLite file lies "
            "on one node's disk: a driver that starts on another one would not find the study, "
            "and SQLite's locks do not hold on network disks; name a PostgreSQL database"
        )


def _resource_problem(need: Resources, nodes: Sequence[Mapping[str, float]]) -> Iterator[str]:
    gpus = need.gpus
    if gpus is None or isinstance(gpus, str):  # one, where there are any
        gpus = 1.0 if any(node.get("GPU", 0) for node in nodes) else 0.0
    wanted = {"CPU": need.cpus} | ({"GPU": gpus} if gpus else {})
    if sum(_places(node, wanted) for node in nodes) >= need.processes:
        return
    have = sorted(
        {" and ".join(f"{node.get(name, 0):g} {name}" for name in wanted) for node in nodes}
    )
    asked = " and ".join(f"{amount:g} {name}" for name, amount in wanted.items())
    several = f"{need.processes} processes, each with " if need.processes > 1 else ""
    yield (
        f"a trial needs {several}{asked} on one node, for which the cluster's {len(nodes)} have "
        f"no room ({listed(have)}): its trials would wait for ever"
    )


def _places(node: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    return min(int(node.get(name, 0) / amount + 1e-6) for name, amount in wanted.items())


def _node_differences(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield where nodes differ among themselves: trials on them would not be comparable."""
    first = nodes[0]
    for node in nodes[1:]:
        found = different(first.packages, node.packages)
        if node.python != first.python:
            found = [f"Python {node.python} instead of {first.python}", *found]
        if found:
            yield (
                f"the nodes differ: {node.host} has {listed(found)} on {first.host}, so that runs "
                "on them could not be compared; --install gives all of them the same"
            )
