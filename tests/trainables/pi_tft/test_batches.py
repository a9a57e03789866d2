from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from search.errors import TrainableError
from trainables.pi_tft.archive import write_archive
from trainables.pi_tft.batches import joined, splits_of, to_batch
from trainables.pi_tft.config import DataConfig
from trainables.pi_tft.conjunctions import generate
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.kelvins import EVENT_TABLE_COLUMNS, OFFICIAL_TEST, load_kelvins
from trainables.pi_tft.sequences import Events, Splits
from trainables.techniques.splitting import Sampling

CPU = torch.device("cpu")
SMALL = GeneratorConfig(n_train=300, n_validation=120, n_test=120, near_share=0.5)
CONFIG = DataConfig(generator=SMALL)


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, generate(SMALL, seed=0))
    official = load_kelvins(folder)
    return official[~official[OFFICIAL_TEST]].reset_index(drop=True)


def ids(data: Any, seed: int, *how: Any) -> tuple[set[int], set[int]]:
    splits = splits_of(CONFIG, data, seed=seed, sampling=Sampling(*how))
    return set(splits.validation.event_id.tolist()), set(splits.test.event_id.tolist())


def test_without_data_events_are_drawn_by_the_seed() -> None:
    first, second, third = (splits_of(CONFIG, None, seed=seed).train for seed in (1, 1, 2))
    assert len(first.label) == 300
    assert np.array_equal(first.temporal, second.temporal)
    assert not np.array_equal(first.risk, third.risk)


def test_ready_splits_are_used_as_they_are(splits: Splits) -> None:
    assert splits_of(CONFIG, splits, seed=3) is splits


def test_of_a_finite_data_set_the_split_seed_holds_out_and_the_seed_validates(
    messages: pd.DataFrame,
) -> None:
    validation, test = ids(messages, 1)
    again, same_test = ids(messages, 2)
    assert test == same_test == ids(messages, 1, "fixed")[1]
    assert validation != again
    assert ids(messages, 1, "fixed", 5)[1] != test
    assert ids(messages, 1, "resplit")[1] != ids(messages, 2, "resplit")[1]


def test_of_generated_events_those_held_out_may_stay() -> None:
    fixed = Sampling("fixed", 7)
    one, two = (splits_of(CONFIG, None, seed=seed, sampling=fixed) for seed in (1, 2))
    assert np.array_equal(one.test.risk, two.test.risk)
    assert not np.array_equal(one.train.risk, two.train.risk)
    assert not np.array_equal(one.test.risk, splits_of(CONFIG, None, seed=1).test.risk)
    with pytest.raises(TrainableError, match="no splits to draw again"):
        splits_of(CONFIG, None, seed=1, sampling=Sampling("resplit"))


def test_frames_obey_length_horizon_and_deltas(messages: pd.DataFrame) -> None:
    plain = splits_of(CONFIG, messages, seed=0).train
    short = splits_of(replace(CONFIG, max_length=3), messages, seed=0).train
    early = splits_of(replace(CONFIG, horizon_days=4.0), messages, seed=0).train
    deltas = splits_of(replace(CONFIG, delta_features=True), messages, seed=0).train
    assert short.temporal.shape[1] == 3
    assert early.time_to_tca[early.mask].min() >= 4.0
    assert deltas.temporal.shape[2] > plain.temporal.shape[2]


def test_drawn_events_obey_length_and_deltas() -> None:
    plain = splits_of(CONFIG, None, seed=0).train
    other = splits_of(replace(CONFIG, max_length=3, delta_features=True), None, seed=0).train
    assert other.temporal.shape[1] == 3
    assert other.temporal.shape[2] > plain.temporal.shape[2]


def test_the_event_table_is_told_by_its_columns() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.uniform(1.0, 9.0, 300) for name in EVENT_TABLE_COLUMNS})
    risk = rng.uniform(-12.0, -6.5, 300)
    final = risk + rng.normal(scale=3.0, size=300)
    table = table.assign(event_id=np.arange(300), r_minus2=risk, r_final=final)
    assert splits_of(CONFIG, table, seed=0).train.temporal.shape[1] == 1


def test_other_data_is_refused_with_what_it_was() -> None:
    with pytest.raises(TrainableError, match=r"got \w*Path"):
        splits_of(CONFIG, Path("kelvins"), seed=0)


def test_a_batch_holds_the_events_in_single_precision(splits: Splits) -> None:
    batch = to_batch(splits.train, CPU)
    assert len(batch) == len(splits.train.label)
    for field in fields(batch):
        tensor = getattr(batch, field.name)
        assert tensor.dtype == (torch.bool if field.name == "mask" else torch.float32)
    assert np.array_equal(batch.temporal.numpy(), splits.train.temporal)


def test_rows_are_taken_together(splits: Splits) -> None:
    batch = to_batch(splits.train, CPU)
    rows = torch.tensor([5, 2, 2])
    taken = batch.take(rows)
    for field in fields(batch):
        assert torch.equal(getattr(taken, field.name), getattr(batch, field.name)[rows])


def test_joined_batches_keep_their_order(splits: Splits) -> None:
    first, second = to_batch(splits.validation, CPU), to_batch(splits.test, CPU)
    both = joined(first, second)
    assert torch.equal(both.label, torch.cat([first.label, second.label]))


def test_closed_forms_are_off_where_inputs_are_missing_or_certain(splits: Splits) -> None:
    events: Events = splits.train
    risk, mahalanobis = events.max_risk_estimate.copy(), events.mahalanobis.copy()
    risk[0], mahalanobis[1] = 0.0, np.nan
    batch = to_batch(replace(events, max_risk_estimate=risk, mahalanobis=mahalanobis), CPU)
    assert batch.physical[:3].tolist() == [0.0, 0.0, 1.0]
    assert torch.isfinite(batch.mahalanobis).all()
