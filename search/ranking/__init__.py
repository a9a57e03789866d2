"""From the database to the priority table: what the protocol asks and reports draw."""

from search.ranking.measured import Measured, measured_runs
from search.ranking.priority import Priority, rank_runs, rank_study, stack_codes, stack_members

__all__ = [
    "Measured",
    "Priority",
    "measured_runs",
    "rank_runs",
    "rank_study",
    "stack_codes",
    "stack_members",
]
