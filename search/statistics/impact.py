"""The measured impact in words."""

from __future__ import annotations

from enum import Enum

import numpy as np


class MeasuredImpact(Enum):
    """Labels, from worst to best, with the multiple of delta at which each begins."""

    HARMFUL = ("Harmful", -np.inf)
    NONE = ("None", -0.25)
    LOW = ("Low", 0.25)
    MEDIUM = ("Medium", 1.0)
    HIGH = ("High", 2.0)

    @property
    def word(self) -> str:
        """The label as printed."""
        return self.value[0]

    @property
    def start(self) -> float:
        """Multiple of delta from which the label holds."""
        return self.value[1]


def impact_of(effect: float, delta: float) -> MeasuredImpact:
    """Label one effect: High from 2 delta, Medium from delta, Low from delta/4, Harmful mirrored.

    Examples
    --------
    >>> impact_of(0.02, delta=0.01).word
    'High'
    """
    ratio = effect / delta
    return [label for label in MeasuredImpact if ratio >= label.start][-1]


def impact_span(low: float, high: float, delta: float) -> str:
    """Label an interval: one word, or two where it spans labels.

    Examples
    --------
    >>> impact_span(0.004, 0.03, delta=0.01)
    'Low-High'
    """
    first, last = impact_of(low, delta).word, impact_of(high, delta).word
    return first if first == last else f"{first}-{last}"
