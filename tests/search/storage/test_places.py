"""Artifacts in a folder, behind an address, and in a bucket: the same to everybody."""

# ruff: noqa: ARG001, ARG002 - arguments are those of an interface

import uuid
from pathlib import Path

import numpy as np
import pytest

from search.engine.checkpoints import (
    KEPT,
    MANIFEST,
    forget_beyond,
    intact_checkpoints,
    write_checkpoint,
)
from search.engine.predictions import are_kept, read_predictions, write_predictions
from search.engine.worker import Worker
from search.errors import CheckpointError, OptionError
from search.storage.places import (
    Remote,
    check_reachable,
    children,
    cloud_variables,
    exists,
    here,
    place,
    reading,
    remove,
    upload,
)
from search.trainable import Predictions
from tests.buckets import BUCKET
from tests.search.engine.jobs import make_job, make_task, metrics, numbers
from tests.search.engine.saves import saving, steps

REMOTE = ["address", pytest.param("bucket", marks=pytest.mark.slow)]


@pytest.fixture(params=["folder", *REMOTE])
def where(request, tmp_path, monkeypatch):
    """A place of each kind."""
    return a_place(request, tmp_path, monkeypatch)


@pytest.fixture(params=REMOTE)
def remote(request, tmp_path, monkeypatch):
    """A place of each kind but a folder."""
    return a_place(request, tmp_path, monkeypatch)


def a_place(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "folder":
        return tmp_path / "artifacts"
    if request.param == "address":
        return place(f"file://{tmp_path}/artifacts")
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return place(f"s3://{BUCKET}/{uuid.uuid4().hex}/artifacts")


def test_a_large_file_goes_up_in_parts_and_comes_back_whole(remote, tmp_path):
    content = np.random.default_rng(0).bytes(24 * 2**20)  # more than two parts
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "weights").write_bytes(content)
    (tmp_path / "scratch" / "whole").touch()
    upload(tmp_path / "scratch", remote / "big", last="whole")
    with reading(remote / "big") as folder:
        assert (folder / "weights").read_bytes() == content


def test_what_was_saved_is_found_newest_first_and_the_oldest_is_forgotten(where):
    for step in (3, 9, 27):
        found = write_checkpoint(saving(f"step {step}"), where / "a", step)
    assert found.path == str(where / "a" / "step-00000027")
    assert steps(where) == [27, 9]
    assert len(children(where / "a")) == KEPT
    for step, path in intact_checkpoints(where):
        assert (path / "model.txt").read_text() == f"step {step}"
        assert (path / "deep" / "more.bin").read_bytes() == b"step %d" % step * 10
    forget_beyond(where, 9)
    assert steps(where) == [9]
    remove(where)
    assert (steps(where), list(children(where))) == ([], [])


def test_what_was_cut_short_is_not_trusted(remote, tmp_path, caplog):
    write_checkpoint(saving("whole"), remote / "a", 3)
    with reading(remote / "a" / "step-00000003") as whole:
        (whole / MANIFEST).rename(tmp_path / MANIFEST)
        upload(whole, remote / "b" / "step-00000006", last=MANIFEST)  # until the manifest
        assert steps(remote) == [3]
        (tmp_path / MANIFEST).rename(whole / MANIFEST)
        (whole / "model.txt").write_text("another")
        upload(whole, remote / "b" / "step-00000006", last=MANIFEST)
    assert steps(remote) == [3]
    assert f"checkpoint {remote}/b/step-00000006 is damaged" in caplog.text


def test_a_run_goes_on_in_another_process_from_there(where):
    class Counter:
        def __init__(self, config, *, seed):
            self.count = 0

        def step(self):
            self.count += 1
            return metrics(self.count)

        def save(self, directory):
            (directory / "count").write_text(str(self.count))

        def load(self, directory):
            self.count = int((directory / "count").read_text())

    job = make_job(where / "000000", halts=(2, 5))
    first = Worker(make_task(Counter), job)
    assert numbers(first.advance()) == [1, 2]
    first.advance()
    first.keep()
    again = Worker(make_task(Counter), job).advance()
    assert (again.start_step, numbers(again)) == (5, [6, 7, 8, 9])


def test_predictions_are_kept_as_a_whole(where):
    def predict(split):
        return Predictions(np.array([0.1, 0.9]), np.array([0, 1]), None)

    assert not are_kept(where / "one")
    write_predictions(predict, where / "one")
    assert are_kept(where / "one")
    assert read_predictions(where / "one", "test").scores.tolist() == [0.1, 0.9]
    assert not are_kept(where / "two")
    with pytest.raises(OSError, match="two"):
        read_predictions(where / "two", "test")


def test_a_place_can_be_written_and_nothing_is_left_of_the_attempt(remote):
    check_reachable(remote)
    assert list(children(remote)) == []
    assert not exists(remote, "probe")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://bucket/a/", "s3://bucket/a"),
        (Path("s3://bucket/a"), "s3://bucket/a"),
        (Path("file:///tmp/a"), "file:///tmp/a"),
    ],
)
def test_an_address_survives_being_a_path(text, url):
    assert place(text) == Remote(url)


@pytest.mark.parametrize("text", ["/tmp/a", "artifacts", "C:\\a", "./s3"])
def test_a_path_is_a_folder(text):
    assert place(text) == Path(text)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("memory://a/b", "takes a folder, or s3://, gs://, file://; got memory://"),
        ("s3://ada:geheim@b/a", "without keys and options, such as s3://b/a: keys and endpoint"),
        ("s3://b/a?endpoint_override=x", "without keys and options"),
        ("file:///dev/null/a", "nothing can be written there"),
    ],
)
def test_what_cannot_be_used_is_refused(url, words):
    with pytest.raises(OptionError, match="--artifacts") as refused:
        check_reachable(Remote(url))
    assert words in str(refused.value)
    assert "geheim" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "variables", "words"),
    [
        ("s3://no-such-bucket/a", {}, "NO_SUCH_BUCKET"),
        (f"s3://{BUCKET}/a", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "NETWORK_CONNECTION"),
    ],
)
def test_a_bucket_that_is_not_there_is_told(s3, monkeypatch, url, variables, words):
    for name, value in (s3 | variables).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=words):
        check_reachable(Remote(url))


def test_a_store_that_refuses_costs_the_checkpoint_alone(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="checkpoint of step 3 not written to file:///"):
        write_checkpoint(saving("x"), place(f"file://{tmp_path}/file/a"), 3)


def test_what_cannot_wait_for_a_network_lies_here(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert here(tmp_path / "a") == tmp_path / "a"
    for url in ("s3://bucket/a", "s3://bucket/../..", "s3://bucket/.."):
        assert here(Remote(url)).resolve().parent == tmp_path / "winnow"
    assert here(Remote("s3://one/a")) != here(Remote("s3://two/a"))


def test_workers_are_told_how_a_store_is_reached(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("WINNOW_STORAGE", "postgresql+psycopg://ada@db/winnow")
    assert cloud_variables(Path("a")) == {}
    found = cloud_variables(Remote("s3://bucket/a"))
    assert found["AWS_REGION"] == "eu-central-1"
    assert "WINNOW_STORAGE" not in found
