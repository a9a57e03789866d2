from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from search import Categorical, Objective, Space, Study, Technique
from search.engine.worker import Worker
from search.errors import StudyError, TrainableError
from search.program.running import command
from search.protocol.code import code_digest
from search.trainable import Contract, inspect_trainable
from tests.search.engine.jobs import make_job, make_task, numbers, run

PATIENCE_S = 60.0  # the machine may be busy
STEPS = """
import json, sys
for step in range(1, 4):
    print("hello", step)
    print(json.dumps({"step": step, "val_ap": float(sys.argv[1]) * step + float(sys.argv[2])}))
"""
FOREVER = """
import os, pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[2])
if len(sys.argv) == 3:
    subprocess.Popen([sys.executable, __file__, *sys.argv[1:], "child"])
(folder / ("child" if len(sys.argv) > 3 else "parent")).write_text(str(os.getpid()))
while not (folder / "child").exists():
    time.sleep(0.01)
step = 0
while True:
    step += 1
    if len(sys.argv) == 3:
        print('{"step": %d, "val_ap": 0.5}' % step)
    time.sleep(0.05)
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "train.py"
    path.write_text(text)
    return path


def trained(folder: Path, text: str, words: str = "{lr} {seed}", **other: Any) -> Any:
    script(folder, text)
    return command(f"python train.py {words}", folder=folder, **other)


def only(trainable: Any, folder: Path, **job: Any) -> Any:
    """Return all batches as one: on a busy machine a step may take longer than a batch."""
    batches = run(Worker(make_task(trainable), make_job(folder / "job", **job)))
    return replace(batches[-1], steps=tuple(step for batch in batches for step in batch.steps))


def end_of(pids: list[int]) -> None:
    """Wait for processes to end."""
    deadline = time.monotonic() + PATIENCE_S
    alive = pids
    while alive and time.monotonic() < deadline:
        alive = [pid for pid in pids if is_alive(pid)]
        time.sleep(0.02)
    assert alive == []


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pids_in(folder: Path) -> list[int]:
    return [int((folder / name).read_text()) for name in ("parent", "child")]


def test_it_meets_the_contract_of_a_generator(tmp_path: Path) -> None:
    contract = inspect_trainable(trained(tmp_path, STEPS))
    keywords = frozenset({"max_steps", "split_seed", "replication"})
    assert contract == Contract("generator", keywords, predicts=False, required=keywords)


def test_metrics_are_read_and_other_lines_logged(tmp_path: Path) -> None:
    batch = only(trained(tmp_path, STEPS), tmp_path, changes={"lr": 0.5})
    assert (numbers(batch), batch.end) == ([1, 2, 3], "complete")
    assert [step.metrics["val_ap"] for step in batch.steps] == [7.5, 8.0, 8.5]
    assert batch.log.splitlines() == ["hello 1", "hello 2", "hello 3"]


def test_metrics_in_a_file_of_the_scratch_folder(tmp_path: Path) -> None:
    text = """
    import sys, pathlib, json, time
    out = pathlib.Path(sys.argv[1])
    lr = json.loads((out / "config.json").read_text())["lr"]
    with (out / "m.csv").open("w") as file:
        print("step,val_ap", file=file, flush=True)
        for step in (1, 2, 3):
            print(step, lr * step, sep=",", file=file, flush=True)
    print("1,2")
    """
    made = trained(
        tmp_path,
        textwrap.dedent(text),
        "{out} {seed} {config}",
        metrics="{out}/m.csv",
        format="csv",
    )
    batch = only(made, tmp_path, changes={"lr": 0.5})
    assert [step.metrics["val_ap"] for step in batch.steps] == [0.5, 1.0, 1.5]


def test_steps_are_read_as_they_appear(tmp_path: Path) -> None:
    text = """
    import pathlib, time
    print('{"step": 1, "val_ap": 0.5}')
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    print('{"step": 2, "val_ap": 0.6}')
    """
    made = trained(tmp_path, textwrap.dedent(text), "{seed}")
    with closing(made(Config(), **KEYWORDS)) as steps:
        assert next(steps) == {"val_ap": 0.5}
        (tmp_path / "go").touch()
        assert next(steps) == {"val_ap": 0.6}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "import sys; print('{\"step\": 1, \"val_ap\": 1}'); sys.exit('out of luck')",
            "the command ended with exit status 1 after step 1:\nout of luck",
        ),
        ("import os; os.kill(os.getpid(), 9)", "the command ended with exit status 137 after"),
        ("print('{\"epoch\": 1}')", "the command told no step: '{\"epoch\": 1}' is no line of"),
        ('print(\'{"step": 1, "val_ap": "x"}\')', "metric 'val_ap' of step 1 is no number"),
        ('print(\'{"step": 1, "val_a": 1}\')', "no metric 'val_ap' in this step; did you mean"),
    ],
)
def test_a_command_that_fails_says_why(tmp_path: Path, text: str, words: str) -> None:
    batch = only(trained(tmp_path, text), tmp_path)
    assert batch.end == "raised"
    assert words in batch.error


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    batch = only(command("no-such-program {seed}", folder=tmp_path), tmp_path)
    assert "exit status 127" in batch.error
    assert "no-such-program cannot be started" in batch.error


def test_when_pruned_its_whole_group_ends(tmp_path: Path) -> None:
    made = trained(tmp_path, FOREVER, f"{{seed}} '{tmp_path}'")
    worker = Worker(make_task(made), make_job(tmp_path / "job", halts=(1,)))
    assert worker.advance().end is None
    pids = pids_in(tmp_path)
    assert all(is_alive(pid) for pid in pids)
    worker.close()
    assert not any(is_alive(pid) for pid in pids)


def test_what_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER
    made = trained(tmp_path, deaf, f"{{seed}} '{tmp_path}'", grace_s=0.3)
    worker = Worker(make_task(made), make_job(tmp_path / "job", halts=(1,)))
    worker.advance()
    worker.close()
    end_of(pids_in(tmp_path))


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    leaves = FOREVER.replace("    time.sleep(0.05)", "    if step == 3: sys.exit()")
    batch = only(trained(tmp_path, leaves, f"{{seed}} '{tmp_path}'"), tmp_path)
    assert (numbers(batch), batch.end) == ([1, 2, 3], "complete")
    end_of(pids_in(tmp_path))


def test_after_kill_9_of_the_worker_nothing_goes_on(tmp_path: Path) -> None:
    script(tmp_path, FOREVER)
    code = f"""
    from tests.search.program.test_running import KEYWORDS, Config, command
    made = command("python train.py {{seed}} '{tmp_path}'", folder={str(tmp_path)!r})
    for step in made(Config(), **KEYWORDS):
        print("step", flush=True)
    """
    root = Path(__file__).parents[3]
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=root,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert worker.stdout is not None
    with worker.stdout:
        assert worker.stdout.readline() == b"step\n"
        pids = pids_in(tmp_path)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    end_of(pids)
    deadline = time.monotonic() + PATIENCE_S
    while list(tmp_path.glob("winnow-command-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not list(tmp_path.glob("winnow-command-*"))  # its scratch folder goes, too


def test_nothing_is_left_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    only(trained(tmp_path, STEPS), tmp_path)
    assert not list(tmp_path.glob("winnow-command-*"))


def test_it_computes_with_the_threads_of_the_trial(tmp_path: Path) -> None:
    from threadpoolctl import threadpool_limits

    text = """
    import os
    print('{"step": 1, "val_ap": %s}' % os.environ["OMP_NUM_THREADS"])
    """
    with threadpool_limits(1):
        batch = only(trained(tmp_path, textwrap.dedent(text)), tmp_path)
    assert batch.steps[0].metrics["val_ap"] == 1.0


def test_its_code_is_the_command_and_the_files_it_names(tmp_path: Path) -> None:
    first = code_digest(trained(tmp_path, "print(1)"))
    (tmp_path / "elsewhere").mkdir()
    assert code_digest(trained(tmp_path / "elsewhere", "print(1)  # one")) == first
    assert code_digest(trained(tmp_path, "print(2)")) != first
    assert code_digest(trained(tmp_path, "print(1)", "{lr} {seed} --fast")) != first


def test_it_runs_where_the_calling_file_lies() -> None:
    made = command("python train.py {seed}")
    assert made.keywords["command"].folder == Path(__file__).resolve().parent


def test_no_other_formats() -> None:
    with pytest.raises(TrainableError, match="format is 'jsonl' or 'csv', got 'yaml'"):
        command("a {seed}", format="yaml")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Optim:
    lr: float = 0.1


@dataclass(frozen=True)
class Config:
    optim: Optim = Optim()
    focal: bool = False
    out: str = "x"


KEYWORDS: dict[str, Any] = {"seed": 1, "max_steps": 3, "split_seed": 0, "replication": "fresh"}


def study_of(template: str) -> Study:
    return Study(
        "commanded",
        command(template),
        Space(baseline=Config(), domains={"optim.lr": Categorical((0.1, 0.2))}),
        Objective("val_ap", "maximize"),
        max_steps=3,
        techniques=[Technique("Focal loss", on={"focal": True})],
    )


def problems_of(template: str) -> Iterator[str]:
    with pytest.raises(StudyError) as caught:
        study_of(template)
    return iter(caught.value.problems)


def test_a_study_checks_the_fields_before_anything_runs() -> None:
    assert list(problems_of("a {optim.lt} {out}")) == [
        "the command: Config has no field 'optim.lt'; did you mean 'optim.lr'?",
        "the command names {out}, which is winnow's word and a field's: rename that",
        "the command does not name {seed}: all its runs would be the same",
        "the command does not name {optim.lr}, which the space changes",
        "the command does not name {focal}, which technique 'Focal loss' changes",
    ]
    assert study_of("a {optim.lr} {focal} {seed}").contract.kind == "generator"
    assert study_of("a {config} {seed}").contract.kind == "generator"


def test_it_can_travel(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("ray.cloudpickle")
    again = cloudpickle.loads(cloudpickle.dumps(trained(tmp_path, STEPS)))
    assert isinstance(again, functools.partial)
    assert numbers(only(again, tmp_path)) == [1, 2, 3]
