"""What trainables of the contract suite saw, one line per event; lies beside the study files."""

import json
import os
import time
from pathlib import Path


def tell(folder, event, **facts):
    """Append an event; lines of several processes do not mix."""
    line = json.dumps({"event": event, "pid": os.getpid(), "at": time.time(), **facts})
    handle = os.open(Path(folder) / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(handle, line.encode() + b"\n")
    finally:
        os.close(handle)


def first_time(folder, name):
    """Return whether this is asked for the first time, in whatever process."""
    try:
        (Path(folder) / f"{name}.once").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
