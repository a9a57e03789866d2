"""Whose study it is: names are shared by all who share a database."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from search.storage.database import Database
from search.storage.ledger import user
from search.storage.shelving import begun_by

logger = logging.getLogger(__name__)


def warn_of_strangers(database: Database, name: str) -> None:
    """Warn if somebody else began the study of this name: it is gone on with all the same."""
    found, mine = begun_by(database, name), user()
    if found is None or mine is None or found[0] == mine:
        return
    logger.warning(
        "study '%s' in %s was begun by %s on %s, not by %s, and this goes on with it: if yours is "
        "another one, stop now and give it another name, Study(name=…), or another --storage",
        name,
        database.name,
        found[0],
        datetime.fromtimestamp(found[1], UTC).strftime("%Y-%m-%d %H:%M UTC"),
        mine,
    )
