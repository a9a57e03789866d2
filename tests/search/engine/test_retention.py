"""Best and last: which checkpoints outlive their trials, and what a killed driver leaves."""

# ruff: noqa: ARG002 - arguments are those of an interface

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.engine.checkpoints import intact_checkpoints, write_checkpoint
from search.engine.retention import Retention
from search.engine.worker import Worker
from search.storage.places import place
from search.storage.records import Checkpoint, Result
from search.study import Objective
from tests.search.engine.conftest import LENGTH, asked, batch, steps
from tests.search.engine.jobs import healthy, make_job, make_task, run
from tests.search.engine.test_worker_checkpoints import Counter


def save(directory: Path) -> None:
    (directory / "weights").write_text("w")


def finish(trials: Any, value: float, *, keeps: bool = True) -> int:
    """Run the next trial to its end, with an ordinary checkpoint and its last one."""
    job = trials.next_job()
    token, folder = f"t{job.number}", place(job.folder)
    early = write_checkpoint(save, folder / token, 3)
    kept = write_checkpoint(save, folder / token / "kept", LENGTH) if keeps else None
    done = batch(
        *steps(1, LENGTH, value), token=token, end="complete", checkpoints=(early,), kept=kept
    )
    trials.observe(job.number, done)
    return int(job.number)


def on_disk(scene: Any) -> list[str]:
    """Return every checkpoint there is, as NUMBER/ATTEMPT/…/STEP."""
    found = scene.folder.rglob("step-*")
    return sorted("/".join(path.relative_to(scene.folder).parts[3:]) for path in found)


def in_database(scene: Any) -> dict[int, int]:
    """Return the step of every ended trial's checkpoint that the database knows."""
    return {t.number: c.step for t in scene.record.trials if t.result for c in t.checkpoints}


def kept_at(*numbers: int) -> list[str]:
    return [f"{number:06d}/t{number}/kept/step-00000009" for number in numbers]


def test_the_best_and_the_last_are_kept_and_the_others_go(scene: Any) -> None:
    trials = scene.open(*[asked(seed) for seed in range(5)])
    for value, kept in ((0.5, [0]), (0.7, [1]), (0.6, [1, 2]), (0.7, [1, 3]), (0.9, [4])):
        finish(trials, value)
        assert on_disk(scene) == kept_at(*kept)
        assert list(in_database(scene)) == kept
    assert set(in_database(scene).values()) == {LENGTH}


def test_smaller_may_be_better_and_the_first_objective_decides(scene: Any) -> None:
    goals = (Objective("val_ap", "minimize"), Objective("test_ap", "maximize"))
    trials = scene.open(objectives=goals)
    for value in (0.5, 0.4, 0.6):
        finish(trials, value)
    assert on_disk(scene) == kept_at(1, 2)


def test_a_trial_without_a_checkpoint_takes_nobody_elses(scene: Any) -> None:
    trials = scene.open()
    finish(trials, 0.5)
    finish(trials, 0.9, keeps=False)
    assert on_disk(scene) == kept_at(0)


def test_the_next_command_knows_what_is_kept(scene: Any) -> None:
    first = scene.open(*[asked(seed) for seed in range(5)])
    for value in (0.5, 0.9, 0.6):
        finish(first, value)
    again = scene.open(*[asked(seed) for seed in range(5)])
    assert on_disk(scene) == kept_at(1, 2)
    finish(again, 0.8)
    assert on_disk(scene) == kept_at(1, 3)


def test_what_a_killed_driver_had_still_to_delete_is_swept_up(scene: Any) -> None:
    trials = scene.open()
    for value in (0.5, 0.9, 0.6):
        finish(trials, value)
    for number, attempt in ((0, "t0/kept"), (1, "t1"), (1, "older"), (2, "t2")):
        write_checkpoint(save, trials.folder(number) / attempt, 3)
    scene.open()
    assert on_disk(scene) == kept_at(1, 2)


def test_an_end_that_was_not_stored_leaves_nothing_to_go_on_from(scene: Any) -> None:
    job = scene.open().next_job()
    write_checkpoint(save, place(job.folder) / "gone" / "kept", LENGTH)
    again = scene.open()
    assert list(intact_checkpoints(again.folder(0))) == []
    finish(again, 0.5)
    assert on_disk(scene) == kept_at(0)


def test_a_run_whose_end_raised_goes_on_to_write_its_last_checkpoint(scene: Any) -> None:
    trials = scene.open(keeps=True)
    trials.next_job()
    trials.observe(0, batch(*steps(1, LENGTH), end="raised", error="Error: in save"))
    assert list(scene.open(keeps=True).live) == [0]
    assert list(scene.open().live) == []  # nothing is to be written: it is complete


def test_artifacts_behind_an_address_are_kept_where_they_lie(scene: Any) -> None:
    folder, scene.folder = scene.folder, place(f"file://{scene.folder}")
    trials = scene.open()
    for value in (0.5, 0.9, 0.6):
        finish(trials, value)
    scene.open()
    scene.folder = folder
    assert on_disk(scene) == kept_at(1, 2)


def test_a_run_writes_its_last_step_apart_if_it_is_asked_to(tmp_path: Path) -> None:
    class Counted(Counter):
        pass

    for keep in (False, True):
        folder = tmp_path / str(keep)
        task = make_task(Counted, keep_checkpoints=keep)
        last = run(Worker(task, make_job(folder, halts=(3,))))[-1]
        assert [c.step for c in last.checkpoints] == [3]
        written = list(folder.glob("*/kept/*/steps"))
        assert [path.read_text() for path in written] == ["9"] * keep
        assert (last.kept is not None) == keep
        assert [step for step, _ in intact_checkpoints(folder)] == [3]


def test_a_full_disk_costs_what_would_be_kept_and_not_the_trial(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(Counter):
        def save(self, directory: Path) -> None:
            raise OSError(28, "No space left on device")

    last = run(Worker(make_task(Full, keep_checkpoints=True), make_job(tmp_path)))[-1]
    assert (last.end, last.kept) == ("complete", None)
    assert "none of this run is kept" in caplog.text


def test_a_generator_has_nothing_to_keep(tmp_path: Path) -> None:
    last = run(Worker(make_task(healthy, keep_checkpoints=True), make_job(tmp_path)))[-1]
    assert (last.end, last.kept) == ("complete", None)


def test_nothing_is_kept_before_anything_has_ended() -> None:
    empty = Retention(1.0)
    assert (empty.best, empty.last, empty.numbers, empty.of(0)) == (None, None, (), None)
    only = Checkpoint(9, "a/b/kept/step-00000009", "", 1, 0.0)
    assert empty.take(4, Result("complete", (0.5,), 9, finished=1.0), only) == ()
    assert (empty.best, empty.last, empty.of(4)) == (4, 4, only)
