"""Look around on the cluster, before a study is run there: ``python -m search.submission.probe``.

Runs as a small job in the tree that was uploaded, where the study's driver would run: so what it
finds (storage, packages, folders, resources) is what the study would find.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.engine.cluster import ray_session
from search.errors import WinnowError
from search.loading import load_study
from search.storage.database import Database
from search.storage.url import parse_storage, redact, sqlite_path
from search.submission.findings import Findings, Node, Question
from search.submission.launch import open_secrets
from search.submission.pins import installed

ANSWER_S = 120.0  # a node's first worker starts slowly on a busy machine


def look(question: Question, storage: str) -> Findings:
    """Return what there is on the cluster that this process is a job of.

    Parameters
    ----------
    question
        What is to be found out.
    storage
        The study database's URL.
    """
    return Findings(_nodes(question), storage_problem(storage), _study_problem(question.file))


def storage_problem(storage: str) -> str | None:
    """Return why the study database cannot be used from here, without its password; else None.

    A server's is opened as the study would open it, with its tables made where they are missing.
    """
    try:
        path = sqlite_path(parse_storage(storage))
        if path is None:
            Database(storage).close()
        elif not os.access(path.absolute().parent, os.W_OK):
            return f"{redact(storage)}: there is no folder {path.absolute().parent} to write into"
    except WinnowError as error:
        return str(error)
    return None


def _study_problem(file: str) -> str | None:
    try:
        load_study(Path(file))
    except WinnowError as error:
        return str(error)
    return None


def _nodes(question: Question) -> tuple[Node, ...]:
    with ray_session(address=None), _witness(question.artifacts) as witness:
        alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        describe = ray.remote(num_cpus=0, max_retries=0)(_describe)
        asked = [
            describe.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(question, dict(node["Resources"]), witness)
            for node in alive
        ]
        found: list[Node] = ray.get(asked, timeout=ANSWER_S)
    return tuple(found)


@contextmanager
def _witness(artifacts: str | None) -> Iterator[str | None]:
    """Put a file into the artifacts' folder, by which other nodes see that it is the same."""
    if artifacts is None:
        yield None
        return
    file = Path(artifacts) / f".winnow-{uuid.uuid4().hex}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        yield str(file)
    except OSError:
        yield str(file)  # which no node will see
    finally:
        file.unlink(missing_ok=True)


def _describe(question: Question, resources: dict[str, float], witness: str | None) -> Node:
    return Node(
        host=socket.gethostname(),
        resources={k: v for k, v in resources.items() if ":" not in k},
        python=platform.python_version(),
        packages=installed(question.packages),
        has_data=None if question.data is None else Path(question.data).exists(),
        shares_artifacts=None if witness is None else Path(witness).exists(),
    )


if __name__ == "__main__":
    try:
        open_secrets()
        findings = look(Question.read(sys.argv[1]), os.environ["WINNOW_STORAGE"])
    except WinnowError as problem:
        sys.exit(f"error: {problem}")
    sys.stdout.write(f"{findings.text()}\n")
