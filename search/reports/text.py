"""Numbers, durations and foreign text, as every report prints them."""

from __future__ import annotations

import math
from typing import Any

ABSENT = "–"
MINUS = "−"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with a few significant digits; a dash for none.

    Examples
    --------
    >>> number(0.912345), number(-31.0), number(128), number(1e-5), number(None)
    ('0.9123', '−31', '128', '1e-05', '–')
    """
    if value is None or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    whole = value == int(value) and abs(value) < 1e9
    text = str(int(value)) if whole else f"{value:.{digits}g}"
    return text.replace("-", MINUS, 1) if value < 0 else text


def signed(value: float | None) -> str:
    """Return a difference with its sign.

    Examples
    --------
    >>> signed(0.0412), signed(-0.0412), signed(0.0)
    ('+0.0412', '−0.0412', '±0')
    """
    if value is None or math.isnan(value):
        return ABSENT
    if value == 0:
        return "±0"
    return f"+{number(value, 3)}" if value > 0 else number(value, 3)


def percent(share: float | None) -> str:
    """Return a share in per cent.

    Examples
    --------
    >>> percent(0.584), percent(0.0), percent(0.004)
    ('58 %', '0 %', '0.4 %')
    """
    if share is None or math.isnan(share):
        return ABSENT
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.0095 else f"{100 * share:.1g} %"


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units.

    Examples
    --------
    >>> duration(0.42), duration(75), duration(7260), duration(200_000)
    ('0.42 s', '1 min 15 s', '2 h 1 min', '2 d 7 h')
    """
    if seconds is None or math.isnan(seconds):
        return ABSENT
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    for size, unit, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            big, rest = divmod(whole, size)
            return f"{big} {unit} {rest // below} {smaller}" if rest >= below else f"{big} {unit}"
    big, rest = divmod(whole, 60)
    return f"{big} min {rest} s" if rest else f"{big} min"


def shown(value: Any) -> str:
    """Return a parameter's value: numbers shortened, everything else as text."""
    if value is None:
        return "None"
    if isinstance(value, bool | str):
        return printable(str(value))
    if isinstance(value, int | float):
        return number(value)
    return printable(str(value))


def plural(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> plural(1, "trial"), plural(1200, "trial")
    ('1 trial', '1,200 trials')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def clipped(text: str, limit: int = 28) -> str:
    """Return text on one line, shortened with an ellipsis.

    Examples
    --------
    >>> clipped("model.encoder.attention.dropout", 12)
    'model.encod…'
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def printable(text: str) -> str:
    """Return text without control characters, which a terminal would obey; lines stay.

    Examples
    --------
    >>> printable("red: " + chr(27) + "[31m")
    'red: [31m'
    """
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f"))
