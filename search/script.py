"""A study file is also a script: ``python my_study.py search --trials 30``."""

from __future__ import annotations

import sys
from pathlib import Path

from search.loading import LoadedStudy
from search.study import Study


def main(study: Study) -> None:
    """Run the command line on a study of the calling script, and exit.

    Parameters
    ----------
    study
        The script's study.

    Examples
    --------
    At the end of a study file::

        if __name__ == "__main__":
            main(STUDY)
    """
    from search.cli.app import run

    module = sys.modules["__main__"]
    path = Path(str(module.__file__)).resolve()
    command, *rest = sys.argv[1:] or ["--help"]
    arguments = [command] if command.startswith("-") else [command, str(path), *rest]
    run(arguments, LoadedStudy(study, module, path, {}))
