"""The options that commands share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from search.errors import OptionError, near_miss
from search.loading import LoadedStudy, load_study
from search.protocol.searching import EngineName, ray_is_installed
from search.storage.database import Database
from search.storage.url import DEFAULT_STORAGE, parse_storage, sqlite_path

File = Annotated[Path, typer.Argument(help="The study file.", show_default=False)]
Storage = Annotated[
    str,
    typer.Option(
        envvar="WINNOW_STORAGE",
        help="Study database: sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE. A "
        "password belongs into the environment variable, not on the command line.",
        show_envvar=True,
    ),
]
Artifacts = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the checkpoints, which every node can reach, or s3://BUCKET/…; by default "
        "beside the SQLite file."
    ),
]
Engine = Annotated[str, typer.Option(help="ray (Ray Tune) or local (in this process).")]
Address = Annotated[
    str | None, typer.Option(help="A running Ray cluster; by default one is started here.")
]
Workers = Annotated[
    int | None, typer.Option(help="Trials at a time; by default as many as there is room for.")
]
Data = Annotated[Path | None, typer.Option(help="What the study's data loader reads.")]
Seed = Annotated[int, typer.Option(help="Drives everything random.")]
Profile = Annotated[
    str,
    typer.Option(help="quick, standard or deep: seeds at each look; scout: 3 seeds, no verdicts."),
]
Looks = Annotated[
    str | None, typer.Option(help="Seeds at each look, such as 3,5,8, instead of the profile's.")
]
TuningMode = Annotated[
    str | None, typer.Option("--tuning", help="none, once or per-seed, instead of the profile's.")
]
TuningTrials = Annotated[int, typer.Option("--trials", help="Tuning trials per arm.")]

Notify = Annotated[
    str | None,
    typer.Option(
        envvar="WINNOW_NOTIFY",
        help="Webhook (http or https) that is told of looks, dead arms and the end. An address "
        "with a secret in it belongs into the environment variable, not on the command line.",
        show_envvar=True,
    ),
]
Mirrors = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror",
        help="Also copy finished runs to mlflow:http://HOST:PORT, tensorboard:FOLDER or "
        "wandb[:FOLDER] (offline, for `wandb sync`); may be given several times.",
    ),
]

STORAGE = DEFAULT_STORAGE


def resolve_study(context: typer.Context, file: Path) -> LoadedStudy:
    """Return the study of the running script, or load it from its file."""
    return context.obj if isinstance(context.obj, LoadedStudy) else load_study(file)


def resolve_engine(name: str, console: Console) -> EngineName:
    """Return the engine; local, with a notice, where Ray is absent.

    Raises
    ------
    OptionError
        If there is no such engine.
    """
    if name not in ("ray", "local"):
        raise OptionError(f"--engine has no '{name}'{near_miss(name, ('ray', 'local'))}")
    if name == "ray" and not ray_is_installed():
        console.print("Ray is not installed here: using the local engine, one trial at a time.")
        return "local"
    return cast("EngineName", name)


@contextmanager
def existing_database(storage: str, *, write: bool = False) -> Iterator[Database]:
    """Yield a study database that must exist, and close it.

    Parameters
    ----------
    storage
        Its URL.
    write
        Whether it is to be written to: then one of an older winnow is brought up to date.

    Raises
    ------
    OptionError
        If there is no such file.
    """
    path = sqlite_path(parse_storage(storage))
    if path is not None and not path.is_file():
        raise OptionError(f"--storage: there is no study database {path}; run a study first")
    database = Database(storage, create=False)
    if write:
        database.close()
        database = Database(storage)
    try:
        yield database
    finally:
        database.close()


def deliver(text: str, output: Path | None) -> None:
    """Write a command's text to a file, whose folder is made, or to standard output."""
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
