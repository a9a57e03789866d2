"""winnow's own tables, beside Optuna's in the same database.

Text columns hold JSON: PostgreSQL's JSON type refuses the NaN that a metric may be, so metrics
are written with non-finite numbers as text, and no pickle ever enters the database.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

SCHEMA_VERSION = 2  # one more than migrations.py has steps
SINCE_2 = {"since": 2}  # reports open databases of schema 1 too, and read null there
METADATA = MetaData()
_KEY = String(512)  # as long as Optuna lets a study's name be

SCHEMA = Table("winnow_schema", METADATA, Column("version", Integer, primary_key=True))

STUDIES = Table(
    "winnow_studies",
    METADATA,
    Column("study", _KEY, primary_key=True),  # Optuna's study name: pi-tft/search
    Column("name", _KEY, nullable=False, index=True),  # the study it belongs to: pi-tft
    Column("kind", String(32), nullable=False),  # search, tune, replicate, …
    Column("specification", Text, nullable=False),  # JSON: what was asked
    Column("created", Float, nullable=False),  # seconds since the epoch
    Column("owner", Text, info=SINCE_2),  # who ran it first
    Column("tags", Text, info=SINCE_2),  # JSON: labels, a list of text
    Column("archived", Float, info=SINCE_2),  # since when it is put away
)

TRIALS = Table(
    "winnow_trials",
    METADATA,
    Column("study", _KEY),
    Column("number", Integer),
    Column("arm", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("configuration", Text, nullable=False),  # JSON: every field by dotted path
    Column("changes", Text, nullable=False),  # JSON: the fields that differ from the baseline
    Column("max_steps", Integer, nullable=False),
    Column("bracket", Integer, nullable=False),
    Column("code", String(16), nullable=False),  # digest of the trainable's source
    Column("data", String(16), nullable=False),  # digest of the data
    Column("created", Float, nullable=False),
    Column("outcome", String(16)),  # null while it runs or waits to go on
    Column("step", Integer),  # of the score
    Column("values", Text),  # JSON: the objectives' values
    Column("reason", Text),
    Column("finished", Float),
    PrimaryKeyConstraint("study", "number"),
)

ATTEMPTS = Table(
    "winnow_attempts",
    METADATA,
    Column("study", _KEY),
    Column("number", Integer),
    Column("attempt", Integer),
    Column("token", String(32), nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("versions", Text, nullable=False),  # JSON: package versions, git commit
    Column("start_step", Integer, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("end", String(16)),  # completed, raised, lost, interrupted, …
    Column("gpus", Float, nullable=False),
    Column("error", Text),
    Column("log", Text),
    Column("peak_memory", BigInteger),  # bytes
    PrimaryKeyConstraint("study", "number", "attempt"),
)

STEPS = Table(
    "winnow_steps",
    METADATA,
    Column("study", _KEY),
    Column("number", Integer),
    Column("attempt", Integer),
    Column("step", Integer),
    Column("metrics", Text, nullable=False),  # JSON
    Column("elapsed_s", Float, nullable=False),  # of this step
    Column("finished", Float, nullable=False),
    PrimaryKeyConstraint("study", "number", "attempt", "step"),
)

CHECKPOINTS = Table(
    "winnow_checkpoints",
    METADATA,
    Column("study", _KEY),
    Column("number", Integer),
    Column("attempt", Integer),
    Column("step", Integer),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("written", Float, nullable=False),
    PrimaryKeyConstraint("study", "number", "attempt", "step"),
)

FLAGS = Table(
    "winnow_flags",
    METADATA,
    Column("study", _KEY),
    Column("number", Integer),
    Column("kind", String(32)),  # of the guard
    Column("metric", Text),  # what it watched
    Column("step", Integer, nullable=False),
    Column("content", Text, nullable=False),  # JSON: value, words, whether it stopped the run
    PrimaryKeyConstraint("study", "number", "kind", "metric"),
)

DIAGNOSTICS = Table(
    "winnow_diagnostics",
    METADATA,
    Column("study", _KEY),
    Column("number", Integer),
    Column("content", Text, nullable=False),  # JSON: what explains the run, for reports to draw
    PrimaryKeyConstraint("study", "number"),
)

DRIVERS = Table(
    "winnow_drivers",
    METADATA,
    Column("study", _KEY, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("since", Float, nullable=False),
)

REGISTRATIONS = Table(
    "winnow_registrations",
    METADATA,
    Column("study", _KEY),
    Column("version", Integer),
    Column("kind", String(16), nullable=False),  # first, amendment, new, rerun
    Column("reason", Text, nullable=False),
    Column("hash", String(16), nullable=False),
    Column("specification", Text, nullable=False),  # JSON: everything fixed before the runs
    Column("looks", Text, nullable=False),  # JSON: the looks taken, as first computed
    Column("created", Float, nullable=False),
    PrimaryKeyConstraint("study", "version"),
)

Index("winnow_attempts_token", ATTEMPTS.c.token)
