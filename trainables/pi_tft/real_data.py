"""What ``--data`` may point at: the official files of the challenge, or the small event table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from trainables.pi_tft.kelvins import honest_subset, load_event_table, load_kelvins


def load_messages(path: Path | None) -> pd.DataFrame | None:
    """Return the data behind a path; None (events are generated) without one.

    Parameters
    ----------
    path
        A folder with ``train_data.csv`` and ``test_data.csv``, one such file, or the event table
        as Parquet, of which the honest subset is used.

    Raises
    ------
    DataError
        If a file lacks columns, naming them.
    """
    if path is None:
        return None
    if path.suffix == ".parquet":
        return honest_subset(load_event_table(path))
    return load_kelvins(path)
