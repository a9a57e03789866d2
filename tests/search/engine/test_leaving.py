"""Leaving in order: what the first signal asks for, and what the second does."""

import signal
import threading
import time

import pytest

from search.engine.leaving import grace, leaving_in_order
from search.engine.stream import Stream
from search.errors import OptionError


@pytest.fixture(params=["SIGINT", "SIGTERM"])
def number(request):
    """A signal that would raise KeyboardInterrupt at once."""
    found = signal.Signals[request.param]
    before = signal.signal(found, signal.default_int_handler)
    yield found
    signal.signal(found, before)


def test_the_first_signal_asks_and_the_second_leaves(number):
    stream = Stream([])
    with leaving_in_order(stream, 60):
        signal.raise_signal(number)
        assert stream.leaving
        assert stream.next() == "done"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is signal.default_int_handler


def test_the_end_of_the_grace_leaves_whatever_sleeps(number):
    begun = time.monotonic()
    with leaving_in_order(Stream([]), 0.05):
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            time.sleep(20)
    assert time.monotonic() - begun < 10


def test_what_has_left_in_time_hears_nothing_more(number):
    with leaving_in_order(Stream([]), 0.05):
        signal.raise_signal(number)
    time.sleep(0.1)


def test_without_a_grace_a_signal_is_what_it_was(number):
    stream = Stream([])
    with pytest.raises(KeyboardInterrupt), leaving_in_order(stream, 0):
        signal.raise_signal(number)
    assert not stream.leaving


def test_another_thread_hears_of_no_signal(number):
    def serve():
        with leaving_in_order(Stream([]), 60):
            seen.append(signal.getsignal(number))

    seen = []
    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_grace_is_seconds(monkeypatch, text):
    monkeypatch.setenv("WINNOW_GRACE_S", text)
    with pytest.raises(OptionError, match=f"WINNOW_GRACE_S takes seconds, 0 or more, got '{text}'"):
        grace()


def test_the_grace_is_20_seconds_unless_the_environment_says(monkeypatch):
    monkeypatch.delenv("WINNOW_GRACE_S", raising=False)
    assert grace() == 20
    monkeypatch.setenv("WINNOW_GRACE_S", "0")
    assert grace() == 0
