"""Checkpoints: whole or absent, checked before they are trusted."""

# ruff: noqa: ARG001 - arguments are those of an interface

import errno
import json
import shutil
from pathlib import Path

import pytest

from search import CheckpointError
from search.engine.checkpoints import (
    KEPT,
    MANIFEST,
    forget_beyond,
    intact_checkpoints,
    write_checkpoint,
)
from tests.search.engine.saves import saving, steps


def test_what_was_saved_is_found_newest_first(tmp_path):
    for step in (3, 9):
        found = write_checkpoint(saving(f"step {step}"), tmp_path / "a", step)
        assert found.step == step
        assert found.size == 11 * len(f"step {step}")
    ((newest, path), (older, _)) = intact_checkpoints(tmp_path)
    assert (newest, older) == (9, 3)
    assert (path / "model.txt").read_text() == "step 9"


def test_only_the_newest_are_kept(tmp_path):
    for step in range(1, 8):
        write_checkpoint(saving(str(step)), tmp_path / "a", step)
    assert steps(tmp_path) == [7, 6]
    assert len(list((tmp_path / "a").iterdir())) == KEPT


def test_attempts_have_folders_of_their_own(tmp_path):
    write_checkpoint(saving("one"), tmp_path / "first", 3)
    write_checkpoint(saving("two"), tmp_path / "second", 9)
    write_checkpoint(saving("three"), tmp_path / "first", 27)
    assert steps(tmp_path) == [27, 9, 3]


def flip(path):
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(bytes(data))


DAMAGE = {
    "a flipped bit": lambda path: flip(path / "model.txt"),
    "a truncated file": lambda path: (path / "deep" / "more.bin").write_bytes(b"9"),
    "a missing file": lambda path: (path / "model.txt").unlink(),
    "a truncated manifest": lambda path: (path / MANIFEST).write_text('{"step": 9, "sha'),
    "a manifest that is no object": lambda path: (path / MANIFEST).write_text("[1]"),
    "no manifest": lambda path: (path / MANIFEST).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, damage, caplog):
    for step in (3, 9):
        write_checkpoint(saving(str(step)), tmp_path / "a", step)
    damage(tmp_path / "a" / "step-00000009")
    assert steps(tmp_path) == [3]
    assert "step-00000009 is damaged" in caplog.text


def test_a_file_of_the_trainables_own_may_have_any_name(tmp_path):
    write_checkpoint(lambda d: (d / "manifest.json").write_text("{}"), tmp_path / "a", 1)
    assert steps(tmp_path) == [1]


def test_a_draft_is_no_checkpoint(tmp_path):
    """A worker that is killed while it writes leaves a draft behind."""
    write_checkpoint(saving("3"), tmp_path / "a", 3)
    shutil.copytree(tmp_path / "a" / "step-00000003", tmp_path / "a" / "draft-00000009")
    (tmp_path / "a" / "step-tmp").mkdir()
    assert steps(tmp_path) == [3]


def test_a_full_disk_keeps_what_was_written_before(tmp_path):
    for step in (3, 9):
        write_checkpoint(saving(str(step)), tmp_path / "a", step)

    def save(directory):
        (directory / "model.txt").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CheckpointError, match=r"step 27 not written.*No space left"):
        write_checkpoint(save, tmp_path / "a", 27)
    assert steps(tmp_path) == [9, 3]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "step-00000003",
        "step-00000009",
    ]


def test_a_library_that_hides_a_full_disk_in_its_own_error(tmp_path):
    """As torch.save does; a device that is always full stands for the disk."""

    def save(directory):
        (directory / "probe").symlink_to("/dev/full")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0")

    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(CheckpointError, match="No space left"):
        write_checkpoint(save, tmp_path / "a", 3)


def test_a_fault_of_the_trainables_own_is_not_taken_for_a_full_disk(tmp_path):
    def save(directory):
        raise ValueError("cannot save this")

    with pytest.raises(ValueError, match="cannot save this"):
        write_checkpoint(save, tmp_path / "a", 3)
    assert not list((tmp_path / "a").iterdir())


def test_what_is_not_gone_on_from_is_deleted(tmp_path):
    for step in (3, 9):
        write_checkpoint(saving(str(step)), tmp_path / "a", step)
    write_checkpoint(saving("27"), tmp_path / "b", 27)
    forget_beyond(tmp_path, 9)
    assert steps(tmp_path) == [9, 3]
    forget_beyond(tmp_path, 0)
    assert steps(tmp_path) == []


def test_the_checksums_are_the_files_own(tmp_path):
    write_checkpoint(saving("x"), tmp_path / "a", 1)
    manifest = json.loads((tmp_path / "a" / "step-00000001" / MANIFEST).read_text())
    assert set(manifest["sha256"]) == {"model.txt", "deep/more.bin"}
    # printf x | sha256sum
    assert manifest["sha256"]["model.txt"].startswith("2d711642b726b044")
