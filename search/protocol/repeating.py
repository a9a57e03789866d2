"""What ``rerun`` repeats: the design that is registered, not one that is asked anew."""

from __future__ import annotations

from dataclasses import replace

from search.errors import OptionError
from search.protocol.registering import Design
from search.protocol.searching import Options
from search.storage.database import Database
from search.storage.registrations import read_registrations


def registered_design(database: Database, options: Options, study: str) -> tuple[Design, Options]:
    """Return a study's design as registered, and the options with the seed that it had.

    Raises
    ------
    OptionError
        If the study was never measured, or data belong to it and none are given.
    """
    versions = read_registrations(database, study)
    if not versions:
        raise OptionError(f"study '{study}' was never measured: `winnow run` comes first")
    specification = versions[-1].specification
    if specification["data"] and options.data is None:
        raise OptionError(f"--data: study '{study}' was measured on data; give the same again")
    return Design.registered(specification), replace(options, seed=specification["seed"])
