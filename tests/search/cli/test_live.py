from __future__ import annotations

import re
import time
from io import StringIO

import pytest
from rich.console import Console

from search.cli.live import FRAME_S, Progress, View, duration, panel
from search.engine.stream import Limits
from search.loading import load_study
from search.protocol.searching import Options, run_search


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


FAILING = (
    "for epoch in range(9):",
    "if config.focal and config.gamma > 3:\n        raise ValueError('too steep')\n"
    "    for epoch in range(9):",
)


def frames(text):
    """Return what a terminal was told, without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_terminal_shows_the_search_as_it_goes(study_file):
    study_file.write_text(study_file.read_text().replace(*FAILING))
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=100, height=30)
    ended = []

    with View(console).showing() as view:

        def listener(stream):
            view(stream)
            (trials,) = stream.stage
            if trials.counts.finished == 6 and trials.live and not ended:
                ended.append(dict(trials.counts.outcomes))
                time.sleep(FRAME_S)
                view(stream)
                time.sleep(4 * FRAME_S)  # it is drawn a few times a second

        outcome = run_search(
            load_study(study_file),
            Options("sqlite:///winnow.db", engine="local"),
            trials=16,
            limits=Limits(),
            confirm=0,
            listener=listener,
        )
    told = frames(screen.getvalue())
    assert set(outcome.outcomes) == {"complete", "pruned", "failed"}
    halfway = ", ".join(f"{count} {name}" for name, count in sorted(ended[0].items()))
    assert f"1 running, {halfway}" in told
    assert re.search(r"time +\d+ s, about \d+ s left", told)
    last = told[told.rindex("toy/search") :]
    assert "━" * 30 + " 16/16" in last
    counts = ", ".join(f"{count} {name}" for name, count in sorted(outcome.outcomes.items()))
    assert f"0 running, {counts}" in last
    number, asked, result = outcome.best
    assert f"{result.values[0]:.5g} in trial {number}" in last
    assert f"lr={asked.changes['lr']:.4g}" in last
    assert 0 < outcome.steps_saved < 1
    assert f"{outcome.steps_saved:.0%} of the steps" in last


def test_elsewhere_there_are_whole_lines_and_no_control_sequences(study_file):
    console = Console(file=StringIO(), width=40)
    with View(console).showing() as view:
        run_search(
            load_study(study_file),
            Options("sqlite:///winnow.db", engine="local"),
            trials=4,
            limits=Limits(),
            confirm=0,
            listener=view,
        )
    told = console.file.getvalue()
    assert "\x1b" not in told
    assert "\ntoy/search: 4/4 trials, 0 running" in f"\n{told}"
