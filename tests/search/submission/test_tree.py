"""What is uploaded: what git counts to the tree, and never a secret, a database, an environment."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.errors import OptionError
from search.submission.tree import files_with, find_root, read_tree, stage

KEY = "PRIVATE " + "KEY-----"  # in two, or this file would stay here itself
SECRETS = (
    *(".env", ".env.local", ".ENV", "prod.env", ".envrc", "server.pem", "tls.key", "id_rsa"),
    *("id_rsa.pub", "ID_RSA", "id_ed25519", ".pgpass", ".netrc", "auth_token", "store.p12"),
)
DATABASES = ("winnow.db", "winnow.db-wal", "winnow.db-shm", "x.sqlite", "x.sqlite3", "WINNOW.DB")
ENVIRONMENTS = (".git", ".venv", "venv", "node_modules", "__pycache__", "winnow.egg-info")
FOLDERS = (".ssh", ".aws", "winnow.db-artifacts", *ENVIRONMENTS)
PLAIN = ("study.py", "README.md", "environment.py", "keys.py", "key.txt", "database.py", "env.sh")
names = st.sampled_from((*SECRETS, *DATABASES, *PLAIN))
folders = st.lists(st.sampled_from((*FOLDERS, "src", "studies", "data")), max_size=3)
paths = st.builds(lambda above, name: PurePosixPath(*above, name), folders, names)


def write(root, *names, text="x = 1\n"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def uploaded(root, **options):
    return [str(name) for name in read_tree(root, **options).files]


def git(root, *arguments):
    subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True)


@given(st.sets(paths, max_size=8))
@example({PurePosixPath("src/.env")})
@example({PurePosixPath(".ssh/study.py"), PurePosixPath("studies/study.py")})
def test_only_plain_files_in_plain_folders_are_uploaded(tmp_path_factory, given_paths):
    root = tmp_path_factory.mktemp("tree")
    write(root, *given_paths)
    tree = read_tree(root)
    expected = {
        path
        for path in given_paths
        if path.name in PLAIN and not set(path.parts[:-1]) & set(FOLDERS)
    }
    assert set(tree.files) == expected
    said = {PurePosixPath(name) for name, _ in tree.left_out}
    silent = {path for path in given_paths if set(path.parts) & set(ENVIRONMENTS)}
    assert said == given_paths - expected - silent


@pytest.mark.parametrize("tracked", [False, True])
def test_gitignore_is_heeded_with_and_without_a_repository(tmp_path, tracked):
    write(tmp_path, "study.py", "notes/a.txt", "notes/keep.txt", "src/b.tmp", "src/c.py")
    write(tmp_path, ".gitignore", text="*.tmp\nnotes/*\n!notes/keep.txt\n")
    if tracked:
        git(tmp_path, "init")
    assert uploaded(tmp_path) == [".gitignore", "notes/keep.txt", "src/c.py", "study.py"]


def test_a_tracked_secret_stays_here_and_an_ignored_tracked_file_goes(tmp_path):
    write(tmp_path, ".env", "kept.log", "gone.py")
    write(tmp_path, ".gitignore", text="*.log\n")
    git(tmp_path, "init")
    git(tmp_path, "add", "-f", ".env", "kept.log", "gone.py")
    (tmp_path / "gone.py").unlink()
    tree = read_tree(tmp_path)
    assert [str(name) for name in tree.files] == [".gitignore", "kept.log"]
    assert tree.left_out == ((".env", "it may be a secret"),)


def test_a_key_or_a_database_is_found_under_any_name(tmp_path):
    write(tmp_path, "notes.txt", text=f"my key:\n-----BEGIN OPENSSH {KEY}\nAAAA\n")
    write(tmp_path, "public.txt", text="-----BEGIN PUBLIC KEY-----\n")
    database = sqlite3.connect(tmp_path / "results.bin")
    database.execute("CREATE TABLE t (x)")
    database.close()
    tree = read_tree(tmp_path)
    assert [str(name) for name in tree.files] == ["public.txt"]
    assert dict(tree.left_out) == {
        "notes.txt": "it holds a private key",
        "results.bin": "it is an SQLite database",
    }


def test_links_stay_here_wherever_they_lead(tmp_path):
    outside = tmp_path / "outside"
    write(outside, "passwords.txt")
    root = tmp_path / "root"
    write(root, "study.py", ".env")
    (root / "innocent.txt").symlink_to(outside / "passwords.txt")
    (root / "also.txt").symlink_to(root / ".env")
    (root / "folder").symlink_to(outside)
    tree = read_tree(root)
    assert [str(name) for name in tree.files] == ["study.py"]
    assert {name for name, reason in tree.left_out if reason == "it is a link"} == {
        "also.txt",
        "folder",
        "innocent.txt",
    }


def test_data_that_are_named_stay_here(tmp_path):
    write(tmp_path, "study.py", "measured/a.csv", "measured/deep/b.csv", "measured.py")
    assert uploaded(tmp_path, without=[tmp_path / "measured"]) == ["measured.py", "study.py"]


def test_a_large_file_stays_here_with_its_size(tmp_path):
    write(tmp_path, "study.py")
    write(tmp_path, "weights.bin", text="x" * 3_000_000)
    tree = read_tree(tmp_path, max_file=2**20)
    assert [str(name) for name in tree.files] == ["study.py"]
    assert tree.left_out == (("weights.bin", "3 MiB, above 1 MiB"),)


def test_a_tree_that_is_too_large_is_refused(tmp_path):
    write(tmp_path, "study.py")
    for place in range(11):
        with (tmp_path / f"part{place}").open("wb") as file:
            file.truncate(19 * 2**20)  # without taking the disk's space
    with pytest.raises(OptionError, match="has 209 MiB to upload, at most 200 MiB are"):
        read_tree(tmp_path)


def test_what_is_staged_is_what_was_read(tmp_path):
    root, folder = tmp_path / "root", tmp_path / "staged"
    write(root, "a/b.py", "run.sh", ".env", ".gitignore")
    (root / "run.sh").chmod(0o755)
    stage(read_tree(root), folder)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"a/b.py", "run.sh"}
    assert (folder / "a/b.py").read_text() == "x = 1\n"
    assert (folder / "run.sh").stat().st_mode & 0o777 == 0o755


def test_a_password_in_any_file_is_found(tmp_path):
    write(tmp_path, "study.py", "deep/config.yaml")
    write(tmp_path, "deep/notes.md", text="the database's is hunter2-hunter2, you know")
    tree = read_tree(tmp_path)
    assert files_with(tree, ["hunter2-hunter2"]) == ["deep/notes.md"]
    assert files_with(tree, ["another-password"]) == []
    assert files_with(tree, ["x", ""]) == []  # it would be found everywhere


@pytest.mark.parametrize(("repository", "expected"), [(True, "."), (False, "studies")])
def test_a_study_belongs_to_its_repository_else_to_its_folder(tmp_path, repository, expected):
    write(tmp_path, "studies/study.py")
    if repository:
        git(tmp_path, "init")
    assert find_root(tmp_path / "studies/study.py") == (tmp_path / expected).resolve()


def test_without_git_the_same_files_are_found_but_no_gitignore_is_guessed(tmp_path, monkeypatch):
    write(tmp_path, "study.py", "src/a.py", ".env", ".venv/b.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert uploaded(tmp_path) == ["src/a.py", "study.py"]
    write(tmp_path, "src/.gitignore")
    with pytest.raises(OptionError, match="which needs git to be read"):
        read_tree(tmp_path)


def test_this_repository_is_small_and_has_no_secret():
    tree = read_tree(Path(__file__).parents[3])
    assert PurePosixPath("constraints.txt") in tree.files
    assert tree.size < 40 * 2**20
    assert [name for name, reason in tree.left_out if "secret" in reason or "key" in reason] == []
