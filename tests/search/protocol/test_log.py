"""A command writes its study's log beside the checkpoints, and tells more than one listener."""

from __future__ import annotations

import json
import socket
from io import StringIO

import pytest
from rich.console import Console

from search.cli.live import View
from search.engine.stream import Limits, Stream
from search.protocol.searching import Options, open_engine, open_search, run_search
from search.storage.database import Database
from tests.benchmarks.fleeting import loaded
from tests.benchmarks.learning import FAMILIES, curve_study

STUDY = curve_study(FAMILIES["power laws"], "curves")


@pytest.mark.parametrize("given", [False, True], ids=["beside the file", "as asked"])
def test_a_search_keeps_one_log_whose_lines_tell_every_trial(tmp_path, given):
    artifacts = tmp_path / "elsewhere" if given else tmp_path / "curves.db-artifacts"
    options = Options(
        f"sqlite:///{tmp_path / 'curves.db'}",
        engine="local",
        artifacts=artifacts if given else None,
    )
    for trials in (2, 3):  # the second command goes on with the same file
        run_search(loaded(STUDY), options, trials=trials, limits=Limits(), confirm=0)
    lines = (artifacts / "curves" / "log.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    assert {line["study"] for line in told} == {"curves/search"}
    assert {line["host"] for line in told} == {socket.gethostname()}
    ends = [line["trial"] for line in told if line["message"].startswith("trial ended")]
    assert ends == [0, 1, 2]
    begun = [line["trial"] for line in told if "begins" in line["message"]]
    assert begun == [0, 1, 2]


def test_every_listener_is_told_and_a_notice_is_shown_once(tmp_path):
    options = Options(f"sqlite:///{tmp_path / 'curves.db'}", engine="local")
    database = Database(options.storage)
    console = Console(file=StringIO(), width=100)
    heard = []
    search = open_search(database, loaded(STUDY), options, trials=2)
    stream = Stream([search], listener=View(console))
    stream.listen(lambda stream: heard.append((stream.decisions, stream.running)))
    stream.notice = "Ray dashboard: http://127.0.0.1:8265"
    with open_engine(loaded(STUDY), options) as engine:
        engine(stream)
    database.close()
    assert console.file.getvalue().count("Ray dashboard: http://127.0.0.1:8265\n") == 1
    decisions = [count for count, _ in heard]
    assert decisions == sorted(decisions)
    assert decisions[-1] == stream.decisions >= 2
    assert stream.decision_s > 0
    assert heard[0] == (0, 1)
