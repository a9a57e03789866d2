"""Names for the arrays that the statistics take and return."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IntArray: TypeAlias = npt.NDArray[np.int64]
CodeArray: TypeAlias = npt.NDArray[np.int8]


def sealed_floats(values: npt.ArrayLike) -> FloatArray:
    """Return a read-only copy as float64."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array


def sealed_bools(values: npt.ArrayLike) -> BoolArray:
    """Return a read-only copy as bool."""
    array = np.array(values, dtype=np.bool_)
    array.setflags(write=False)
    return array
