"""Generated splits: sizes, seeds, replications."""

from dataclasses import replace

import numpy as np
import pytest

from search.errors import TrainableError
from trainables.han.generated import LEAD_IN, generate
from trainables.han.generator import GeneratorConfig
from trainables.han.panel import month_of_day
from trainables.han.windows import WindowConfig
from trainables.techniques.splitting import Sampling

SMALL = GeneratorConfig(n_train=60, n_validation=30, n_test=50)
WINDOWS = WindowConfig()


def small(seed=0, sampling=None, config=SMALL, windows=WINDOWS):
    return generate(config, windows, seed=seed, sampling=sampling or Sampling())


def arrays(panel):
    return {**panel.daily, **panel.regional, **panel.monthly, **panel.targets}


def same(one, other, days=slice(None)):
    pairs = [(v[days], arrays(other)[k][days]) for k, v in arrays(one).items()]
    return [np.array_equal(a, b, equal_nan=True) for a, b in pairs]


def test_the_same_seed_gives_the_same_panel_whatever_the_global_state():
    np.random.seed(1)  # noqa: NPY002  the point is that global state does not matter
    first = small()
    np.random.seed(2)  # noqa: NPY002
    assert all(same(first.panel, small().panel))
    assert not any(same(first.panel, small(1).panel))


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_splits_have_the_windows_that_were_asked_for(stride):
    splits = small(windows=WindowConfig(stride=stride))
    assert [len(splits.anchors(name)) for name in splits.periods] == [60, 30, 50]
    assert splits.train[0] == LEAD_IN
    assert splits.test[0] == splits.periods["validation"][1] + LEAD_IN


def test_another_embargo_moves_nothing_but_the_last_anchors():
    plain, wide = small(), small(windows=WindowConfig(embargo=61))
    assert all(same(plain.panel, wide.panel))
    assert wide.test.tolist() == plain.test.tolist()
    assert wide.train.tolist() == plain.train[:-10].tolist()


def test_by_default_everything_is_drawn_anew():
    one, other = small(0), small(1)
    days = slice(one.periods["test"][0], None)
    assert not any(same(one.panel, other.panel, days)[:4])


def test_fixed_holds_the_test_period_and_what_its_windows_read():
    one, other = (small(seed, Sampling("fixed", 7)) for seed in (0, 1))
    first = int(one.test[0]) - LEAD_IN
    months = month_of_day(one.panel.days())
    month = int(months[one.test[0]]) - WINDOWS.months + 1
    for name, values in one.panel.monthly.items():
        assert np.array_equal(values[month:], other.panel.monthly[name][month:], equal_nan=True)
        assert not np.array_equal(values[:month], other.panel.monthly[name][:month])
    for kind in ("daily", "regional", "targets"):
        for name, values in getattr(one.panel, kind).items():
            again = getattr(other.panel, kind)[name]
            assert np.array_equal(values[first:], again[first:], equal_nan=True)
            assert not np.array_equal(values[:first], again[:first], equal_nan=True)
    elsewhere = small(0, Sampling("fixed", 8))
    assert not any(same(one.panel, elsewhere.panel, slice(first, None))[:4])
    assert all(same(one.panel, elsewhere.panel, slice(0, 200))[:4])


def test_days_cannot_be_split_again():
    with pytest.raises(TrainableError, match="fresh"):
        small(sampling=Sampling("resplit"))


def test_another_world_has_other_columns():
    one, other = small(), small(config=replace(SMALL, world=1))
    assert not np.array_equal(one.panel.distances, other.panel.distances)
    assert not any(same(one.panel, other.panel)[:4])


def test_spare_sources_leave_everything_else_as_it_is():
    plain = generate(SMALL, WindowConfig(), seed=3).panel
    more = generate(replace(SMALL, spare=2), WindowConfig(), seed=3).panel
    assert set(more.regional) == {*plain.regional, "spare_1", "spare_2"}
    for name, values in {**plain.daily, **plain.regional}.items():
        np.testing.assert_array_equal(values, {**more.daily, **more.regional}[name])
    for name, values in plain.targets.items():
        np.testing.assert_array_equal(values, more.targets[name])
    first, second = (more.regional[f"spare_{place}"] for place in (1, 2))
    known = ~np.isnan(first) & ~np.isnan(second)
    assert abs(np.corrcoef(first[known], second[known])[0, 1]) < 0.2
