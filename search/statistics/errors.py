"""What the statistics refuse."""

from search.errors import WinnowError


class StatisticsError(WinnowError, ValueError):
    """Numbers or rules from which no honest statement follows."""
