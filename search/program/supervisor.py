"""Runs one command in a process group of its own, and ends it with whoever asked for it.

It is a process between a worker and the command, run by its path and with the standard library
alone. The worker holds the other end of its standard input: when that closes, be it that the
worker was killed with ``kill -9``, the command's whole group is asked to end, and killed where it
does not.

Arguments: seconds of grace, a scratch folder that is removed with an abandoned command, the words.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time

ORPHANS_COME_HERE = 36  # PR_SET_CHILD_SUBREAPER: a container's first process may reap nobody
NOT_FOUND = 127  # a shell's exit status of a command that cannot be started
CHECK_S = 1.0
STOPS: list[int] = []


def main(grace_s: float, folder: str, words: list[str]) -> int:
    """Run the command; return its exit status as a shell would."""
    parent, wake = os.getppid(), _wake_on_signals()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ORPHANS_COME_HERE, 1, 0, 0, 0)
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"{words[0]} cannot be started: {error}\n")
        return NOT_FOUND
    abandoned = False
    while child.poll() is None and not abandoned:
        abandoned = _is_abandoned(parent, wake)
    _end_group(child, grace_s)
    if abandoned:
        shutil.rmtree(folder, ignore_errors=True)
    status = child.wait()
    return status if status >= 0 else 128 - status


def _wake_on_signals() -> int:
    """Return a pipe's end that is readable after a signal."""
    wake, tell = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: STOPS.append(number))
    return wake


def _is_abandoned(parent: int, wake: int) -> bool:
    """Wait for something to happen; return whether nobody wants the command any more."""
    ready, _, _ = select.select([0, wake], [], [], CHECK_S)
    if wake in ready:
        os.read(wake, 4096)
    closed = 0 in ready and not os.read(0, 1)
    return closed or bool(STOPS) or os.getppid() != parent


def _end_group(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask every process of the command's group to end, and kill those that do not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signalled(child.pid, number)
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            _reap(child)
            if not _signalled(child.pid, 0):
                return
            time.sleep(0.02)


def _signalled(group: int, number: int) -> bool:
    """Signal a group (0: only ask for it); return whether there is one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _reap(child: subprocess.Popen[bytes]) -> None:
    """Let ended processes go: they count as members of their group until then."""
    if child.poll() is None:
        return
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3:]))
