"""The working tree: which of its files a job needs, and which never leave this machine.

Git says what belongs to the tree (tracked files, and untracked ones that ``.gitignore`` does not
name). Of those, environments, databases and whatever looks like a secret stay here, by name and by
content: a private key or a database under another name is found by how it begins.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from search.errors import OptionError

MAX_FILE = 20 * 2**20  # bytes; code is smaller, and data lie on the cluster
MAX_TREE = 200 * 2**20  # bytes; Ray refuses 500 MiB, and keeps the tree in the head's memory
SECRET_NAMES = (
    *(".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.ppk", "*.gpg", "*.asc"),
    *(".netrc", "_netrc", ".pgpass", "pgpass.conf", ".git-credentials", ".pypirc", ".npmrc"),
    *("auth_token", ".ssh", ".aws", ".azure", ".gcloud", ".kube", ".docker", ".gnupg", ".ray"),
)
DATABASE_NAMES = (
    *("*.db", "*.db-*", "*.db.*.lock", "*.sqlite", "*.sqlite-*", "*.sqlite3", "*.sqlite3-*"),
    "*-artifacts",
)
ENVIRONMENT_NAMES = (
    *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", "*.pyc"),
    *("*.egg-info", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"),
    *(".ipynb_checkpoints", ".import_linter_cache", ".coverage", ".DS_Store"),
)
IGNORING = (".gitignore", ".rayignore")  # have been heeded; Ray would apply them to tracked files
SQLITE = b"SQLite format 3\0"
HEAD = 4096  # bytes in which a key says that it is one
SHORT = 8  # a secret of fewer characters would be found everywhere


@dataclass(frozen=True)
class Tree:
    """A working tree, sorted.

    Parameters
    ----------
    root
        Its folder.
    files
        What is uploaded, relative to the root.
    left_out
        Path to reason, of what may be missed: nothing is said of environments and caches.
    size
        Of all files, in bytes.
    """

    root: Path
    files: tuple[PurePosixPath, ...]
    left_out: tuple[tuple[str, str], ...]
    size: int


def find_root(study: Path) -> Path:
    """Return what a study file belongs to: its git repository, else its folder."""
    folder = study.absolute().parent
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            return above
    return folder


def read_tree(root: Path, *, without: Iterable[Path] = (), max_file: int = MAX_FILE) -> Tree:
    """Sort a working tree's files.

    Parameters
    ----------
    root
        Its folder.
    without
        Files and folders that stay here in any case: data, the study database, its artifacts.
    max_file
        Bytes; a larger file stays here.

    Raises
    ------
    OptionError
        If the tree is too large, or there is a ``.gitignore`` and no git to read it.
    """
    root = root.resolve()
    kept = [path.resolve() for path in without]
    files, left_out, size = [], [], 0
    for name in sorted(_listed(root)):
        reason = _reason(root, name, kept, max_file)
        if reason is None:
            files.append(name)
            size += (root / name).stat().st_size
        elif reason:
            left_out.append((str(name), reason))
    if size > MAX_TREE:
        raise OptionError(
            f"--tree {root} has {_mib(size)} to upload, at most {_mib(MAX_TREE)} are: put data "
            "into a folder that the nodes have (--data), or name what is not needed in .gitignore"
        )
    return Tree(root, tuple(files), tuple(left_out), size)


def stage(tree: Tree, folder: Path) -> None:
    """Copy a tree's files, and nothing else, into a new folder."""
    for name in tree.files:
        if name.name in IGNORING:
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree.root / name, target)
        target.chmod(0o755 if os.access(tree.root / name, os.X_OK) else 0o644)


def files_with(tree: Tree, secrets: Sequence[str]) -> list[str]:
    """Return the files of a tree in which one of these secrets stands, whatever they are called."""
    wanted = [secret.encode() for secret in secrets if len(secret) >= SHORT]
    if not wanted:
        return []
    return [
        str(name)
        for name in tree.files
        if any(secret in (tree.root / name).read_bytes() for secret in wanted)
    ]


def _listed(root: Path) -> Iterator[PurePosixPath]:
    """Yield what git counts to the tree, or every file where there is no git to ask."""
    program = shutil.which("git")
    if program is None:
        if any(root.rglob(".gitignore")):
            raise OptionError(f"--tree {root} has a .gitignore, which needs git to be read")
        yield from _walked(root)
        return
    with tempfile.TemporaryDirectory() as empty:
        where = ["-C", str(root)]
        if not _in_repository(program, root):
            # .gitignore means the same where nothing is tracked: an empty repository elsewhere
            subprocess.run([program, "init", "--quiet", "--bare", empty], check=True)
            where = [f"--git-dir={empty}", f"--work-tree={root}", *where]
        done = subprocess.run(
            [program, *where, "ls-files", "-z", "-c", "-o", "--exclude-standard"],
            check=True,
            capture_output=True,
        )
    for name in dict.fromkeys(done.stdout.split(b"\0")):
        if name:
            yield PurePosixPath(os.fsdecode(name))


def _in_repository(program: str, root: Path) -> bool:
    done = subprocess.run(
        [program, "-C", str(root), "rev-parse", "--is-inside-work-tree"],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


def _walked(root: Path) -> Iterator[PurePosixPath]:
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not _matches(name, ENVIRONMENT_NAMES)]
        yield from (PurePosixPath(here.as_posix()) / name for name in names)


def _reason(root: Path, name: PurePosixPath, kept: Sequence[Path], max_file: int) -> str | None:
    """Return why a file stays here: None if it does not, empty if nobody will miss it."""
    path = root / name
    if any(_matches(part, ENVIRONMENT_NAMES) for part in name.parts):
        return ""
    if any(_matches(part, SECRET_NAMES) for part in name.parts):
        return "it may be a secret"
    if any(_matches(part, DATABASE_NAMES) for part in name.parts):
        return "databases and their artifacts stay here"
    if any(above.is_symlink() for above in (path, *path.parents) if root in above.parents):
        return "it is a link"
    if path.is_dir():
        return "it is a repository of its own"
    if not path.exists() or not stat.S_ISREG(path.stat().st_mode):
        return ""
    if any(keeper in (path, *path.parents) for keeper in kept):
        return "data and the study database stay here"
    if path.stat().st_size > max_file:
        return f"{_mib(path.stat().st_size)}, above {_mib(max_file)}"
    return _content_reason(path)


def _content_reason(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(SQLITE):
        return "it is an SQLite database"
    if b"-----BEGIN " in head and b"PRIVATE KEY-----" in head:
        return "it holds a private key"
    return None


def _matches(part: str, patterns: Iterable[str]) -> bool:
    """Return whether a part of a path fits a pattern; case does not matter."""
    return any(fnmatchcase(part.casefold(), pattern.casefold()) for pattern in patterns)


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
