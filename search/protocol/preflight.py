"""What a study says of its data before anything runs."""

from __future__ import annotations

import inspect

from search.engine.samplers import derive_seed
from search.protocol.searching import Options, check_options, offered, on_data
from search.study import Study


def preflight(study: Study, options: Options) -> list[str]:
    """Return the sentences of a study's own check, of the splits of one seed.

    Raises
    ------
    OptionError
        If an option does not fit the study.
    """
    check = study.preflight
    if check is None:
        return []
    check_options(study, options)
    study = on_data(study, options)
    names = inspect.signature(check).parameters
    return list(check(derive_seed(options.seed, 0), **offered(study, options, names)))
