"""What augmentation hides is hidden, and nothing else is touched."""

from dataclasses import replace

import pytest
import torch

from tests.trainables.han.panels import small_panel
from trainables.han.augmentation import AugmentConfig, augment_problems, augmented
from trainables.han.data_config import DataConfig
from trainables.han.inputs import series_of, splits_of

SUSPECT = ("m",)


@pytest.fixture(scope="module")
def batch():
    config = DataConfig()
    series = series_of(config, splits_of(config, small_panel(), seed=0), torch.device("cpu"))
    return series.batch(series.anchors("train"))


@pytest.fixture(autouse=True)
def _stream():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def sources(batch):
    return {**batch.daily, **batch.regional, **batch.monthly}


def hidden(before, after):
    """For each sample, whether a source that was seen is not any more."""
    return before.mask.flatten(1).any(1) & ~after.mask.flatten(1).any(1)


def test_nothing_is_done_by_default(batch):
    assert augmented(batch, AugmentConfig(), SUSPECT) is batch


def test_jitter_moves_observed_values_by_its_deviation(batch):
    found = augmented(batch, AugmentConfig(jitter=0.3), SUSPECT)
    for name, seen in sources(found).items():
        before = sources(batch)[name]
        moved = seen.values - before.values
        assert torch.equal(seen.mask, before.mask)
        assert (moved[~seen.mask] == 0).all()
        assert moved[seen.mask].std().item() == pytest.approx(0.3, rel=0.1)


def test_a_cropped_window_begins_later_in_all_daily_sources(batch):
    found = augmented(batch, AugmentConfig(crop=0.5), SUSPECT)
    days = batch.month.shape[1]
    seen = torch.stack([found.daily[name].mask.any(-1) for name in found.daily]).any(0)
    before = torch.stack([batch.daily[name].mask.any(-1) for name in batch.daily]).any(0)
    changed = (seen != before).any(0)
    assert changed[: days // 4].any()
    assert not changed[days // 2 :].any()
    for row, old in zip(seen, before, strict=True):
        first = int(row.float().argmax())
        assert torch.equal(row[first:], old[first:])


def test_hidden_days_are_hidden_in_all_daily_sources(batch):
    found = augmented(batch, AugmentConfig(time_mask=0.25), SUSPECT)
    gone = torch.ones(batch.month.shape, dtype=torch.bool)
    for name in ("a", "b", "r"):
        before, after = sources(batch)[name], sources(found)[name]
        assert (after.values[~after.mask] == 0).all()
        assert not (after.mask & ~before.mask).any()
        gone &= ~after.mask.flatten(2).any(2)
    whole = [sources(batch)[name].mask.flatten(2).any(2) for name in ("a", "b", "r")]
    share = gone[whole[0] | whole[1] | whole[2]].float().mean().item()
    assert share == pytest.approx(0.25, abs=0.03)
    for name in ("a", "b", "r"):
        before, after = sources(batch)[name], sources(found)[name]
        assert torch.equal(after.mask[~gone], before.mask[~gone])
        assert torch.equal(after.values[~gone], before.values[~gone])
    assert torch.equal(found.monthly["m"].mask, batch.monthly["m"].mask)


@pytest.mark.parametrize(
    ("which", "expected"), [("suspect", "m"), ("monthly", "m"), ("all", "abrm")]
)
def test_the_sources_that_are_hidden(batch, which, expected):
    found = augmented(batch, AugmentConfig(source_dropout=0.5, sources=which), SUSPECT)
    for name, seen in sources(found).items():
        count = int(hidden(sources(batch)[name], seen).sum())
        assert (count > 0) == (name in expected)


def test_suspects_may_be_of_any_resolution(batch):
    found = augmented(batch, AugmentConfig(source_dropout=0.9), ("b",))
    assert hidden(batch.daily["b"], found.daily["b"]).any()
    assert torch.equal(batch.monthly["m"].mask, found.monthly["m"].mask)
    assert augmented(batch, AugmentConfig(source_dropout=0.9), ()).daily["b"] is batch.daily["b"]


def test_the_share_of_windows_is_the_probability(batch):
    wide = replace(batch, monthly={"m": batch.monthly["m"]})
    counts = [
        hidden(wide.monthly["m"], found.monthly["m"]).float().mean().item()
        for found in (
            augmented(wide, AugmentConfig(source_dropout=0.4), SUSPECT) for _ in range(30)
        )
    ]
    seen = wide.monthly["m"].mask.flatten(1).any(1).float().mean().item()
    assert sum(counts) / 30 == pytest.approx(0.4 * seen, abs=0.04)


def test_a_batch_may_draw_as_one(batch):
    config = AugmentConfig(source_dropout=0.5, scope="batch")
    shares = set()
    for _ in range(20):
        found = augmented(batch, config, SUSPECT)
        seen = batch.monthly["m"].mask.flatten(1).any(1)
        shares.add(hidden(batch.monthly["m"], found.monthly["m"])[seen].float().mean().item())
    assert shares == {0.0, 1.0}


def test_zeros_pass_for_observed_values_where_that_is_wanted(batch):
    config = AugmentConfig(source_dropout=0.5, mode="zero")
    before, after = batch.monthly["m"], augmented(batch, config, SUSPECT).monthly["m"]
    assert torch.equal(before.mask, after.mask)
    zeroed = (after.values == 0).flatten(1).all(1) & ~(before.values == 0).flatten(1).all(1)
    assert 0 < int(zeroed.sum()) < len(batch)
    assert torch.equal(after.values[~zeroed], before.values[~zeroed])


def test_targets_and_calendar_stay(batch):
    found = augmented(batch, AugmentConfig(0.3, 0.3, 0.3, "all"), SUSPECT)
    for name in ("targets", "month", "weekday", "season", "month_season"):
        assert getattr(found, name) is getattr(batch, name)


def test_the_stream_is_torchs_own(batch):
    config = AugmentConfig(0.1, 0.2, 0.3, "all")
    torch.manual_seed(5)
    first = augmented(batch, config, SUSPECT)
    torch.manual_seed(5)
    again = augmented(batch, config, SUSPECT)
    other = augmented(batch, config, SUSPECT)
    assert torch.equal(first.daily["a"].values, again.daily["a"].values)
    assert not torch.equal(first.daily["a"].values, other.daily["a"].values)


def test_a_wrong_configuration_is_explained():
    wrong = AugmentConfig(-1.0, 1.0, -0.1, "suspects", "zeros", "epoch")  # type: ignore[arg-type]
    problems = list(augment_problems(wrong))
    assert len(problems) == 6
    assert "did you mean 'suspect'" in problems[3]
    assert not list(augment_problems(AugmentConfig()))
