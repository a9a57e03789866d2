"""Where artifacts lie: in a folder, or in an object store such as S3.

An object store has neither folders nor a rename. What belongs together is uploaded file by file,
and the file by which it is known as whole comes last. Files are written and read in folders of this
machine; keys and endpoints come from the environment alone (``AWS_…``), never from an address.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pyarrow import fs

from search.errors import OptionError

SCHEMES = ("s3", "gs", "file")
CLOUD = ("AWS_", "GOOGLE_APPLICATION_CREDENTIALS")  # variables that a client needs
AT_ONCE = "allow_delayed_open=true"  # small files take one request instead of three
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remote:
    """A place in an object store, which has what its address begins with.

    Parameters
    ----------
    url
        Such as ``s3://bucket/prefix``, without a slash at its end.
    """

    url: str

    def __truediv__(self, name: str) -> Remote:
        """Return a place inside."""
        return Remote(f"{self.url}/{name}")

    def __str__(self) -> str:
        """Return the address."""
        return self.url

    @property
    def name(self) -> str:
        """Its last part."""
        return self.url.rpartition("/")[2]


Place = Path | Remote


def place(text: str | Path) -> Place:
    """Return the place that is meant; a path makes one slash of an address's two.

    Examples
    --------
    >>> str(place(Path("s3://bucket/pi-tft/")))
    's3://bucket/pi-tft'
    """
    found = re.match(r"([A-Za-z][\w+.-]+):/+(.*)", str(text).replace(os.sep, "/"))
    if not found:
        return Path(text)
    slashes = "///" if found[1] == "file" else "//"
    return Remote(f"{found[1]}:{slashes}{found[2]}".rstrip("/"))


def check_reachable(remote: Remote) -> None:
    """Write and delete a small object: what cannot be used is refused before anything runs.

    Raises
    ------
    OptionError
        With what was wrong.
    """
    parts = urlsplit(remote.url)
    if parts.scheme not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise OptionError(f"--artifacts takes a folder, or {known}; got {parts.scheme}://")
    if parts.username or parts.password or parts.query:
        raise OptionError(
            f"--artifacts takes an address without keys and options, such as s3://{parts.hostname}"
            f"{parts.path}: keys and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
            "AWS_REGION and AWS_ENDPOINT_URL"
        )
    probe = remote / f".winnow-{uuid.uuid4().hex}"
    try:
        with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
            (Path(folder) / "probe").write_text("winnow")
            upload(Path(folder), probe, last="probe")
        system, path = _opened(probe.url)
        system.delete_dir(path)
    except (OSError, ValueError) as error:
        raise OptionError(
            f"--artifacts {remote}: nothing can be written there ({_first_line(error)}); is there "
            "such a bucket, and do AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and "
            "AWS_ENDPOINT_URL say how it is reached?"
        ) from None


def here(where: Place) -> Path:
    """Return a folder of this machine for what cannot wait for a network: logs, notes of hangs."""
    if isinstance(where, Path):
        return where
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    word = re.sub(r"[^\w-]+", "-", where.name)
    return cache / "winnow" / f"{word}-{hashlib.sha256(where.url.encode()).hexdigest()[:12]}"


def children(where: Place) -> Sequence[Place]:
    """Return the folders in a place, by name; none where there is no such place."""
    if isinstance(where, Path):
        return sorted(path for path in where.glob("*") if path.is_dir())
    system, path = _opened(where.url)
    found = system.get_file_info(fs.FileSelector(path, allow_not_found=True))
    names = sorted(info.base_name for info in found if info.type == fs.FileType.Directory)
    return [where / name for name in names]


def exists(where: Place, file: str) -> bool:
    """Return whether a place has a file."""
    if isinstance(where, Path):
        return (where / file).is_file()
    system, path = _opened((where / file).url)
    return bool(system.get_file_info(path).type == fs.FileType.File)


def remove(where: Place) -> None:
    """Delete a place with all that it holds; what cannot be deleted is only told."""
    if isinstance(where, Path):
        shutil.rmtree(where, ignore_errors=True)
        return
    shutil.rmtree(here(where), ignore_errors=True)
    system, path = _opened(where.url)
    try:
        if system.get_file_info(path).type != fs.FileType.NotFound:
            system.delete_dir(path)
    except OSError as error:
        logger.warning("%s is not deleted: %s", where, _first_line(error))


def upload(folder: Path, target: Remote, *, last: str) -> None:
    """Copy a folder's files; `last` is the one by which they are known as whole.

    Raises
    ------
    OSError
        If the store refuses one.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for file in sorted(files, key=lambda path: path == folder / last):
        system, path = _opened((target / file.relative_to(folder).as_posix()).url)
        if isinstance(system, fs.LocalFileSystem):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as source, system.open_output_stream(path) as stream:
            shutil.copyfileobj(source, stream, 2**20)


@contextmanager
def reading(where: Place) -> Iterator[Path]:
    """Have a place's files in a folder inside the block: where they are, or copied.

    Raises
    ------
    OSError
        If the store does not give them.
    """
    if isinstance(where, Path):
        yield where
        return
    with tempfile.TemporaryDirectory(prefix="winnow-") as scratch:
        folder = Path(scratch) / where.name
        system, path = _opened(where.url)
        everything = fs.FileSelector(path, recursive=True, allow_not_found=True)
        for info in system.get_file_info(everything):
            file = folder / PurePosixPath(info.path).relative_to(path)
            if info.type == fs.FileType.File:
                file.parent.mkdir(parents=True, exist_ok=True)
                with system.open_input_stream(info.path) as stream, file.open("wb") as target:
                    shutil.copyfileobj(stream, target, 2**20)
        yield folder


def cloud_variables(where: Place) -> dict[str, str]:
    """Return what this process's environment says of the store, for workers elsewhere."""
    if isinstance(where, Path):
        return {}
    return {name: value for name, value in os.environ.items() if name.startswith(CLOUD)}


def _opened(url: str) -> tuple[fs.FileSystem, str]:
    """Return a store's client, one for all its places, and where in it something lies."""
    parts = urlsplit(url)
    start = f"{parts.scheme}://{parts.netloc}"
    path = f"{parts.netloc}{parts.path}" if parts.netloc else parts.path
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return _client(start if parts.netloc else f"{start}/", endpoint), path


@lru_cache(maxsize=8)
def _client(start: str, endpoint: str | None) -> fs.FileSystem:  # noqa: ARG001 - it is part of a client
    if start.startswith("s3:"):
        with suppress(ValueError):  # an older pyarrow does not know it
            return fs.FileSystem.from_uri(f"{start}/?{AT_ONCE}")[0]
    return fs.FileSystem.from_uri(start)[0]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
