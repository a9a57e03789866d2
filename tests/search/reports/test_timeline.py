"""Timelines: workers in rows, idle times cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.reports.timeline import timeline
from search.storage.records import Asked, Attempt, Result, Step, TrialRecord


def record(
    number: int, *attempts: tuple[int, float, float | None, str | None], host: str = "ada"
) -> TrialRecord:
    found = tuple(
        Attempt(i, f"{number}-{i}", host, pid, 0, start, 0.0, ended=ended, end=end)  # type: ignore[arg-type]
        for i, (pid, start, ended, end) in enumerate(attempts)
    )
    last = attempts[-1][1] + 4.0
    steps = (Step(1, {"val_ap": 0.5}, 1.0, last),)
    return TrialRecord(
        number, Asked("baseline", 0, {}, {}, 1), 0.0, Result("complete"), found, steps
    )


def test_workers_get_a_row_each() -> None:
    drawn = timeline(
        [record(0, (1, 0.0, 10.0, "complete")), record(1, (2, 0.0, 8.0, "complete")),
         record(2, (2, 8.0, 12.0, "pruned"))]
    )  # fmt: skip
    assert drawn.rows == ("ada · 1", "ada · 2")
    by_trial = {bar.number: bar.row for bar in drawn.bars}
    assert by_trial[1] == by_trial[2] != by_trial[0]
    assert (drawn.elapsed_s, drawn.busy_s, drawn.worker_s) == (12.0, 12.0, 22.0)
    assert drawn.unit == "s"


def test_workers_that_never_lived_together_share_a_row() -> None:
    drawn = timeline([record(i, (i, 10.0 * i, 10.0 * i + 9, "complete")) for i in range(50)])
    assert drawn.rows == ("ada · 1",)


def test_a_night_between_two_runs_is_cut() -> None:
    drawn = timeline(
        [record(0, (1, 0.0, 100.0, "interrupted"), (2, 40_000.0, 40_100.0, "complete"))]
    )
    ((_, text),) = drawn.cuts
    assert text == "idle 11 h 5 min"
    assert drawn.busy_s == 200.0
    assert drawn.elapsed_s == 40_100.0
    first, second = drawn.bars
    assert second.start == pytest.approx((100.0 + 0.03 * 200.0) / 60)
    assert drawn.unit == "min"
    assert (first.end, drawn.lost) == ("interrupted", 1)


def test_an_attempt_that_still_runs_reaches_to_its_last_step() -> None:
    (bar,) = timeline([record(0, (1, 6.0, None, None))]).bars
    assert (bar.end, bar.length) == ("running", 4.0)


def test_nothing_has_a_timeline_too() -> None:
    assert timeline([]).bars == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 1e5), st.floats(0.1, 1e4)),
        min_size=1,
        max_size=30,
    )
)
def test_bars_of_different_workers_never_overlap_in_a_row(
    spans: list[tuple[int, float, float]],
) -> None:
    drawn = timeline(
        [
            record(i, (pid, start, start + took, "complete"))
            for i, (pid, start, took) in enumerate(spans)
        ]
    )
    assert sum(bar.elapsed_s for bar in drawn.bars) == pytest.approx(drawn.worker_s)
    assert drawn.busy_s <= drawn.worker_s * (1 + 1e-9)
    for one in drawn.bars:
        for two in drawn.bars:
            if one.row == two.row and one.pid != two.pid and one.start <= two.start:
                assert one.start + one.length <= two.start + 1e-6
