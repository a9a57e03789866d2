from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from search.cli.live import Progress, duration, panel


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min")]
)
def test_durations_read_like_a_person_says_them(seconds, words):
    assert duration(seconds) == words


def progress(**changes):
    base = {
        "title": "toy/search",
        "wanted": 10,
        "finished": 4,
        "running": 2,
        "outcomes": {"complete": 1, "pruned": 3},
        "best": (2, 0.8125, {"lr": 0.01}),
        "steps_saved": 0.5,
        "left_s": 90.0,
    }
    return Progress(**{**base, **changes})


def test_a_line_tells_states_best_saved_and_time_left():
    assert progress().line() == (
        "toy/search: 4/10 trials, 2 running, 1 complete, 3 pruned, best 0.8125 (trial 2), "
        "50% of steps saved, about 1 min 30 s left"
    )


def test_a_line_promises_nothing_it_does_not_know():
    assert "left" not in progress(left_s=None).line()
    assert "best" not in progress(best=None).line()


def test_the_panel_shows_hostile_text_as_it_is():
    console = Console(file=StringIO(), width=80)
    console.print(panel(progress(title="[red]x[/]", best=(1, 0.5, {"a": "[b]"})), 12.0))
    assert "[red]x[/]" in console.file.getvalue()
    assert "a=[b]" in console.file.getvalue()
