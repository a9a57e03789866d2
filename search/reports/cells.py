"""Cells of a CSV file, safe to open in a spreadsheet."""

from __future__ import annotations

from typing import Any

from search.reports.text import printable

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run text that begins so


def cell(value: Any) -> Any:
    """Return a cell; text that a spreadsheet would take for a formula is marked as text.

    Examples
    --------
    >>> cell("=1+1"), cell(0.5), cell(None)
    ("'=1+1", 0.5, '')
    """
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text.startswith(FORMULA) else text
    return "" if value is None else value
