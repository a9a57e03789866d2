"""What a trainable's ``diagnose`` returns, checked and as JSON; its shape: `search.trainable`."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from search.errors import TrainableError, near_miss

MOST_BYTES = 65536  # per run: a few curves of a few hundred points
MOST_POINTS = 1000
MOST_PIXELS = 64  # a side
TEXTS = ("title", "note", "x_name", "y_name", "value_name")


def diagnostics_json(found: Any) -> str:
    """Return diagnostics as JSON.

    Raises
    ------
    TrainableError
        If they are not what the contract says, or too large.
    """
    if not isinstance(found, Mapping):
        raise TrainableError(f"diagnose() gives a mapping of names, got {type(found).__name__}")
    checked = {str(name): _checked(str(name), entry) for name, entry in found.items()}
    text = json.dumps(checked, allow_nan=False)
    if len(text) > MOST_BYTES:
        raise TrainableError(
            f"diagnose() gives at most {MOST_BYTES:,} bytes of JSON, got {len(text):,}"
        )
    return text


def _checked(name: str, entry: Any) -> dict[str, Any]:
    kind = str(entry.get("kind")) if isinstance(entry, Mapping) else "None"
    if kind not in CHECKS:
        meant = near_miss(kind, tuple(CHECKS))
        raise TrainableError(f"diagnostic '{name}' has no kind {kind!r}{meant}")
    texts = {key: str(entry[key]) for key in TEXTS if key in entry}
    try:
        return {"kind": kind, **texts, **CHECKS[kind](name, entry)}
    except (KeyError, TypeError, ValueError) as error:
        raise TrainableError(f"diagnostic '{name}' ({kind}): {error!r}") from error


def _curve(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    x, y = _numbers(entry["x"]), _numbers(entry["y"])
    _same_length(name, x, y)
    marks = [
        {"name": str(mark["name"]), "x": _number(mark["x"]), "y": _number(mark["y"])}
        for mark in entry.get("marks", ())
    ]
    return {"x": x, "y": y, "marks": marks, "diagonal": bool(entry.get("diagonal", False))}


def _bars(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    names, values = [str(text) for text in entry["names"]], _numbers(entry["values"])
    _same_length(name, names, values)
    return {"names": names, "values": values}


def _images(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of grey pictures: rows and columns have names, pixels are of one byte."""
    rows, columns = ([str(text) for text in entry[key]] for key in ("rows", "columns"))
    pixels = np.asarray(entry["images"], np.float64)
    if pixels.ndim != 4 or pixels.shape[:2] != (len(rows), len(columns)):
        raise ValueError(
            f"'{name}' takes images of shape ({len(rows)}, {len(columns)}, height, width), "
            f"got {pixels.shape}"
        )
    if max(pixels.shape[2:]) > MOST_PIXELS:
        raise ValueError(f"takes images of up to {MOST_PIXELS} pixels a side")
    if not (pixels >= 0).all() or not (pixels <= 1).all():
        raise ValueError("takes pixels from 0 (black) to 1 (white)")
    grey = np.round(255 * pixels).astype(np.uint8)
    return {
        "rows": rows,
        "columns": columns,
        "shape": list(pixels.shape[2:]),
        "grey": base64.b64encode(grey.tobytes()).decode("ascii"),
    }


CHECKS: Mapping[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    "curve": _curve,
    "bars": _bars,
    "images": _images,
}


def _numbers(values: Any) -> list[float | None]:
    flat = np.asarray(values, np.float64)
    if flat.ndim != 1 or flat.size > MOST_POINTS:
        raise ValueError(f"takes up to {MOST_POINTS} numbers in a row, got shape {flat.shape}")
    return list(map(_number, flat.tolist()))


def _number(value: Any) -> float | None:
    """Return a number as JSON can hold it, of seven digits; what is not finite is a gap."""
    return float(f"{float(value):.7g}") if math.isfinite(value) else None


def _same_length(name: str, *columns: list[Any]) -> None:
    lengths: Iterator[int] = (len(column) for column in columns)
    if len(set(lengths)) > 1:
        raise TrainableError(
            f"diagnostic '{name}' has columns of {' and '.join(str(len(c)) for c in columns)}"
        )
