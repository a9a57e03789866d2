"""The last lines of a trial."""

import io
import logging
import sys

from search.engine.log_tail import LONGEST, LogTail


def test_prints_and_log_lines_are_kept_and_shown(capsys):
    tail = LogTail()
    with tail.listening():
        print("one\ntwo")  # noqa: T201 - what a trainable does
        print("three", file=sys.stderr)  # noqa: T201
        logging.getLogger("model").warning("loss is %d", 7)
    assert tail.text.splitlines() == ["one", "two", "three", "WARNING model: loss is 7"]
    out, err = capsys.readouterr()
    assert out == "one\ntwo\n"
    assert "three" in err


def test_only_the_last_lines_are_kept():
    tail = LogTail(lines=3)
    with tail.listening():
        for i in range(10):
            print(i)  # noqa: T201
    assert tail.text == "7\n8\n9"


def test_an_unfinished_line_is_kept_too():
    tail = LogTail()
    with tail.listening():
        print("epoch 3:", end=" ")  # noqa: T201
    assert tail.text == "epoch 3: "


def test_a_line_without_end_does_not_grow_for_ever():
    tail = LogTail()
    with tail.listening():
        for _ in range(2000):
            print("\r50%", end="")  # noqa: T201 - a progress bar
    assert len(tail.text) <= LONGEST


def test_a_broken_log_call_does_not_hurt_the_trial(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own are strict
    tail = LogTail()
    with tail.listening():
        logging.getLogger("model").warning("%d", "no number")
        print("still here")  # noqa: T201
    assert "still here" in tail.text
    capsys.readouterr()


def test_nothing_is_kept_outside():
    tail, handlers = LogTail(), list(logging.getLogger().handlers)
    with tail.listening():
        assert logging.getLogger().handlers != handlers
    print("later")  # noqa: T201
    assert tail.text == ""
    assert logging.getLogger().handlers == handlers


def test_the_stream_is_what_it_was_in_all_else(monkeypatch):
    """Progress bars ask for an encoding, live displays for the terminal behind it."""
    shown = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    shown.rich_proxied_file = "the terminal"
    monkeypatch.setattr(sys, "stdout", shown)
    with LogTail().listening():
        assert sys.stdout.encoding == "latin-1"
        assert sys.stdout.buffer is shown.buffer
        assert sys.stdout.rich_proxied_file == "the terminal"
        assert sys.stdout.isatty() is False
        sys.stdout.writelines(["a\n", "b\n"])
    shown.flush()
    assert shown.buffer.getvalue() == b"a\nb\n"
