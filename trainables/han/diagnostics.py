"""Pictures of a run: losses and ratios by task, weights over time, parameters, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def figures(history, network, series, criterion, dropped):
    return {}
