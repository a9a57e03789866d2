"""Configurations with every kind of field that a search may meet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, Literal

FILE = PurePosixPath("data.csv")


class Pooling(Enum):
    """An enum whose values are text."""

    MEAN = "mean"
    MAX = "max"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Head:
    """A dataclass two levels deep, with a field that has no default."""

    width: int
    bias: bool = True


@dataclass(frozen=True)
class Model:
    """A nested dataclass."""

    width: int = 32
    pooling: Pooling = Pooling.MEAN
    widths: tuple[int, ...] = (64, 32)
    head: Head = field(default_factory=lambda: Head(8))


@dataclass(frozen=True)
class Config:
    """Everything at once."""

    steps: int
    lr: float = 1e-3
    clip: float = math.inf
    focal: bool = False
    gamma: float = 2.0
    loss: Literal["bce", "focal", 1] = "bce"
    schedule: str | None = None
    best: Pooling | None = None
    pair: tuple[int, str] = (1, "a")
    nested: tuple[tuple[float, ...], ...] = ((1.0, 2.0), ())
    poolings: tuple[Pooling, ...] = ()
    tags: frozenset[str] = frozenset()
    file: PurePosixPath = FILE
    anything: Any = None
    model: Model = field(default_factory=lambda: Model(width=16))
    plain: Model = Model()
    area: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Compute a field, and refuse a value."""
        object.__setattr__(self, "area", self.model.width**2)
        if self.lr < 0:
            raise ValueError("lr must not be negative")
