"""The application: commands, and what happens when one of them fails.

Exit status: 0 done, 2 the study or an option is wrong, 3 stopped before the end (resumable),
1 anything else.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import optuna
import typer
from rich.console import Console
from rich.markup import escape

from search.cli import (
    best,
    check,
    compare,
    dashboard,
    doctor,
    export,
    gc,
    import_,
    init,
    jobs,
    noise,
    plan,
    report,
    rerun,
    rollup,
    running,
    searching,
    shelf,
    submit,
    train,
)
from search.cli.again import again
from search.errors import (
    OptionError,
    SpaceError,
    StudyError,
    TechniqueError,
    TrainableError,
    WinnowError,
)
from search.loading import LoadedStudy

WRONG = (OptionError, SpaceError, StudyError, TechniqueError, TrainableError)
INTERRUPTED = 3
KEYBOARD_INTERRUPT = 130  # what the command-line library makes of one

app = typer.Typer(
    name="winnow",
    help="Which training techniques are worth adopting, and at which hyperparameters?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command(name="init")(init.init)
app.command(name="check")(check.check)
app.command(name="train")(train.train)
app.command(name="noise")(noise.noise)
app.command(name="plan")(plan.plan)
app.command(name="run")(running.run)
app.command(name="rerun")(rerun.rerun)
app.command(name="search")(searching.search)
app.command(name="report")(report.report)
app.command(name="dashboard")(dashboard.dashboard)
app.command(name="doctor")(doctor.doctor)
app.command(name="compare")(compare.compare_two)
app.command(name="rollup")(rollup.rollup)
app.command(name="best")(best.best)
app.command(name="gc")(gc.gc)
app.command(name="list")(shelf.list_studies)
app.command(name="status")(shelf.status)
app.command(name="log")(shelf.log)
app.command(name="rename")(shelf.rename)
app.command(name="archive")(shelf.archive)
app.command(name="tag")(shelf.tag)
app.command(name="export")(export.export)
app.command(name="import")(import_.import_runs)
app.command(name="submit", context_settings=submit.CONTEXT)(submit.submit)
app.command(name="jobs")(jobs.jobs)
app.command(name="logs")(jobs.logs)
app.command(name="stop")(jobs.stop)


@app.callback()
def winnow() -> None:
    """Find out which training techniques are worth adopting, and at which hyperparameters."""


def run(arguments: Sequence[str] | None = None, loaded: LoadedStudy | None = None) -> NoReturn:
    """Run one command, then exit.

    Parameters
    ----------
    arguments
        The command line without the program; None: the process's own.
    loaded
        The study, when its file is the program.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = app(arguments, prog_name="winnow", obj=loaded, standalone_mode=False)
    except WinnowError as error:
        for line in str(error).splitlines():
            errors.print(f"[bold red]error:[/] {escape(line)}")
        sys.exit(2 if isinstance(error, WRONG) else 1)
    except typer.Exit as leaving:
        sys.exit(leaving.exit_code)
    except typer.Abort:
        sys.exit(INTERRUPTED)
    except typer.TyperException as error:
        show = getattr(error, "show", None)  # those of the command line print their usage
        if show is None:
            raise
        show()
        sys.exit(error.exit_code)
    if status == KEYBOARD_INTERRUPT:
        errors.print(f"\nstopped; nothing is lost. To go on:\n  {escape(again())}")
        sys.exit(INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
