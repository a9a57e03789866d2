"""``winnow dashboard`` as a person runs it: a process that serves until Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from search.storage.database import Database

COMMAND = [sys.executable, "-m", "search.cli", "dashboard"]


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    Database(url).close()
    return url


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


def test_it_serves_until_control_c_and_says_nothing_but_its_address(url, free_port):
    arguments = [*COMMAND, "--storage", url, "--port", str(free_port)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        address = f"http://127.0.0.1:{free_port}/"
        assert re.fullmatch(rf"Optuna Dashboard on sqlite:///.*study\.db: {address}\n", line)
        assert b"<html" in get(address).lower()
        assert json.loads(get(f"{address}api/studies")) == {"study_summaries": []}

        rival = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert rival.returncode == 2
        assert rival.stdout == ""
        assert rival.stderr.startswith(f"error: --port {free_port} on 127.0.0.1 cannot be used")
        assert len(rival.stderr.splitlines()) == 1

        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--port", 99999), "--port 99999 on 127.0.0.1 cannot be used"),
        (("--host", "203.0.113.7", "--port", 0), "--port 0 on 203.0.113.7 cannot be used"),
    ],
)
def test_where_nobody_can_listen_is_told(winnow, url, arguments, words):
    answer = winnow("dashboard", "--storage", url, *arguments)
    assert answer.status == 2
    assert words in answer.err
