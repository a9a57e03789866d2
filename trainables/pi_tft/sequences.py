"""From events to padded, scaled splits: what a network trains on.

The same rules for official files, generated conjunctions and the event table:

- Splits are by event and stratified by label. Held-out events depend on `split_seed` alone, or are
  the official test events. Validation events depend on `seed`.
- Test and validation events have their last message within a day of the closest approach, as the
  challenge's test set has. The train split also keeps the others, as its train set does.
- The label is the risk of the last message (the published `true_risk` of official test events).
- Events without any input message are dropped and counted (`Splits.dropped`).
- Every statistic that scales or imputes a column is fitted on the train split (`packing`).
"""

import numpy as np
import pandas as pd

from search.errors import DataError
from trainables.pi_tft import physics
from trainables.pi_tft.conjunctions import HORIZON_DAYS, generate
from trainables.pi_tft.events import Events, Splits
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.packing import pack
from trainables.pi_tft.raw_events import (
    RawEvents,
    from_conjunctions,
    from_event_table,
    from_messages,
)
from trainables.techniques.splitting import (
    EVERY_SEED_AFRESH,
    Rows,
    Sampling,
    require_both,
    stratified,
)

__all__ = [
    "Events",
    "Splits",
    "event_table_splits",
    "generate_splits",
    "make_splits",
]

LAST_MESSAGE_DAYS = 1.0
"""The challenge's test set keeps events whose last message is nearer than this."""


def make_splits(
    messages: pd.DataFrame,
    *,
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
    max_length: int = 30,
    delta_features: bool = False,
    horizon_days: float = HORIZON_DAYS,
    test_share: float = 0.2,
    validation_share: float = 0.2,
) -> Splits:
    """Split official messages by event.

    Parameters
    ----------
    messages : DataFrame
        From `kelvins.load_kelvins`.
    seed : int
        Chooses the validation events among the rest.
    sampling : Sampling
        Chooses the held-out events, unless the frame has labelled official test events.
    max_length : int
        Longest sequence; of longer ones the latest messages are kept.
    delta_features : bool
        Add the first difference of every column but `missing_share`, scaled by its own statistics.
    horizon_days : float
        Messages nearer to the closest approach are not inputs.
    test_share, validation_share : float
        Share of the eligible events held out, and of the remaining eligible ones that validate.

    Raises
    ------
    DataError
        If no event is left, a split would lack high-risk or other events, or "resplit" is asked of
        official test events.
    """
    raw, dropped = from_messages(messages, horizon_days=horizon_days)
    train, validation, test = _partition(raw, (test_share, validation_share), seed, sampling)
    parts = (raw.take(train), raw.take(validation), raw.take(test))
    return pack(parts, max_length, dropped=dropped, delta_features=delta_features)


def event_table_splits(
    table: pd.DataFrame,
    *,
    seed: int,
    sampling: Sampling = EVERY_SEED_AFRESH,
    test_share: float = 0.3,
    validation_share: float = 0.3,
) -> Splits:
    """Split the event table, as sequences of length 1.

    Parameters
    ----------
    table : DataFrame
        From `kelvins.load_event_table`, reduced by `kelvins.honest_subset`.
    seed, sampling, test_share, validation_share
        As in `make_splits`. The shares are larger, because 49 positives have to serve three splits.

    Raises
    ------
    DataError
        If the table holds rows of the leaking population, or a split would lack one class.

    Notes
    -----
    The one message of an event is its earliest one; `number_CDMs`, `mean_risk_CDMs` and
    `std_risk_CDMs` are static columns. `log_miss` is that of the input, since the table has no
    final miss distance: an auxiliary head has nothing to learn here. `log_sigma` assumes the radius
    of objects of unknown size.
    """
    leaking = int((table["r_minus2"] >= physics.HIGH_RISK).sum())
    if leaking:
        raise DataError(
            f"{leaking} rows have r_minus2 >= {physics.HIGH_RISK:g}, which implies the label "
            "in this table; reduce it with honest_subset first"
        )
    raw = from_event_table(table)
    train, validation, test = _partition(raw, (test_share, validation_share), seed, sampling)
    return pack((raw.take(train), raw.take(validation), raw.take(test)), 1, dropped={})


def generate_splits(
    generator: GeneratorConfig,
    *,
    seed: int,
    max_length: int = 30,
    delta_features: bool = False,
    test_seed: int | None = None,
) -> Splits:
    """Draw all three splits afresh from `seed`: the replication "fresh".

    Parameters
    ----------
    generator : GeneratorConfig
        Sizes and difficulties.
    seed : int
        Drives everything random.
    max_length, delta_features
        As in `make_splits`.
    test_seed : int, optional
        Draws the test split instead, the same for every `seed`: the replication "fixed".

    Raises
    ------
    DataError
        If a split would lack high-risk or other events.
    """
    drawn = generate(generator, seed=seed, test_seed=test_seed)
    train, validation, test = (
        from_conjunctions(drawn[role], horizon_days=HORIZON_DAYS)
        for role in ("train", "validation", "test")
    )
    for name, raw in (("train", train), ("validation", validation), ("test", test)):
        require_both(name, raw.high_risk, "high-risk events")
    return pack((train, validation, test), max_length, dropped={}, delta_features=delta_features)


def _partition(
    raw: RawEvents,
    shares: tuple[float, float],
    seed: int,
    sampling: Sampling,
) -> tuple[Rows, Rows, Rows]:
    """Find the positions of the train, validation and test events."""
    eligible = (raw.last_days < LAST_MESSAGE_DAYS) & ~raw.official_test
    if raw.official_test.any():
        if sampling.replication == "resplit":
            raise DataError(
                "the official test events cannot be redrawn: replication must be 'fixed'"
            )
        test = np.flatnonzero(raw.official_test)
    else:
        held_out = sampling.held_out_rng(seed)
        test = stratified(raw.high_risk, np.flatnonzero(eligible), shares[0], held_out)
    rest = np.setdiff1d(np.flatnonzero(eligible), test)
    validation = stratified(raw.high_risk, rest, shares[1], np.random.default_rng([seed]))
    train = np.setdiff1d(np.arange(len(raw.risk)), np.concatenate([validation, test]))
    for name, rows in (("train", train), ("validation", validation), ("test", test)):
        require_both(name, raw.high_risk[rows], "high-risk events")
    return train, validation, test
