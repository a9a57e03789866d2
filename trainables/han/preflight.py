"""What is said of a study's panel before anything runs: how much of each target is known."""

from __future__ import annotations

import numpy as np

from trainables.han.batch import TASKS
from trainables.han.config import HanConfig
from trainables.han.inputs import splits_of
from trainables.han.windows import Splits, targets_of
from trainables.techniques.reference_lines import Given, on_splits

PLAIN = HanConfig()


@on_splits(splits_of, PLAIN)
def preflight(given: Given[HanConfig, Splits]) -> list[str]:
    """Return how many windows each split has, and the share of them whose target is known."""
    targets = targets_of(given.splits, given.config.data.windows)
    sentences = []
    for name in given.splits.periods:
        anchors = given.splits.anchors(name)
        shares = {task: float(np.mean(~np.isnan(targets[task][anchors]))) for task in TASKS}
        known = ", ".join(f"{task} {share:.0%}" for task, share in shares.items())
        sentences.append(f"{name}: {len(anchors)} windows; targets known: {known}")
    return sentences
