"""TensorBoard's event files, written without TensorBoard: records of scalars.

A file is a sequence of records (a length, its checksum, the content, its checksum; little-endian,
checksums are masked CRC-32C), each content a protocol buffer of the message ``Event``: wall time,
step, and one tag and value per scalar.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import lru_cache

VERSION = "brain.Event:2"
CASTAGNOLI = 0x82F63B78  # reversed
MASK = 0xA282EAD8


def version_event(wall_time: float) -> bytes:
    """Return the record that a file begins with."""
    return record(_double(1, wall_time) + _bytes(3, VERSION.encode()))


def scalar_event(wall_time: float, step: int, scalars: Mapping[str, float]) -> bytes:
    """Return the record of the scalars of one step."""
    summary = b"".join(_bytes(1, _bytes(1, n.encode()) + _float(2, v)) for n, v in scalars.items())
    return record(_double(1, wall_time) + _varint(2 << 3) + _varint(step) + _bytes(5, summary))


def record(content: bytes) -> bytes:
    """Return a content framed by its length and the checksums."""
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + MASK) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of some bytes.

    Examples
    --------
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@lru_cache(maxsize=1)
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (CASTAGNOLI if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))


def _varint(value: int) -> bytes:
    found: list[int] = []
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", _single(value))


def _single(value: float) -> float:
    """Return a value within a single's range: what lies beyond it is infinite there."""
    try:
        struct.pack("<f", value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return value


def event_file(wall_time: float, steps: Iterable[tuple[float, int, Mapping[str, float]]]) -> bytes:
    """Return a whole file.

    Parameters
    ----------
    wall_time
        When the run began, in seconds since the epoch.
    steps
        Wall time, step and scalars of each.
    """
    return version_event(wall_time) + b"".join(scalar_event(*step) for step in steps)
