"""Jobs on a cluster: which there are, what they say, how they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from search.errors import EngineError, OptionError, near_miss
from search.submission.connection import Connection, in_words

STUDY, COMMAND, STORAGE = "winnow_study", "winnow_command", "winnow_storage"
OURS = (0, 1, 2, 3)  # exit statuses of winnow
STOPPED = 3  # "stopped before the end, resumable": Ray keeps no exit status of a stopped job
PAUSE_S = 1.0
NEVER = datetime.max.replace(tzinfo=UTC)
LOST_S = 120.0  # a job server that does not answer for so long is given up
STOP_S = 90.0
STARTING_S = 30.0
NO_AGENT = "No available agent"  # what Ray says until a node's agent has signed on


@dataclass(frozen=True)
class Job:
    """A job of winnow's.

    `status` is Ray's: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED. `storage` has no password.
    """

    name: str
    study: str
    command: str
    storage: str
    status: str
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    message: str

    @classmethod
    def of(cls, found: Any) -> Job:
        """Return what Ray tells of a job."""
        told = found.metadata or {}
        return cls(
            name=str(found.submission_id),
            study=told.get(STUDY, ""),
            command=told.get(COMMAND, ""),
            storage=told.get(STORAGE, ""),
            status=str(found.status.value),
            started=_moment(found.start_time),
            ended=_moment(found.end_time),
            exit_code=found.driver_exit_code,
            message=found.message or "",
        )

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ("SUCCEEDED", "FAILED", "STOPPED")

    @property
    def exit_status(self) -> int:
        """What winnow's exit status was there; 1 where the job has none of winnow's."""
        if self.status == "STOPPED":
            return STOPPED
        return self.exit_code if self.exit_code in OURS else 1


def list_jobs(connection: Connection) -> list[Job]:
    """Return all jobs of studies, the newest first."""
    with in_words(connection.address):
        found = connection.client.list_jobs()
    jobs = [Job.of(one) for one in found if STUDY in (one.metadata or {})]
    return sorted(jobs, key=lambda job: job.started or NEVER, reverse=True)


def find_job(connection: Connection, text: str) -> Job:
    """Return the job of this name, or the newest of the study of this name.

    Raises
    ------
    OptionError
        If there is none.
    """
    jobs = list_jobs(connection)
    for job in jobs:
        if text in (job.name, job.study):
            return job
    known = [word for job in jobs for word in (job.name, job.study)]
    raise OptionError(f"no job '{text}' on {connection.address}{near_miss(text, known)}")


def start(connection: Connection, **job: Any) -> str:
    """Start a job as Ray's client does, and return its name; a head that is just up is waited for.

    Raises
    ------
    EngineError
        If the cluster does not take it.
    """
    deadline = time.monotonic() + STARTING_S
    while True:
        try:
            with in_words(connection.address):
                return str(connection.client.submit_job(**job))
        except EngineError as error:
            if NO_AGENT not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_S)


def read_job(connection: Connection, name: str) -> Job:
    """Return a job as it is now."""
    with in_words(connection.address):
        return Job.of(connection.client.get_job_info(name))


def read_log(connection: Connection, name: str) -> str:
    """Return what a job has said so far."""
    with in_words(connection.address):
        return str(connection.client.get_job_logs(name))


def follow(connection: Connection, name: str, write: Callable[[str], object]) -> Job:
    """Hand over what a job says until it has ended, and return how it did.

    A connection that breaks is made again, from where it broke.

    Raises
    ------
    EngineError
        If the cluster no longer answers.
    """
    log, answered = _Log(write), time.monotonic()
    while True:
        try:
            with in_words(connection.address):
                asyncio.run(log.tail(connection, name))
            job = read_job(connection, name)
        except (EngineError, aiohttp.ClientError) as error:
            if time.monotonic() - answered > LOST_S:
                raise EngineError(
                    f"the Ray cluster at {connection.address} no longer answers; the job may go on"
                ) from error
        else:
            answered = time.monotonic()
            if job.has_ended:
                log.take(read_log(connection, name))
                return job
        time.sleep(PAUSE_S)


def wait(connection: Connection, name: str, seconds: float) -> Job | None:
    """Return a job once it has ended; None if it has not in time."""
    deadline = time.monotonic() + seconds
    while not (job := read_job(connection, name)).has_ended:
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE_S / 4)
    return job


def stop(connection: Connection, job: Job) -> Job | None:
    """Ask a job to stop, and return it once it has; None if that takes too long.

    Its driver gets SIGTERM: it notes in the database which trials it leaves, and exits; the same
    submission goes on from there. Ray kills it if it takes longer than it was given when it was
    submitted.
    """
    with in_words(connection.address):
        connection.client.stop_job(job.name)
    return wait(connection, job.name, STOP_S)


class _Log:
    """Hands a job's words over once each, however often they are read from their beginning."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write, self._seen = write, 0

    async def tail(self, connection: Connection, name: str) -> None:
        """Take what a job says until it has ended, or the connection breaks."""
        position = 0
        async for text in connection.client.tail_job_logs(name):
            self.take(text, position)
            position += len(text)

    def take(self, text: str, position: int = 0) -> None:
        """Take the characters that begin at this position."""
        if new := text[max(0, self._seen - position) :]:
            self._write(new)
            self._seen = position + len(text)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if not milliseconds else datetime.fromtimestamp(milliseconds / 1000).astimezone()
