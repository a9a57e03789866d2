"""A head that stops answering is told of once, and so is its return."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest

from search.engine.head import watched_head


def wait_for(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Wait until something was said."""
    deadline = time.monotonic() + 30
    while words not in caplog.text:
        assert time.monotonic() < deadline, caplog.text
        time.sleep(0.01)


def test_a_head_that_goes_and_comes_back_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with caplog.at_level(logging.WARNING), watched_head(f"127.0.0.1:{port}", pause_s=0.02):
        time.sleep(0.2)
        assert not caplog.text
        listener.close()
        wait_for(caplog, "does not answer")
        time.sleep(0.2)
        again = socket.create_server(("127.0.0.1", port))
        wait_for(caplog, "answers again")
        again.close()
    assert caplog.text.count("does not answer") == 1
    assert "Nothing is lost" in caplog.text
    assert f"127.0.0.1:{port}" in caplog.text


def test_nothing_is_left_behind() -> None:
    before = threading.active_count()
    with watched_head("127.0.0.1:9", pause_s=0.01):
        pass
    assert threading.active_count() == before
