"""From a study file to a job: everything is checked before anything is left on the cluster."""

from __future__ import annotations

import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import search
from search.errors import EngineError, OptionError
from search.resources import Resources
from search.storage.places import Remote, place
from search.storage.url import parse_storage, redact, sqlite_path
from search.submission import jobs
from search.submission.checks import notices, problems
from search.submission.connection import Connection, in_words
from search.submission.findings import Findings, Question
from search.submission.pins import pins_of, to_install
from search.submission.sealing import SEALED, seal, url_secrets, without_secrets
from search.submission.tree import Tree, files_with, stage

STORAGE = "WINNOW_STORAGE"
GRACE_S = 60  # from SIGTERM to SIGKILL: Ray's own 3 are too few for a driver to put things in order
LOOK_S = 300.0
INSTALL_S = 1800
PACKAGES = ("search", "trainables", "spaces")  # winnow's own: they run as they are here


@dataclass(frozen=True)
class Submission:
    """A study that is to run on a cluster.

    Parameters
    ----------
    study
        Its name.
    file
        Its file, relative to the tree's root.
    command
        "run", "rerun" or "search".
    arguments
        Of the command, behind the file. They can be read by everybody.
    storage
        The study database's URL, with its password if it has one.
    need
        What one trial occupies.
    artifacts, data
        Paths on the nodes, if any.
    secrets
        Environment variables of the job that nobody may read.
    install
        Whether the packages that the tree pins are installed on the nodes.
    notes
        Environment variables that everybody may read: what the job is made from.
    """

    study: str
    file: str
    command: str
    arguments: tuple[str, ...]
    storage: str
    need: Resources
    artifacts: str | None = None
    data: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    install: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def sealed(self) -> dict[str, str]:
        """Every variable that nobody may read."""
        url = parse_storage(self.storage)
        return dict(self.secrets) | ({STORAGE: self.storage} if url_secrets(url) else {})

    @property
    def entrypoint(self) -> str:
        """The command line on the cluster."""
        words = [self.command, self.file, *self.arguments]
        for option, value in (("--artifacts", self.artifacts), ("--data", self.data)):
            words += [option, value] if value is not None else []
        return shlex.join(["exec", "python", "-m", "search.submission.launch", *words])

    def question(self, pins: Mapping[str, str]) -> Question:
        """Return what is to be found out beforehand."""
        file = sqlite_path(parse_storage(self.storage))
        apart = file or isinstance(place(self.artifacts or ""), Remote)
        return Question(self.file, tuple(pins), self.data, None if apart else self.artifacts)


@dataclass(frozen=True)
class Upload:
    """A tree that lies ready, and the versions that it pins."""

    folder: Path
    pins: Mapping[str, str]


def check_secrets(submission: Submission, tree: Tree, connection: Connection) -> None:
    """Refuse to let a secret out.

    Raises
    ------
    OptionError
        If one stands in the tree, or the cluster cannot be sent any.
    """
    hidden = [*submission.sealed.values(), *url_secrets(parse_storage(submission.storage))]
    if found := files_with(tree, [*hidden, *([connection.token] if connection.token else [])]):
        raise OptionError(
            f"{found[0]} holds a password or token that is in use: take it out of the file, or "
            "name the file in .gitignore"
        )
    if submission.sealed and connection.token is None:
        names = ", ".join(sorted(submission.sealed))
        raise OptionError(
            f"{names} cannot be sent: the cluster at {connection.address} asks for no token, so "
            "everybody could read it. Start the cluster with RAY_AUTH_MODE=token, or keep the "
            "password on its head (~/.pgpass) and give a URL without one"
        )


@contextmanager
def uploading(tree: Tree) -> Iterator[Upload]:
    """Have a tree lie ready inside the block, with winnow's own packages where it has none."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-tree-"))
    try:
        stage(tree, folder)
        ours = Path(search.__file__).parents[1]
        for name in PACKAGES:
            if not (folder / name).exists() and (ours / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ours / name, folder / name, ignore=ignored)
        yield Upload(folder, pins_of(tree.root))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def look(connection: Connection, submission: Submission, upload: Upload) -> Findings:
    """Return what a small job finds on the cluster, in the place where the study would run.

    Raises
    ------
    EngineError
        If that job does not start, or breaks.
    """
    question = submission.question(upload.pins)
    words = ["exec", "python", "-m", "search.submission.probe", question.text()]
    name = f"winnow-check-{secrets.token_hex(4)}"
    environment = runtime_environment(submission, upload, connection.token)
    jobs.start(
        connection, entrypoint=shlex.join(words), runtime_env=environment, submission_id=name
    )
    try:
        job = jobs.wait(connection, name, INSTALL_S if submission.install else LOOK_S)
        log = jobs.read_log(connection, name)
    finally:
        _give_up(connection, name)
    if (found := Findings.find(log)) is not None:
        return found
    raise EngineError(f"the cluster could not be looked at: {_last_words(job, log)}")


def check_findings(submission: Submission, upload: Upload, findings: Findings) -> list[str]:
    """Return what is worth knowing of a cluster.

    Raises
    ------
    OptionError
        If the study cannot be run on it, with every reason.
    """
    question = submission.question(upload.pins)
    wrong = problems(findings, question, storage=submission.storage, need=submission.need)
    if found := list(wrong):
        raise OptionError("\n".join(found))
    return [] if submission.install else list(notices(upload.pins, findings.nodes))


def check_rivals(connection: Connection, submission: Submission) -> None:
    """Refuse a study that a job is running already: a study has one driver.

    Raises
    ------
    OptionError
        If there is such a job, with its name.
    """
    storage = redact(submission.storage)
    for job in jobs.list_jobs(connection):
        if (job.study, job.storage) == (submission.study, storage) and not job.has_ended:
            raise OptionError(
                f"study '{job.study}' is being run by job {job.name} (winnow logs {job.name}, "
                f"winnow stop {job.name})"
            )


def submit(connection: Connection, submission: Submission, upload: Upload) -> str:
    """Start the job, and return its name."""
    now = datetime.now(UTC)
    name = f"{submission.study}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    return jobs.start(
        connection,
        entrypoint=submission.entrypoint,
        runtime_env=runtime_environment(submission, upload, connection.token),
        submission_id=name,
        metadata={
            jobs.STUDY: submission.study,
            jobs.COMMAND: submission.command,
            jobs.STORAGE: redact(submission.storage),
        },
    )


def runtime_environment(
    submission: Submission, upload: Upload, token: str | None
) -> dict[str, Any]:
    """Return what Ray prepares for the job's driver and its workers.

    Everybody who may list jobs can read it: what is secret is sealed in it.
    """
    variables = {
        **submission.notes,
        STORAGE: without_secrets(parse_storage(submission.storage)),
        "RAY_JOB_STOP_WAIT_TIME_S": str(GRACE_S),
    }
    if submission.sealed and token is not None:
        variables[SEALED] = seal(submission.sealed, token)
    found: dict[str, Any] = {"working_dir": str(upload.folder), "env_vars": variables}
    if submission.install:
        found["pip"] = {"packages": to_install(upload.pins), "pip_check": False}
        found["config"] = {"setup_timeout_seconds": INSTALL_S}
    return found


def _give_up(connection: Connection, name: str) -> None:
    """Stop a look's job that still waits; one that has ended stays in Ray's list.

    A job that is deleted just after its end comes back into the list, as one that failed.
    """
    with suppress(EngineError), in_words(connection.address):
        if not jobs.read_job(connection, name).has_ended:
            connection.client.stop_job(name)


def _last_words(job: jobs.Job | None, log: str) -> str:
    """Return why a look's job has found nothing, in a line."""
    if job is None:
        return f"its job has not ended after {LOOK_S:.0f} s"
    said = [line.strip() for line in log.splitlines() if line.strip()]
    told = [line.strip() for line in job.message.splitlines() if line.strip()]
    return next(iter([*said[-1:], *told[-1:]]), "its job said nothing")
