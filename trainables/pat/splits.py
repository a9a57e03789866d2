"""From recordings, or from the generator, to the splits that a run uses.

- Nobody is in two splits: participants are split, not windows, and stratified by label.
- Held-out participants depend on the study's `split_seed`, validation participants on `seed`.
- People whose label is unknown serve pre-training (`Splits.unlabelled`), nothing else.
- Windows that were worn too little are dropped from training only.
- Nothing is scaled here: `normalisation` is fitted on the train split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from trainables.pat.actigraphs import draw_all
from trainables.pat.generator import GeneratorConfig
from trainables.pat.nonwear import NonWear, handle
from trainables.pat.windows import (
    UNKNOWN,
    Numbers,
    Recordings,
    Windows,
    cut,
)
from trainables.techniques.splitting import (
    EVERY_SEED_AFRESH,
    Sampling,
    require_both,
    stratified,
)

DEPRESSED = "windows of depressed people"


@dataclass(frozen=True, eq=False)
class Splits:
    """Windows of one run.

    Attributes
    ----------
    train, validation, test : Windows
        Labelled; no participant is in two of them.
    unlabelled : Windows or None
        Further participants, whose label is -1, for pre-training.
    dropped : mapping of str to int
        What was left out on the way, and why: the counts of `windows.cut` and `nonwear.handle`.
    """

    train: Windows
    validation: Windows
    test: Windows
    unlabelled: Windows | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)


def make_splits(
    raw: Recordings,
    *,
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
    days: int,
    nonwear: NonWear | None = None,
    test_share: float = 0.3,
    validation_share: float = 0.3,
) -> Splits:
    """Split recordings by participant.

    Parameters
    ----------
    raw : Recordings
        From `real_data.load_actigraphy`.
    seed : int
        Chooses the validation participants among the rest.
    sampling : Sampling
        Chooses the held-out participants.
    days : int
        Length of a window.
    nonwear : NonWear, optional
        How minutes without the device are found and treated; the default marks them.
    test_share, validation_share : float
        Share of the labelled participants held out, and of the remaining ones that validate. Large,
        because Depresjon's 23 depressed people have to serve three splits.

    Raises
    ------
    DataError
        If no window is left, or a split would lack depressed or other people.
    """
    windows, dropped = cut(raw, days)
    parts = {
        name: windows.take(np.isin(windows.participant, people))
        for name, people in _partition(
            raw, (test_share, validation_share), sampling.held_out_rng(seed), seed
        ).items()
    }
    for name in ("train", "validation", "test"):
        require_both(name, parts[name].label == 1, DEPRESSED)
    return _handled(parts, nonwear or NonWear(), {**raw.dropped, **dropped})


def generate_splits(
    generator: GeneratorConfig,
    *,
    seed: int,
    nonwear: NonWear | None = None,
    test_seed: int | None = None,
) -> Splits:
    """Draw all splits afresh from `seed`: the replication "fresh".

    Parameters
    ----------
    generator : GeneratorConfig
        Sizes and difficulties.
    seed : int
        Drives everything random.
    nonwear : NonWear, optional
        As in `make_splits`.
    test_seed : int, optional
        Draws the test split instead, the same for every `seed`: the replication "fixed".
    """
    drawn = draw_all(generator, seed, test_seed=test_seed)
    parts: dict[str, Windows] = {role: part.windows for role, part in drawn.items()}
    return _handled(parts, nonwear or NonWear(), {})


def _handled(parts: Mapping[str, Windows], how: NonWear, dropped: Mapping[str, int]) -> Splits:
    """Treat minutes not worn; held-out windows are never dropped, so that every arm answers all."""
    held_out = replace(how, handling="keep") if how.handling == "drop" else how
    splits: dict[str, Windows] = {}
    left_out = 0
    for name, windows in parts.items():
        rule = held_out if name in ("validation", "test") else how
        if len(windows):
            splits[name], counts = handle(windows, rule)
            left_out += counts["windows_not_worn"]
    require_both("train", splits["train"].label == 1, DEPRESSED)
    return Splits(
        splits["train"],
        splits["validation"],
        splits["test"],
        splits.get("unlabelled"),
        {**dropped, "windows_not_worn": left_out},
    )


def _partition(
    raw: Recordings,
    shares: tuple[float, float],
    held_out: np.random.Generator,
    seed: int,
) -> dict[str, Numbers]:
    """Find the participants of each split.

    All recorded people take part, whether they have a window or not: the length of a window must
    not move anybody to another split.
    """
    known = np.flatnonzero(raw.label != UNKNOWN)
    depressed = raw.label == 1
    test = stratified(depressed, known, shares[0], held_out)
    rest = np.setdiff1d(known, test)
    validation = stratified(depressed, rest, shares[1], np.random.default_rng([seed]))
    parts = {
        "train": np.setdiff1d(rest, validation),
        "validation": validation,
        "test": test,
        "unlabelled": np.flatnonzero(raw.label == UNKNOWN),
    }
    return {name: raw.participant[rows] for name, rows in parts.items()}
