"""What is said of a study's windows before anything runs: whether their scale is wrong."""

from __future__ import annotations

from trainables.pat.config import PatConfig
from trainables.pat.inputs import scale_problem, splits_of
from trainables.pat.splits import Splits
from trainables.techniques.reference_lines import Given, on_splits

PLAIN = PatConfig()


@on_splits(splits_of, PLAIN)
def preflight(given: Given[PatConfig, Splits]) -> list[str]:
    """Return what is wrong with the scale of the baseline's train split, if anything is."""
    problem = scale_problem(given.config.data, given.splits)
    return [problem] if problem else []
