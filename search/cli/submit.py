"""``winnow submit``: the same study as a job on a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from search.cli import jobs, rerun, running, searching
from search.cli.again import SUBMITTED, again
from search.cli.jobs import ClusterAddress, print_plain, require_ray
from search.cli.options import STORAGE, File, Storage, resolve_study
from search.environment import COMMIT, exposed_token, git_commit
from search.errors import OptionError, near_miss
from search.loading import LoadedStudy
from search.protocol.rerunning import Rerun
from search.storage.url import parse_storage, redact, sqlite_path

if TYPE_CHECKING:
    from search.submission.connection import Connection
    from search.submission.submitting import Submission
    from search.submission.tree import Tree

COMMANDS: dict[str, Callable[..., None]] = {
    "run": running.run,
    "rerun": rerun.rerun,
    "search": searching.search,
}
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def submit(
    context: typer.Context,
    file: File,
    address: ClusterAddress,
    command: Annotated[
        str, typer.Option(help="run (the priority table), rerun or search.")
    ] = "run",
    storage: Storage = STORAGE,
    artifacts: Annotated[
        str | None,
        typer.Option(help="Folder of the checkpoints that every node reaches, or s3://BUCKET/…."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="What the study's data loader reads: a path on every node.")
    ] = None,
    tree: Annotated[
        Path | None,
        typer.Option(help="Folder to upload; by default the study's git repository or folder."),
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="Environment variable that the job gets sealed; several times."),
    ] = None,
    install: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--install", help="Install what constraints.txt pins on the nodes.")
    ] = False,
    wait: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--wait/--no-wait", help="Follow the job to its end.")
    ] = True,
    check: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--check/--no-check", help="Look at the cluster first.")
    ] = True,
) -> None:
    """Run a study as a job on a Ray cluster: checked, uploaded, followed.

    Takes every option of [bold]winnow run[/] (or of the other [bold]--command[/]) as well. The exit
    status is that of the command on the cluster.

    Example: [bold]winnow submit studies/pi_tft.py --address http://HEAD:8265 --profile quick[/]
    """
    require_ray()
    from search.submission.checks import check_paths
    from search.submission.connection import connect
    from search.submission.submitting import Submission

    console = Console(highlight=False, soft_wrap=True)
    loaded = resolve_study(context, file)
    study, path = loaded.study, loaded.path.resolve()
    arguments = check_arguments(loaded, command, context.args)
    saves = study.contract.kind == "class"
    if data is not None and study.data is None:
        raise OptionError(f"--data {data}: study '{study.name}' has no loader")
    check_paths(storage, artifacts=artifacts, data=data, saves=saves)
    commit = git_commit(path.parent)
    stays = (data, artifacts, sqlite_path(parse_storage(storage)))
    files = _tree_of(path, tree, [Path(given) for given in stays if given])
    submission = Submission(
        study=study.name,
        file=path.relative_to(files.root).as_posix(),
        command=command,
        arguments=arguments,
        storage=storage,
        need=study.resources,
        artifacts=artifacts,
        data=data,
        secrets=read_secrets(secret or ()),
        install=install,
        notes={SUBMITTED: again()} | ({COMMIT: commit} if commit else {}),
    )
    connection = connect(address)
    if exposed := exposed_token():
        print_plain(console, f"! {exposed}")
    name = _send(console, connection, submission, files, check=check)
    if not wait:
        print_plain(console, f"Submitted: {name}\n{jobs.how_to_return(name, connection.address)}")
        return
    raise typer.Exit(jobs.follow_to_end(console, connection, name))


def _tree_of(study: Path, folder: Path | None, stays: list[Path]) -> Tree:
    """Return the tree that a study file is uploaded with.

    Raises
    ------
    OptionError
        If the file would not be among what is uploaded.
    """
    from search.submission.tree import find_root, read_tree

    root = folder.resolve() if folder else find_root(study)
    if not study.is_relative_to(root):
        raise OptionError(f"--tree {root} does not hold the study file {study}")
    files, name = read_tree(root, without=stays), study.relative_to(root).as_posix()
    if name not in {str(file) for file in files.files}:
        reason = dict(files.left_out).get(name, "git ignores it")
        raise OptionError(f"the study file {name} would not be uploaded: {reason}")
    return files


def _send(
    console: Console, connection: Connection, submission: Submission, files: Tree, *, check: bool
) -> str:
    """Check everything, and submit; return the job's name."""
    from search.submission.submitting import (
        check_findings,
        check_rivals,
        check_secrets,
        look,
        submit,
        uploading,
    )

    check_secrets(submission, files, connection)
    check_rivals(connection, submission)
    size = files.size / 2**20
    print_plain(
        console,
        f"Submitting {submission.study} to {connection.address}: {len(files.files)} files "
        f"({size:.1f} MiB) of {files.root}, storage {redact(submission.storage)}",
    )
    for line in _warnings(connection, files):
        print_plain(console, f"! {line}")
    with uploading(files) as upload:
        if check:
            findings = look(connection, submission, upload)
            for notice in check_findings(submission, upload, findings):
                print_plain(console, f"! {notice}")
            nodes = len(findings.nodes)
            noun = "node" if nodes == 1 else "nodes"
            cpus = sum(node.resources.get("CPU", 0) for node in findings.nodes)
            gpus = sum(node.resources.get("GPU", 0) for node in findings.nodes)
            print_plain(console, f"Checked: {nodes} {noun}, {cpus:g} CPUs, {gpus:g} GPUs")
        return submit(connection, submission, upload)


def _warnings(connection: Connection, files: Tree) -> list[str]:
    found = [f"left out: {name} ({reason})" for name, reason in files.left_out]
    if connection.is_open:
        found.append(
            "this cluster asks for no token: anybody who reaches it may run anything on it; start "
            "it with RAY_AUTH_MODE=token"
        )
    elif connection.is_plain:
        found.append(
            "the token travels unencrypted; a tunnel hides it: ssh -L 8265:127.0.0.1:8265 HEAD"
        )
    return found


def check_arguments(loaded: LoadedStudy, command: str, rest: list[str]) -> tuple[str, ...]:
    """Return a command's arguments, once it has understood them here.

    Raises
    ------
    OptionError
        If there is no such command, or what it is given means nothing on a cluster.
    """
    if command not in COMMANDS:
        raise OptionError(f"--command has no '{command}'{near_miss(command, COMMANDS)}")
    parser = typer.Typer(add_completion=False)
    parser.command(name=command)(COMMANDS[command])
    given: dict[str, Any] = (
        typer.main.get_command(parser)
        .make_context(f"winnow {command}", [str(loaded.path), *rest])
        .params
    )
    for option, value in (("engine", "ray"), ("address", None)):
        if given[option] != value:
            raise OptionError(f"--{option} is not for a job: it runs on its own cluster's Ray")
    if command != "search" and not loaded.study.techniques:
        raise OptionError(f"study '{loaded.study.name}' has no techniques: --command search")
    if command == "run":
        running.resolve_design(
            given["profile"], given["looks"], given["tuning"], given["trials"], stack=given["stack"]
        )
    if command == "rerun":
        Rerun(tuple(given["arm"] or ()), given["because"])
    return tuple(rest)


def read_secrets(names: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return the values of environment variables.

    Raises
    ------
    OptionError
        If one is not set, or a value was given in place of a name.
    """
    for name in names:
        if "=" in name:
            raise OptionError("--secret takes the name of an environment variable, not its value")
        if name not in os.environ:
            raise OptionError(f"--secret {name}: there is no such environment variable here")
    return {name: os.environ[name] for name in names}
