"""What becomes of jobs, as Ray tells it: exit statuses, and words that are printed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ray.job_submission import JobStatus

from search.submission.jobs import Job


@dataclass
class Told:
    """What Ray's client returns of a job."""

    status: JobStatus
    driver_exit_code: int | None = None
    submission_id: str = "toy-1"
    message: str | None = None
    start_time: int | None = 1_795_311_906_622
    end_time: int | None = None
    metadata: dict[str, Any] | None = field(default_factory=lambda: {"winnow_study": "toy"})


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("SUCCEEDED", 0, 0),
        ("FAILED", 2, 2),
        ("FAILED", 3, 3),
        ("FAILED", 1, 1),
        ("FAILED", None, 1),  # its environment could not be made
        ("FAILED", -9, 1),
        ("FAILED", 127, 1),
        ("STOPPED", None, 3),
    ],
)
def test_the_exit_status_is_winnow_s_own_on_the_cluster(status, code, expected):
    job = Job.of(Told(JobStatus[status], code))
    assert job.has_ended
    assert job.exit_status == expected


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_a_job_that_waits_or_runs_has_not_ended(status):
    assert not Job.of(Told(JobStatus[status])).has_ended


def test_what_ray_does_not_tell_stays_empty():
    job = Job.of(Told(JobStatus.PENDING, start_time=None, metadata=None))
    assert (job.study, job.started, job.ended, job.message) == ("", None, None, "")
    assert Job.of(Told(JobStatus.RUNNING)).started.timestamp() == pytest.approx(1_795_311_906.622)
