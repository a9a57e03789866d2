"""What a series of trials writes to the log of its study."""

from __future__ import annotations

import json

from search.storage.journal import FILE, study_log
from tests.search.engine.conftest import batch, steps


def test_a_series_logs_what_it_has_written(scene, tmp_path):
    with study_log(tmp_path, "toy", scene.database.url):
        trials = scene.open(retries=0)
        job = trials.next_job()
        trials.observe(job.number, batch(*steps(1, 3)))
        trials.observe(job.number, batch(*steps(4, 9), end="complete"))
        job = trials.next_job()
        trials.observe(job.number, batch(end="raised", error="KeyError: 'x'", token="two"))
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    told = [(x["trial"], x["host"], x["message"].partition(" after")[0]) for x in lines]
    assert [(trial, message) for trial, _, message in told] == [
        (0, "attempt 0 begins"),
        (0, "attempt 0 ended: complete"),
        (0, "trial ended: complete, at step 9, 0.5"),
        (1, "attempt 0 begins"),
        (1, "attempt 0 ended: raised"),
        (1, "trial ended: failed, KeyError: 'x'"),
    ]
    assert {host for _, host, _ in told} == {"here"}
