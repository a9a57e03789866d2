"""A study file is also a script: ``python my_study.py search --trials 30``."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

from search.errors import StudyError
from search.loading import LoadedStudy
from search.study import Study

_AT_IMPORT = dict(os.environ)


def main(study: Study) -> None:
    """Run the command line on a study of the calling script, and exit.

    Environment variables that the script set after importing winnow reach the workers.

    Parameters
    ----------
    study
        The script's study.

    Raises
    ------
    StudyError
        If the caller is no script, but a module that is being imported.

    Examples
    --------
    At the end of a study file::

        if __name__ == "__main__":
            main(STUDY)
    """
    from search.cli.app import run

    module = sys.modules["__main__"]
    frame = inspect.currentframe()
    caller = frame.f_back if frame else None
    if caller is not None and caller.f_globals.get("__name__") != "__main__":
        raise StudyError("main(STUDY) belongs under if __name__ == '__main__':")
    if getattr(module, "__file__", None) is None:
        raise StudyError("main(STUDY) needs a file; here, call the functions of winnow instead")
    path = Path(str(module.__file__)).resolve()
    command, *rest = sys.argv[1:] or ["--help"]
    arguments = [command] if command.startswith("-") else [command, str(path), *rest]
    changed = {name: v for name, v in os.environ.items() if _AT_IMPORT.get(name) != v}
    run(arguments, LoadedStudy(study, module, path, changed))
