"""Cutting against a plain loop, and rows in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.errors import DataError
from trainables.pat.windows import DAY, Recordings, Windows, cut, recordings


def recorded(days, *, missing=(), person=1, label=0):
    """Days that are recorded, but for single missing minutes; a minute's count is its number."""
    minute = np.concatenate([day * DAY + np.arange(DAY) for day in days])
    minute = np.setdiff1d(minute, list(missing))
    return recordings(np.full(len(minute), person), minute, minute, {person: label})


def together(*parts: Recordings) -> Recordings:
    person = np.concatenate([np.repeat(part.participant, np.diff(part.first)) for part in parts])
    labels = {}
    for part in parts:
        labels |= dict(zip(part.participant.tolist(), part.label.tolist(), strict=True))
    minute, activity = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("minute", "activity")
    )
    return recordings(person, minute, activity, labels)


def cut_slowly(raw: Recordings, days: int) -> list[tuple[int, int]]:
    """Participant and first minute of every window, day by day."""
    found = []
    for i, person in enumerate(raw.participant):
        rows = raw.minute[raw.first[i] : raw.first[i + 1]].tolist()
        minutes = set(rows)
        end = max(rows) + 1
        first = next((m for m in range(0, end, DAY) if minutes.issuperset(range(m, m + DAY))), end)
        found += [
            (int(person), start)
            for start in range(first, end, days * DAY)
            if minutes.issuperset(range(start, start + days * DAY))
        ]
    return found


@settings(max_examples=25, deadline=None)
@given(
    people=st.lists(
        st.tuples(
            st.sets(st.integers(0, 11), min_size=1),
            st.sets(st.integers(0, 12 * DAY - 1), max_size=3),
        ),
        min_size=1,
        max_size=3,
    ),
    days=st.integers(1, 4),
)
def test_windows_are_those_of_a_plain_loop(people, days):
    raw = together(
        *(recorded(sorted(s), missing=gaps, person=i) for i, (s, gaps) in enumerate(people))
    )
    expected = cut_slowly(raw, days)
    if not expected:
        with pytest.raises(DataError, match="no window"):
            cut(raw, days)
        return
    windows, dropped = cut(raw, days)
    starts = windows.activity[:, 0].astype(int).tolist()
    assert list(zip(windows.participant.tolist(), starts, strict=True)) == expected
    np.testing.assert_array_equal(
        windows.activity, windows.activity[:, :1] + np.arange(days * DAY, dtype=np.float32)
    )
    assert windows.worn.all()
    recorded_days = len(np.unique(np.stack([_owner(raw), raw.minute // DAY]), axis=1).T)
    assert dropped["incomplete_days"] + dropped["left_over_days"] == (
        recorded_days - days * len(windows)
    )
    assert dropped["participants_without_window"] == len(raw) - len({p for p, _ in expected})


def _owner(raw):
    return np.repeat(np.arange(len(raw)), np.diff(raw.first))


def test_one_missing_minute_costs_its_window():
    raw = recorded(range(7), missing=[2 * DAY + 120])  # day 2 is not complete
    windows, dropped = cut(raw, 3)
    assert windows.activity[:, 0].tolist() == [3 * DAY]
    assert dropped == {
        "incomplete_days": 1,
        "left_over_days": 3,
        "participants_without_window": 0,
    }


def test_an_hour_lost_to_summer_time_costs_its_day_and_a_repeated_one_nothing():
    minutes = np.arange(3 * DAY)
    spring = np.setdiff1d(minutes, DAY + 120 + np.arange(60))
    windows, _ = cut(recordings(np.zeros_like(spring), spring, spring, {0: 1}), 1)
    assert windows.activity[:, 0].tolist() == [0, 2 * DAY]
    order = np.insert(minutes, DAY + 180, DAY + 120 + np.arange(60))
    counts = np.insert(minutes, DAY + 180, np.full(60, 9999))
    raw = recordings(np.zeros_like(order), order, counts, {0: 1})
    assert raw.dropped["duplicate_minutes"] == 60
    windows, dropped = cut(raw, 3)
    np.testing.assert_array_equal(windows.activity[0], minutes)  # the first of the two is kept
    assert dropped["incomplete_days"] == 0


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    person = np.repeat([5, 2], [2 * DAY, DAY])
    minute = np.concatenate([np.arange(2 * DAY), np.arange(DAY)])
    counts = rng.integers(0, 500, len(minute))
    first = recordings(person, minute, counts, {5: 1})
    order = rng.permutation(len(minute))
    second = recordings(person[order], minute[order], counts[order], {5: 1})
    assert first.participant.tolist() == [2, 5]
    assert first.label.tolist() == [-1, 1]  # nobody knows about 2
    for name in ("participant", "label", "first", "minute", "activity"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    windows, _ = cut(first, 1)
    assert windows.participant.tolist() == [2, 5, 5]
    assert windows.label.tolist() == [-1, 1, 1]
    assert windows.activity.dtype == np.float32


def test_windows_do_not_continue_into_the_next_person():
    raw = together(recorded([0], person=1), recorded([1, 2], person=2))
    windows, dropped = cut(raw, 2)
    assert windows.participant.tolist() == [2]
    assert dropped["participants_without_window"] == 1


@pytest.mark.parametrize("count", [-1.0, np.nan])
def test_impossible_counts_are_refused(count):
    with pytest.raises(DataError, match="1 are not"):
        recordings([0, 0], [0, 1], [3.0, count], {})


def test_nothing_is_refused():
    with pytest.raises(DataError, match="no minute of activity"):
        recordings([], [], [], {})
    with pytest.raises(ValueError, match="days must be at least 1, got 0"):
        cut(recorded([0]), 0)


def test_windows_are_taken_by_position_or_flag():
    windows = Windows(
        np.arange(6, dtype=np.float32).reshape(3, 2),
        np.ones((3, 2), bool),
        np.array([7, 8, 9]),
        np.array([0, 1, 0]),
    )
    assert len(windows) == 3
    assert windows.take(np.array([2, 0])).participant.tolist() == [9, 7]
    assert windows.take(windows.label == 1).activity.tolist() == [[2, 3]]


def test_arrays_must_belong_together():
    with pytest.raises(ValueError, match=r"must have the shape \(n_windows, minutes\)"):
        Windows(np.zeros((3, 2), np.float32), np.ones((3, 2), bool), np.arange(3), np.zeros(2, int))
