"""The local engine: in this process, one trial after the other. The reference semantics."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace

from threadpoolctl import threadpool_limits

from search.engine.job import Job, Task
from search.engine.stream import Stream
from search.engine.worker import Worker


def run_local(stream: Stream, task: Task) -> None:
    """Serve a stream until it is done.

    Parameters
    ----------
    stream
        Where jobs come from, and results go to.
    task
        What all jobs share.
    """
    modules = 0
    with ExitStack() as limits:
        while not isinstance(job := stream.next(), str):
            if len(sys.modules) != modules:  # a library that a trial has loaded is bounded too
                limits.enter_context(threadpool_limits(task.threads))
                modules = len(sys.modules)
            _run(stream, task, job)
    stream.finish()


def _run(stream: Stream, task: Task, job: Job) -> None:
    worker = Worker(task, replace(job, alone=True))
    try:
        while stream.observe(job.key, worker.advance()):
            if stream.leaving:
                worker.keep()
                break
    finally:
        worker.close()
