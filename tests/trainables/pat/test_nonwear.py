"""Runs of zeros against a plain loop, and what each way of handling them changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from search.errors import DataError, SpaceError
from trainables.pat.nonwear import NonWear, handle, worn_minutes
from trainables.pat.windows import DAY, Windows

COUNTS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 40)),
    elements=st.sampled_from([0.0, 0.0, 0.0, 5.0, 150.0]),
)


def runs(flags):
    """First and one-past-last position of every run of True."""
    found, start = [], None
    for i, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = i
        if not flag and start is not None:
            found.append((start, i))
            start = None
    return found


def worn_slowly(row, minimum, interruptions):
    quiet = [count == 0 for count in row]
    for start, stop in runs([not flag for flag in quiet]):
        between = start > 0 and stop < len(row)
        if between and stop - start <= interruptions and max(row[start:stop]) < 100:
            quiet[start:stop] = [True] * (stop - start)
    worn = [True] * len(row)
    for start, stop in runs(quiet):
        if stop - start >= minimum:
            worn[start:stop] = [False] * (stop - start)
    return worn


@settings(max_examples=200, deadline=None)
@given(COUNTS, st.integers(1, 12), st.integers(0, 3))
def test_runs_are_those_of_a_plain_loop(counts, minimum, interruptions):
    expected = [worn_slowly(row, minimum, interruptions) for row in counts.tolist()]
    found = worn_minutes(counts, minimum, interruptions=interruptions)
    np.testing.assert_array_equal(found, expected)


def test_the_shortest_run_is_an_hour():
    counts = np.ones((2, DAY), np.float32)
    counts[0, 100:159] = 0  # 59 minutes
    counts[1, 100:160] = 0
    assert (~worn_minutes(counts)).sum(axis=1).tolist() == [0, 60]


def test_a_series_without_zeros_is_worn_throughout():
    assert worn_minutes(np.full((3, DAY), 2.0, np.float32)).all()


def windows(*days, participant=None):
    """One window per argument, of `len(argument)` days; a day is its level, 0 for not worn."""
    activity = np.stack([np.repeat(np.float32(levels), DAY) for levels in days])
    people = np.arange(len(days)) if participant is None else np.array(participant)
    return Windows(activity, np.ones(activity.shape, bool), people, np.zeros(len(days), np.int64))


def test_keep_only_marks():
    given_ = windows([3, 0], [4, 4])
    kept, dropped = handle(given_, NonWear())
    np.testing.assert_array_equal(kept.activity, given_.activity)
    assert kept.worn.mean(axis=1).tolist() == [0.5, 1.0]
    assert dropped == {"windows_not_worn": 0}


def test_zero_silences_interruptions():
    given_ = windows([3])
    given_.activity[0, 100:200] = 0
    given_.activity[0, 150] = 60  # somebody moved the table
    how = NonWear("zero", interruptions=2)
    silent, _ = handle(given_, how)
    assert (silent.activity == 0).sum() == 100
    unchanged, _ = handle(given_, NonWear("zero"))  # two runs of less than an hour
    assert (unchanged.activity == 0).sum() == 99


def test_impute_gives_the_persons_own_mean_at_that_minute_of_the_day():
    given_ = windows([10, 0], [20, 60], [1000, 1000], participant=[7, 7, 8])
    given_.activity[1, DAY + 5] = 90  # a minute of the worn days: 10, 20 and 90
    filled, _ = handle(given_, NonWear("impute"))
    expected = np.full(DAY, (10 + 20 + 60) / 3, np.float32)
    expected[5] = (10 + 20 + 90) / 3
    np.testing.assert_allclose(filled.activity[0, DAY:], expected, rtol=1e-6)
    changed = filled.activity != given_.activity
    assert not changed[filled.worn].any()
    assert not changed[2].any()
    assert filled.activity.dtype == np.float32


def test_impute_falls_back_to_the_persons_overall_mean_and_then_to_zero():
    given_ = windows([6], [0], participant=[1, 2])
    given_.activity[0, 300:420] = 0
    filled, _ = handle(given_, NonWear("impute"))
    np.testing.assert_allclose(filled.activity[0], 6.0)  # of 1320 worn minutes
    assert not filled.activity[1].any()


def test_drop_leaves_out_windows_worn_too_little():
    given_ = windows([3, 0], [4, 4], [0, 0])
    kept, dropped = handle(given_, NonWear("drop", least_worn=0.6))
    assert kept.participant.tolist() == [1]
    assert dropped == {"windows_not_worn": 2}
    with pytest.raises(DataError, match="no window was worn for 60% of its minutes"):
        handle(windows([0, 0]), NonWear("drop", least_worn=0.6))


def test_what_was_known_before_is_kept():
    given_ = windows([3])
    given_.worn[0, :10] = False
    kept, _ = handle(given_, NonWear())
    assert (~kept.worn).sum() == 10


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        (
            {"handling": "delete"},
            "data.nonwear.handling has no 'delete'; known: keep, zero, impute, drop",
        ),
        ({"minimum": 0}, "data.nonwear.minimum must be 1 or more, got 0"),
        ({"interruptions": -1}, "data.nonwear.interruptions must be 0 or more, got -1"),
        ({"least_worn": 1.5}, r"data.nonwear.least_worn must lie in \[0, 1\], got 1.5"),
    ],
)
def test_impossible_settings_are_refused(settings_, message):
    with pytest.raises(SpaceError, match=message):
        NonWear(**settings_)


def test_every_impossible_setting_is_named():
    with pytest.raises(SpaceError) as refused:
        NonWear("drp", minimum=0, interruptions=-1, interruption_counts=-1.0, least_worn=2.0)
    assert len(refused.value.problems) == 5
    assert "data.nonwear.handling has no 'drp'; did you mean 'drop'?" in refused.value.problems
