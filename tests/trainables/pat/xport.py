"""A writer of SAS transport files (version 5, numbers only), which pandas does not have.

Written from the public record layout (SAS technical note TS-140): cards of 80 bytes, a descriptor
of 140 bytes per variable, and numbers as 8-byte floats of IBM mainframes, base 16.
"""

import struct
from functools import cache
from math import isnan
from pathlib import Path

import pandas as pd

_TIME = b"07JUL06:12:00:00"
_MISSING = b"." + bytes(7)


@cache
def ibm(value: float) -> bytes:
    """Encode a number: sign, exponent of 16 plus 64, and 56 bits of a fraction in [1/16, 1)."""
    if isnan(value):
        return _MISSING
    exponent, fraction = 0, abs(value)
    if fraction == 0:
        return bytes(8)
    while fraction >= 1:
        fraction, exponent = fraction / 16, exponent + 1
    while fraction < 1 / 16:
        fraction, exponent = fraction * 16, exponent - 1
    sign = 128 if value < 0 else 0
    return struct.pack(">Q", ((sign + exponent + 64) << 56) | int(fraction * 2**56))


def write_xport(file: Path, table: pd.DataFrame) -> None:
    names = [str(name) for name in table.columns]
    head = [
        _header("LIBRARY", "0" * 30),
        b"SAS     SAS     SASLIB  9.1     XP_PRO  ".ljust(64) + _TIME,
        _TIME,
        _header("MEMBER", "0" * 17 + "1600000000140"),
        _header("DSCRPTR", "0" * 30),
        b"SAS     TABLE   SASDATA 9.1     XP_PRO  ".ljust(64) + _TIME,
        _TIME,
        _header("NAMESTR", f"{len(names):010d}" + "0" * 20),
    ]
    variables = b"".join(_variable(name, i) for i, name in enumerate(names))
    rows = b"".join(ibm(float(value)) for row in table.to_numpy() for value in row)
    cards = [*(card.ljust(80) for card in head), _padded(variables), _header("OBS", "0" * 30)]
    file.write_bytes(b"".join(cards) + _padded(rows))


def _header(kind: str, digits: str) -> bytes:
    return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{digits}".ljust(80).encode()


def _variable(name: str, position: int) -> bytes:
    text = (name.encode().ljust(8), b"".ljust(40), b"".ljust(8))
    layout = ">hhhh8s40s8shhh2s8shhl52s"
    return struct.pack(
        layout, 1, 0, 8, position + 1, *text, 0, 0, 0, b"", b"".ljust(8), 0, 0, 8 * position, b""
    )


def _padded(data: bytes) -> bytes:
    return data + b" " * (-len(data) % 80)
