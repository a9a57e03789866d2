"""The local engine: in this process, one trial after the other. The reference semantics."""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from search.engine.job import Task
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
    with threadpool_limits(task.threads):
        while not isinstance(job := stream.next(), str):
            worker = Worker(task, job)
            try:
                while stream.observe(job.key, worker.advance()):
                    continue
            finally:
                worker.close()
    stream.stop_all()
