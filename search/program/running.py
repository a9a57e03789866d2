"""The command trainable: a script that prints its metrics, in whatever language."""

from __future__ import annotations

import ast
import functools
import inspect
import json
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from search.configuration import flatten, plain, unknown_field
from search.errors import TrainableError, near_miss
from search.plain import digest
from search.program.child import Child
from search.program.lines import Format, MetricsReader
from search.program.template import Template
from search.space import Space
from search.technique import Technique

PLACES = ("seed", "max_steps", "split_seed", "replication", "out", "config")
PYTHONS = ("python", "python3")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TAIL = 20  # lines of output that an error shows


@dataclass(frozen=True)
class Command:
    """A command line, and where its metrics are found: see `command`."""

    template: Template
    metrics: Template | None
    format: Format
    step: str | None
    sources: tuple[tuple[str, str], ...]
    folder: Path = field(repr=False)  # a study that moves is the same study, so not in its digest
    grace_s: float = field(repr=False)

    @property
    def names(self) -> list[str]:
        """What it names in braces."""
        return [*self.template.names, *(self.metrics.names if self.metrics else [])]


def command(
    template: str,
    *,
    metrics: str = "stdout",
    format: Format = "jsonl",  # noqa: A002 - what it is called everywhere
    step: str | None = "step",
    folder: str | Path | None = None,
    sources: Sequence[str] = (),
    grace_s: float = 5.0,
) -> functools.partial[Iterator[Mapping[str, float]]]:
    """Return a trainable that runs a command line for every run, and reads metrics as they appear.

    The command runs in its own process group, which is ended as a whole (SIGTERM, and SIGKILL after
    a grace) when its run is pruned, complete or stopped, and when the worker dies. It restarts from
    step 0 after a lost worker, as a generator does. It inherits the worker's environment, so that
    it sees the trial's accelerators, and computes with the trial's threads.

    Parameters
    ----------
    template
        Its words, with fields of the configuration by dotted path in braces, and ``{seed}``,
        ``{max_steps}``, ``{split_seed}``, ``{replication}``, ``{out}`` (a scratch folder that is
        removed afterwards) and ``{config}`` (a JSON file with the whole configuration). No shell
        reads it. ``python`` is the interpreter that winnow runs with.
    metrics
        "stdout", or the path of a file, which may be below ``{out}``.
    format
        JSON lines, such as ``{"step": 1, "val_ap": 0.5, "test_ap": 0.4}``, or CSV with a header.
        Other lines go to the attempt's log.
    step
        The name of the step, which counts from 1; None: every line of metrics is the next step.
    folder
        Where it runs; by default where the file lies that calls this.
    sources
        Further files that its numbers come from: those that the command names are watched anyway,
        and a study refuses to go on where they have changed.
    grace_s
        Seconds from SIGTERM to SIGKILL.

    Raises
    ------
    TrainableError
        If the command cannot be read. Fields are checked by the study.

    Examples
    --------
    >>> train = command("python train.py --lr {lr} --seed {seed}")
    """
    frame = inspect.currentframe()
    asked = frame.f_back.f_globals.get("__file__") if frame and frame.f_back else None
    if format not in ("jsonl", "csv"):
        raise TrainableError(f"format is 'jsonl' or 'csv', got {format!r}")
    where = Path(folder) if folder else Path(asked).parent if asked else Path()
    read = Template(template)
    made = Command(
        template=read,
        metrics=None if metrics == "stdout" else Template(metrics),
        format=format,
        step=step,
        grace_s=grace_s,
        sources=tuple(_digests(where.resolve(), [*read.words, *sources])),
        folder=where.resolve(),
    )
    return functools.partial(run_command, command=made)


def run_command(
    config: Any, *, seed: int, max_steps: int, split_seed: int, replication: str, command: Command
) -> Iterator[Mapping[str, float]]:
    """Run a command, and yield its metrics step by step.

    Raises
    ------
    TrainableError
        If it fails, with the end of what it said, or its metrics are no metrics.
    """
    out = Path(tempfile.mkdtemp(prefix="winnow-command-"))
    values = {
        **flatten(config),
        "seed": seed,
        "max_steps": max_steps,
        "split_seed": split_seed,
        "replication": replication,
        "out": str(out),
        "config": str(out / "config.json"),
    }
    try:
        (out / "config.json").write_text(json.dumps(_nested(flatten(config))))
        words = command.template.fill(values)
        if words[0] in PYTHONS:
            words[0] = sys.executable
        child = Child(
            words,
            folder=command.folder,
            variables=_variables(),
            scratch=out,
            grace_s=command.grace_s,
        )
        with closing(child):
            yield from _steps(child, command, values)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def command_problems(
    trainable: Any, space: Space, techniques: Sequence[Technique]
) -> Iterator[str]:
    """Yield what is wrong between a command and a study: fields that one of them does not know."""
    made = getattr(trainable, "keywords", {}).get("command")
    if not isinstance(made, Command):
        return
    yield from _name_problems(made.names, space.baseline)
    if "config" in made.names:
        return
    moved: dict[str, Mapping[str, Any]] = {"the space": space.domains}
    moved |= {f"technique '{t.name}'": {**t.on, **t.domains, **t.levels} for t in techniques}
    for who, paths in moved.items():
        for path in (path for path in paths if path not in made.names):
            yield f"the command does not name {{{path}}}, which {who} changes"


def _name_problems(names: Sequence[str], baseline: Any) -> Iterator[str]:
    known = flatten(baseline)
    for name in names:
        if name not in known and name not in PLACES:
            near = near_miss(name, [*known, *PLACES])
            yield f"the command: {unknown_field(baseline, name).partition(';')[0]}{near}"
        elif name in known and name in PLACES:
            yield f"the command names {{{name}}}, which is winnow's word and a field's: rename that"
    if "seed" not in names:
        yield "the command does not name {seed}: all its runs would be the same"


def _steps(
    child: Child, command: Command, values: Mapping[str, Any]
) -> Iterator[Mapping[str, float]]:
    reader = MetricsReader(command.format, command.step)
    source = "out" if command.metrics is None else "file"
    follow = None
    if command.metrics is not None:
        follow = command.folder / " ".join(command.metrics.fill(values))
    tails: dict[str, deque[str]] = {"out": deque(maxlen=TAIL), "err": deque(maxlen=TAIL)}
    for name, line in child.lines(follow):
        metrics = reader.read(line) if name == source else None
        if metrics is not None:
            yield metrics
        elif name != "file":
            tails[name].append(line)
            (sys.stdout if name == "out" else sys.stderr).write(f"{line}\n")
    said = "\n".join(tails["err"] or tails["out"])
    if status := child.status:
        raise TrainableError(
            f"the command ended with exit status {status} after step {reader.step}:\n{said}"
        )
    if reader.step == 0:
        raise TrainableError(f"the command told no step: {reader.near([*tails['out']])}\n{said}")


def _variables() -> dict[str, str]:
    """Return the environment: this process's, with its limit of threads, and prompt output."""
    threads = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    limits = {name: str(threads) for name in THREADS}
    return {"PYTHONUNBUFFERED": "1", **os.environ, **limits}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in values.items():
        *outer, name = path.split(".")
        place = found
        for head in outer:
            place = place.setdefault(head, {})
        place[name] = plain(value)
    return found


def _digests(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the digests of those names that are files: a script's comments do not count."""
    for name in dict.fromkeys(names):
        path = folder / name
        if "{" in name or not path.is_file() or Path(name).is_absolute():
            continue
        try:
            yield name, digest(ast.dump(ast.parse(path.read_bytes())))
        except (SyntaxError, ValueError):
            yield name, digest(path.read_bytes().hex())
