"""A real S3-compatible server on loopback: moto's, which speaks S3 over HTTP.

moto's own requirements contradict ours (`python-dateutil`), so it has an environment of its own:
``python -m venv moto && moto/bin/pip install 'moto[s3,server]==5.1.9'``, and the folder of its
programs in ``PATH``. Newer ones answer the end of an upload in parts with another tag than S3's
(getmoto/moto issue 10055), which pyarrow takes for an error.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs

START_S = 60.0
BUCKET = "winnow-tests"


class NoBucket(Exception):  # noqa: N818 - a reason to skip, not an error
    """Why no server can be started here."""


@contextmanager
def s3_server(log: Path) -> Iterator[dict[str, str]]:
    """Have a server with one bucket; yield the environment by which it is reached.

    Raises
    ------
    NoBucket
        If its program is missing.
    """
    program = shutil.which("moto_server")
    if program is None:
        raise NoBucket("moto_server is not in PATH: see tests/buckets.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--host", "127.0.0.1", "--port", str(port)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with log.open("w") as file:
        server = subprocess.Popen(command, stdout=file, stderr=file, env=clean)
    try:
        _wait_for(port, server)
        client = fs.S3FileSystem(
            access_key="winnow",
            secret_key="winnow-tests",
            endpoint_override=f"127.0.0.1:{port}",
            scheme="http",
            allow_bucket_creation=True,
        )
        client.create_dir(BUCKET)
        yield {
            "AWS_ACCESS_KEY_ID": "winnow",
            "AWS_SECRET_ACCESS_KEY": "winnow-tests",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise NoBucket("moto_server does not start")
