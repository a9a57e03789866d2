"""Splits and arrays: no event twice, no label among the inputs, no statistic from held-out rows."""

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search.errors import DataError
from trainables.pi_tft import physics
from trainables.pi_tft.archive import to_frame, write_archive
from trainables.pi_tft.columns import OFFICIAL_TEST, TEMPORAL, TRUE_RISK
from trainables.pi_tft.conjunctions import Conjunctions, Role, generate
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.kelvins import (
    EVENT_TABLE_COLUMNS,
    TEST_EVENT_OFFSET,
    load_kelvins,
)
from trainables.pi_tft.raw_events import from_conjunctions, from_messages
from trainables.pi_tft.sequences import (
    Events,
    Splits,
    event_table_splits,
    generate_splits,
    make_splits,
)
from trainables.techniques.splitting import Sampling

CONFIG = GeneratorConfig(n_train=400, n_validation=100, n_test=150, near_share=0.3)
PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def drawn() -> dict[Role, Conjunctions]:
    return generate(CONFIG, seed=0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, drawn: dict[Role, Conjunctions]) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, drawn)
    return folder


@pytest.fixture(scope="module")
def official(archive: Path) -> pd.DataFrame:
    return load_kelvins(archive)


@pytest.fixture(scope="module")
def messages(official: pd.DataFrame) -> pd.DataFrame:
    """The train file alone: held-out events have to be drawn."""
    return official[~official[OFFICIAL_TEST]].reset_index(drop=True)


def parts(splits: Splits) -> tuple[Events, Events, Events]:
    return splits.train, splits.validation, splits.test


def assert_same(first: Events, second: Events) -> None:
    for item in fields(Events):
        one, other = getattr(first, item.name), getattr(second, item.name)
        np.testing.assert_array_equal(one, other, err_msg=item.name)


def test_frame_file_loader_and_direct_path_agree(
    official: pd.DataFrame, drawn: dict[Role, Conjunctions]
) -> None:
    from_file, dropped = from_messages(official, horizon_days=2.0)
    assert dropped == {"without_input": 0, "unlabelled": 0}
    for role, split in drawn.items():
        direct = from_conjunctions(split, horizon_days=2.0)
        numbers = split.event_id + TEST_EVENT_OFFSET * (role == "test")
        same = from_file.take(np.searchsorted(from_file.event_id, numbers))
        same = same.latest(direct.longest())
        direct = direct.latest(direct.longest())
        np.testing.assert_array_equal(same.event_id, numbers)
        for name in ("temporal", "time_to_tca", "static", "risk", "radius"):
            np.testing.assert_allclose(getattr(same, name), getattr(direct, name), rtol=1e-9)
        if role != "test":  # the archive does not publish the final miss distance of test events
            np.testing.assert_allclose(same.miss_distance, direct.miss_distance)
            np.testing.assert_allclose(same.last_days, direct.last_days)


def test_official_test_events_are_the_test_split(
    official: pd.DataFrame, drawn: dict[Role, Conjunctions]
) -> None:
    splits = make_splits(official, seed=0)
    np.testing.assert_array_equal(splits.test.event_id, drawn["test"].event_id + TEST_EVENT_OFFSET)
    np.testing.assert_allclose(splits.test.risk, drawn["test"].messages["risk"][:, -1], rtol=1e-6)
    with pytest.raises(DataError, match="cannot be redrawn"):
        make_splits(official, seed=0, sampling=Sampling("resplit"))


def test_unlabelled_official_events_are_dropped_and_counted(official: pd.DataFrame) -> None:
    unlabelled = official.assign(**{TRUE_RISK: np.nan})
    splits = make_splits(unlabelled, seed=0)
    assert splits.dropped["unlabelled"] == CONFIG.n_test
    assert splits.test.event_id.max() < TEST_EVENT_OFFSET


def test_splits_are_disjoint_complete_and_stratified(messages: pd.DataFrame) -> None:
    splits = make_splits(messages, seed=4, sampling=Sampling(split_seed=3))
    numbers = np.concatenate([events.event_id for events in parts(splits)])
    assert len(np.unique(numbers)) == len(numbers) == 500
    eligible = messages.groupby("event_id")["time_to_tca"].min() < 1.0
    outcome = messages.loc[messages.groupby("event_id")["time_to_tca"].idxmin()]
    high = outcome.set_index("event_id")["risk"] >= physics.HIGH_RISK
    for value in (True, False):
        members = int((eligible & (high == value)).sum())
        tested = int((splits.test.label == value).sum())
        assert tested == round(0.2 * members)
        assert int((splits.validation.label == value).sum()) == round(0.2 * (members - tested))


def test_validation_and_test_are_filtered_and_train_is_not(messages: pd.DataFrame) -> None:
    splits = make_splits(messages, seed=0)
    last = messages.groupby("event_id")["time_to_tca"].min()
    assert last[splits.test.event_id].max() < 1.0
    assert last[splits.validation.event_id].max() < 1.0
    assert (last[splits.train.event_id] >= 1.0).sum() > 50


def test_each_seed_moves_only_its_own_split(messages: pd.DataFrame) -> None:
    base = make_splits(messages, seed=0)
    other_seed = make_splits(messages, seed=1)
    np.testing.assert_array_equal(base.test.event_id, other_seed.test.event_id)
    assert set(base.validation.event_id) != set(other_seed.validation.event_id)
    other_split = make_splits(messages, seed=0, sampling=Sampling(split_seed=1))
    assert set(base.test.event_id) != set(other_split.test.event_id)
    redrawn = [
        make_splits(messages, seed=seed, sampling=Sampling("resplit")).test.event_id
        for seed in (0, 1)
    ]
    assert set(redrawn[0]) != set(redrawn[1])


def test_the_order_of_the_rows_does_not_matter(messages: pd.DataFrame) -> None:
    shuffled = messages.sample(frac=1.0, random_state=0)
    first = make_splits(messages, seed=0)
    second = make_splits(shuffled, seed=0)
    for one, other in zip(parts(first), parts(second), strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("horizon", [2.0, 4.0])
def test_inputs_respect_the_horizon_and_never_hold_the_label(
    messages: pd.DataFrame, horizon: float
) -> None:
    splits = make_splits(messages, seed=0, horizon_days=horizon)
    last = messages.groupby("event_id")["time_to_tca"].min()
    kept = 0
    for events in parts(splits):
        times = events.time_to_tca[events.mask]
        assert times.min() >= horizon
        latest = events.time_to_tca[:, -1]
        assert np.all(latest > last[events.event_id].to_numpy() + 1e-6)
        kept += len(events.label)
    assert kept + splits.dropped["without_input"] == 500


def test_events_without_input_are_dropped_and_counted(messages: pd.DataFrame) -> None:
    victim = messages["event_id"].iloc[0]
    late = messages[(messages["event_id"] != victim) | (messages["time_to_tca"] < 2.0)]
    only_label = messages["event_id"].iloc[-1]
    last = messages.loc[messages["event_id"] == only_label, "time_to_tca"].min()
    late = late[(late["event_id"] != only_label) | (late["time_to_tca"] == last)]
    splits = make_splits(late, seed=0)
    assert splits.dropped == {"without_input": 2, "unlabelled": 0}
    kept = np.concatenate([events.event_id for events in parts(splits)])
    assert victim not in kept
    assert only_label not in kept


def test_a_frame_that_leaves_nothing_is_refused(messages: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no event is left of"):
        make_splits(messages[messages["time_to_tca"] < 2.0], seed=0)
    with pytest.raises(DataError, match="must come from load_kelvins; they lack true_risk"):
        make_splits(messages.drop(columns=TRUE_RISK), seed=0)
    low = messages.assign(risk=-20.0)
    with pytest.raises(DataError, match="must hold high-risk events and others, got 0"):
        make_splits(low, seed=0)


def test_padding_is_on_the_left_and_zero() -> None:
    for events in parts(generate_splits(CONFIG, seed=1, delta_features=True)):
        assert events.mask[:, -1].all()
        assert np.all(np.diff(events.mask.astype(int), axis=1) >= 0)
        assert np.all(events.temporal[~events.mask] == 0.0)
        assert np.all(events.time_to_tca[~events.mask] == 0.0)
        both = events.mask[:, 1:] & events.mask[:, :-1]
        assert np.all(np.diff(events.time_to_tca, axis=1)[both] <= 0.0)


def test_arrays_have_the_promised_shapes_and_types() -> None:
    splits = generate_splits(CONFIG, seed=0)
    assert [len(events.label) for events in parts(splits)] == [400, 100, 150]
    for events in parts(splits):
        n, length, width = events.temporal.shape
        assert events.mask.shape == events.time_to_tca.shape == (n, length)
        assert width == len(events.temporal_names) == len(TEMPORAL) + 1
        assert events.static.shape == (n, len(events.static_names))
        assert events.temporal_names[events.miss_index] == "miss_distance"
        assert events.event_id.dtype == np.int64
        assert events.mask.dtype == np.bool_
        for item in fields(Events):
            values = getattr(events, item.name)
            if isinstance(values, np.ndarray) and item.name not in ("mask", "event_id"):
                assert values.dtype == np.float32, item.name
                assert np.isfinite(values).all(), item.name
        np.testing.assert_array_equal(events.label, events.risk >= -6.0)


def test_train_columns_are_standardised() -> None:
    splits = generate_splits(CONFIG, seed=0, delta_features=True)
    train = splits.train
    raw = len(TEMPORAL) + 1
    rows = train.temporal[train.mask].astype(np.float64)
    np.testing.assert_allclose(rows[:, :raw].mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(rows[:, :raw].std(axis=0), 1.0, atol=1e-4)
    has_previous = train.mask[:, 1:] & train.mask[:, :-1]
    deltas = train.temporal[:, 1:, raw:][has_previous].astype(np.float64)
    np.testing.assert_allclose(deltas.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(deltas.std(axis=0), 1.0, atol=1e-4)
    np.testing.assert_allclose(train.static.astype(np.float64).mean(axis=0), 0.0, atol=1e-4)


def test_deltas_are_differences_of_the_raw_columns() -> None:
    plain = generate_splits(CONFIG, seed=0).test
    both = generate_splits(CONFIG, seed=0, delta_features=True).test
    width = plain.temporal.shape[2]
    np.testing.assert_array_equal(both.temporal[:, :, :width], plain.temporal)
    assert both.temporal_names[width:] == tuple(f"delta_{name}" for name in TEMPORAL)
    has_previous = plain.mask[:, 1:] & plain.mask[:, :-1]
    for column in range(len(TEMPORAL)):  # scaled twice, so equal up to one linear map
        difference = np.diff(plain.temporal[:, :, column], axis=1)[has_previous]
        delta = both.temporal[:, 1:, width + column][has_previous]
        assert np.corrcoef(difference, delta)[0, 1] > 0.9999
    first = plain.mask & ~np.pad(plain.mask[:, :-1], ((0, 0), (1, 0)))
    assert np.all(both.temporal[:, :, width:][first] == 0.0)


def test_statistics_come_from_the_train_split_only(messages: pd.DataFrame) -> None:
    base = make_splits(messages, seed=0)
    held_out = messages["event_id"].isin([*base.validation.event_id, *base.test.event_id])
    changed = messages.copy()
    changed.loc[held_out, "miss_distance"] *= 50.0
    changed.loc[held_out, "F10"] += 1000.0
    after = make_splits(changed, seed=0)
    assert_same(base.train, after.train)
    assert not np.array_equal(base.test.temporal, after.test.temporal)


def test_missing_values_become_the_train_median(messages: pd.DataFrame) -> None:
    splits = make_splits(messages, seed=0)
    share = splits.train.temporal_names.index("missing_share")
    sigma = splits.train.temporal_names.index("c_sigma_t")
    rows = splits.train.temporal[splits.train.mask]
    missing = rows[:, share] > rows[:, share].min() + 1e-3
    assert missing.mean() == pytest.approx(0.05, abs=0.01)
    assert len(np.unique(rows[missing, sigma])) == 1
    assert rows[missing, sigma][0] == pytest.approx(np.median(rows[~missing, sigma]), abs=1e-3)


def test_max_length_keeps_the_latest_messages() -> None:
    whole, short = (generate_splits(CONFIG, seed=0, max_length=n).test for n in (30, 5))
    assert whole.temporal.shape[1] < 30  # no longer than the longest event
    assert short.temporal.shape[1] == 5
    np.testing.assert_array_equal(short.time_to_tca, whole.time_to_tca[:, -5:])
    np.testing.assert_array_equal(short.risk, whole.risk)
    with pytest.raises(DataError, match="max_length must be at least 1, got 0"):
        generate_splits(CONFIG, seed=0, max_length=0)


def test_physics_inputs_are_those_of_the_latest_message(drawn: dict[Role, Conjunctions]) -> None:
    events = generate_splits(CONFIG, seed=0).test
    frame = to_frame(drawn["test"])
    latest = frame[frame["time_to_tca"] >= 2.0].groupby("event_id").last()
    final = frame.groupby("event_id").last()
    np.testing.assert_allclose(events.max_risk_estimate, latest["max_risk_estimate"], rtol=1e-5)
    np.testing.assert_allclose(events.mahalanobis**2 / 2, latest["max_risk_scaling"], rtol=1e-5)
    np.testing.assert_allclose(events.log_miss_latest, np.log1p(latest["miss_distance"]), rtol=1e-5)
    np.testing.assert_allclose(events.log_miss, np.log1p(final["miss_distance"]), rtol=1e-5)
    radius = physics.combined_radius(latest["t_span"], latest["c_span"])
    size = np.exp(events.log_sigma.astype(float))
    probability = physics.collision_probability(radius, size, size, events.mahalanobis)
    with np.errstate(divide="ignore"):
        risk = np.maximum(np.log10(probability), -30.0)
    np.testing.assert_allclose(risk, latest["risk"], atol=1e-3)


def test_a_value_that_the_latest_message_lacks_is_taken_from_an_earlier_one(
    messages: pd.DataFrame,
) -> None:
    base = make_splits(messages, seed=0)
    inputs = messages[messages["time_to_tca"] >= 2.0]
    latest = inputs.groupby("event_id")["time_to_tca"].idxmin()[base.test.event_id]
    changed = messages.copy()
    changed.loc[latest, "max_risk_estimate"] = np.nan
    after = make_splits(changed, seed=0)
    count = base.test.mask.sum(axis=1)
    earlier = (
        inputs[~inputs.index.isin(latest)]
        .sort_values("time_to_tca")
        .groupby("event_id")["max_risk_estimate"]
        .first()
    )
    several = base.test.event_id[count > 1]
    np.testing.assert_allclose(after.test.max_risk_estimate[count > 1], earlier[several], rtol=1e-5)
    assert np.isfinite(after.test.max_risk_estimate).all()


def test_generated_splits_repeat_with_their_seed() -> None:
    first, second = (generate_splits(CONFIG, seed=7) for _ in range(2))
    for one, other in zip(parts(first), parts(second), strict=True):
        assert_same(one, other)
    third = generate_splits(CONFIG, seed=8)
    assert not np.array_equal(first.test.risk, third.test.risk)


def event_table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.uniform(1.0, 9.0, n) for name in EVENT_TABLE_COLUMNS})
    risk = rng.uniform(-12.0, -6.5, n)
    final = risk + rng.normal(scale=3.0, size=n)
    table["std_risk_CDMs"] = np.where(rng.random(n) < 0.2, np.nan, 1.0 + rng.random(n))
    return table.assign(event_id=np.arange(n)[::-1], r_minus2=risk, r_final=final)


def test_the_event_table_becomes_sequences_of_length_one() -> None:
    table = event_table()
    splits = event_table_splits(table, seed=0)
    numbers = np.concatenate([events.event_id for events in parts(splits)])
    assert sorted(numbers) == list(range(300))
    by_event = table.set_index("event_id")
    for events in parts(splits):
        assert events.temporal.shape[1] == 1
        assert events.mask.all()
        rows = by_event.loc[events.event_id]
        np.testing.assert_array_equal(events.label, rows["r_final"] >= -6.0)
        np.testing.assert_allclose(events.time_to_tca[:, 0], rows["time_to_tca"], rtol=1e-6)
        np.testing.assert_array_equal(events.log_miss, events.log_miss_latest)
        np.testing.assert_allclose(events.log_miss, np.log1p(rows["miss_distance"]), rtol=1e-6)
        assert np.isfinite(events.static).all()
        assert "r_final" not in (*events.temporal_names, *events.static_names)
        scaled = events.temporal[:, 0, events.temporal_names.index("risk")]
        assert np.corrcoef(scaled, rows["r_minus2"])[0, 1] > 0.9999


def test_the_event_table_keeps_its_held_out_events() -> None:
    first, second = (event_table_splits(event_table(), seed=s) for s in (0, 1))
    np.testing.assert_array_equal(first.test.event_id, second.test.event_id)
    assert set(first.validation.event_id) != set(second.validation.event_id)


def test_the_leaking_population_is_refused() -> None:
    table = event_table()
    table.loc[3, "r_minus2"] = -5.0
    with pytest.raises(DataError, match=r"1 rows have r_minus2 >= -6.*honest_subset"):
        event_table_splits(table, seed=0)


def test_the_data_side_does_not_import_torch() -> None:
    code = "import sys, trainables.pi_tft.sequences; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_sizes_come_from_the_configuration() -> None:
    splits = generate_splits(replace(CONFIG, n_train=60, n_test=11), seed=0)
    assert [len(events.label) for events in parts(splits)] == [60, 100, 11]
