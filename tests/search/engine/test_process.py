"""What belongs to a worker's whole process."""

import os
import subprocess
import sys

import pytest

from search import Resources
from search.engine.process import free_accelerator, local_gpus, visible_gpus


@pytest.mark.parametrize(
    ("named", "count"), [("", 0), ("-1", 0), ("0", 1), ("0,2", 2), ("GPU-a, GPU-b,", 2)]
)
def test_the_gpus_that_this_process_may_use(monkeypatch, named, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == count


@pytest.mark.parametrize(
    ("asked", "visible", "held"),
    [(None, "0,1", 1), (None, "", 0), (0.25, "0", 0.25), (2, "0,1", 2), (2, "", 0), (0, "0", 0)],
)
def test_a_local_trial_holds_what_it_asks_for_as_far_as_it_is_there(
    monkeypatch, asked, visible, held
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert local_gpus(Resources(gpus=asked)) == held


def test_nothing_is_freed_where_nobody_uses_an_accelerator():
    free_accelerator()


CODE = """
import os, sys
import numpy
from search.engine.process import prepare_process
os.environ["CUDA_VISIBLE_DEVICES"] = "3"
kept = prepare_process(
    threads=1,
    variables={"COLOUR": "blue", "CUDA_VISIBLE_DEVICES": "0"},
    folders=[sys.argv[1], sys.argv[1]],
)
from threadpoolctl import threadpool_info
import neighbour, statistics
print(os.environ["COLOUR"], os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"],
      {pool["num_threads"] for pool in threadpool_info()}, neighbour.WHO,
      sys.path.count(sys.argv[1]), hasattr(statistics, "median"))
"""


def test_a_process_becomes_what_the_driver_was(tmp_path):
    (tmp_path / "neighbour.py").write_text("WHO = 'neighbour'\n")
    (tmp_path / "statistics.py").write_text("# must not hide the library's\n")
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.split(None, 3) == ["blue", "3", "1", "{1} neighbour 1 True\n"]
