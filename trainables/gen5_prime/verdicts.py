"""What is asked of a run at its end, on held-out pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from search.trainable import Predictions
from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.normalisation import Normalisation
from trainables.gen5_prime.probes import (
    Answer,
    core_masked_auroc,
    deployed,
    hard_negative_auroc,
    linear_probes,
    median_template,
)
from trainables.gen5_prime.rows import Rows, scaled
from trainables.gen5_prime.stamps import Splits, Stamps
from trainables.gen5_prime.strata import by_brick, by_radius, denied

KEPT: Final = 4  # linear probes that are remembered


@dataclass(frozen=True, eq=False)
class Held:
    """What a run's diagnostics are made of.

    Parameters
    ----------
    splits : Splits
    rows : mapping of str to Rows
        The same, scaled.
    scaler : Normalisation
    answer
        The network's logits of some pairs.
    """

    splits: Splits
    rows: Mapping[str, Rows]
    scaler: Normalisation
    answer: Answer


def held_out(
    held: Held, clean: Predictions, config: Gen5Config, known: Mapping[str, float]
) -> dict[str, float]:
    """Return the diagnostics of a run's end.

    Parameters
    ----------
    held : Held
    clean : Predictions
        Of the clean test split.
    config : Gen5Config
    known
        Metrics of all held-out predictions, without a prefix.

    Returns
    -------
    dict
        Of `trainables.gen5_prime.strata` and, unless they are switched off, of
        `trainables.gen5_prime.probes`.
    """
    test, logits = held.splits.test, np.asarray(clean.scores, np.float64)
    found = {
        **by_brick(logits, test.label, test.brickname, least=config.evaluation.min_per_brick),
        **by_radius(logits, test),
        **denied(logits, test),
    }
    if config.evaluation.probes:
        found |= probed(held, config, known)
    return found


def probed(held: Held, config: Gen5Config, known: Mapping[str, float]) -> dict[str, float]:
    """Return the shortcut diagnostics of a run's end."""
    masked = core_masked_auroc(held.answer, held.rows["test"])
    return {
        **_linear(held.scaler, held.splits.train, held.splits.test),
        "core_masked_auroc": masked,
        "core_masked_drop": known["auroc"] - masked,
        "hard_negative_auroc": hard_negative_auroc(held.answer, held.rows["test"]),
        "shift_drop": known["auroc"] - known["shift_auroc"],
        **_deployed(held, config, known),
    }


@lru_cache(maxsize=KEPT)
def _linear(scaler: Normalisation, train: Stamps, test: Stamps) -> dict[str, float]:
    """Return the linear probes: of data alone, so that runs on the same pairs share them."""
    known, asked = scaled(scaler, train), scaled(scaler, test)
    return linear_probes(known, train.label, asked, test.label)


def _deployed(held: Held, config: Gen5Config, known: Mapping[str, float]) -> dict[str, float]:
    """Return what is left with a survey's controls; a network that sees none does not care."""
    if config.data.mode == "single3":
        metrics = {"auroc": known["shift_auroc"], "recall": known["shift_recall"]}
        return {
            f"deploy_{name}_{metric}": value
            for name in ("duplicate", "median")
            for metric, value in metrics.items()
        }
    shift, template = held.splits.shift, median_template(held.splits.train)
    return deployed(held.answer, held.scaler, shift, template, held.rows["shift"])
