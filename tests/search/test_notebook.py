"""A study that is run by a call, and what a notebook shows of it."""

from __future__ import annotations

import html
import re
import sys
from types import ModuleType

import pytest

import search
from search.errors import OptionError
from search.protocol.code import code_digest
from tests.chromium import NoChromium, chromium
from tests.search.protocol.toys import GOOD, NUISANCE, TRAINED, USELESS, study

QUICK = {"looks": (3,), "tuning": "none", "stack": False}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame(found) -> str:
    return html.unescape(re.search('srcdoc="([^"]*)"', found._repr_html_())[1])


def test_a_study_runs_by_a_call_and_shows_its_report(here, capsys):
    found = study(GOOD, USELESS).run(**QUICK)
    assert set(found.table["technique"]) == {"A", "B"}
    assert len(found.runs) == 9
    assert "toy/aa: 10/10 trials" in capsys.readouterr().out
    assert frame(found).lstrip().startswith("<!DOCTYPE html>")
    assert (here / "winnow.db").is_file()


@pytest.mark.usefixtures("here")
def test_the_same_call_again_trains_nothing():
    first = study(GOOD).run(**QUICK)
    trained = len(TRAINED)
    again = study(GOOD).run(**QUICK)
    assert len(TRAINED) == trained
    assert first.runs.equals(again.runs)


@pytest.mark.usefixtures("here")
def test_an_arm_is_run_again_by_a_call():
    first = study(GOOD, USELESS).run(**QUICK)
    trained = len(TRAINED)
    found = study(GOOD, USELESS).rerun("A", because="the wrong sign")
    assert len(TRAINED) - trained == 3
    assert len(found.runs) == len(first.runs) + 3  # those before are kept, and do not count
    assert "A run again, because: the wrong sign" in frame(found)


@pytest.mark.usefixtures("here")
def test_a_search_by_a_call_returns_its_trials(capsys):
    found = study(domains=NUISANCE).search(trials=4, confirm=0)
    assert list(found.trials["trial"]) == [0, 1, 2, 3]
    assert capsys.readouterr().err == ""
    assert found.trials["lr"].between(0, 1).all()
    best = found.trials.loc[found.trials["val_score"].idxmax()]
    assert found.best == ({"lr": best["lr"]} if best["lr"] else {})
    assert "toy" in frame(found)


def test_wrong_options_name_the_nearest(here):
    with pytest.raises(OptionError, match="did you mean 'workers'"):
        study(GOOD).run(worker=2)
    with pytest.raises(OptionError, match="did you mean 'quick'"):
        study(GOOD).run(profile="quik")
    with pytest.raises(OptionError, match="engine is 'ray' or 'local'"):
        study(GOOD).run(engine="rai")
    assert not list(here.iterdir())


def test_the_public_functions_are_the_methods():
    assert search.run_study.__doc__
    assert search.search_study.__doc__


@pytest.mark.browser
def test_the_frame_draws_in_a_browser_and_reaches_nothing_around_it(here):
    found = study(GOOD).run(**QUICK)
    path = here / "notebook.html"
    path.write_text(f"<!DOCTYPE html><p id='mine'>mine</p>{found._repr_html_()}")
    try:
        with chromium() as browser:
            page = browser.new_page()
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(path.as_uri())
            inner = page.frame_locator("iframe")
            inner.locator("html[data-drawn=all]").wait_for(state="attached", timeout=120_000)
            assert inner.locator(".priority tr.row").count() == 1
            reached = page.frames[1].evaluate(
                "() => { try { return parent.document.body.id } catch (e) { return e.name } }"
            )
            assert reached == "SecurityError"
            assert complaints == []
    except NoChromium as reason:
        pytest.skip(str(reason))


def interactive(text: str) -> ModuleType:
    module = ModuleType("cells_of_a_notebook")
    sys.modules[module.__name__] = module
    exec(compile(text, "<cell>", "exec"), vars(module))
    return module


CELL = """
GAIN = 1.0

def inner(x):
    return x * GAIN

def train(config, *, seed):
    yield {"val_score": inner(seed)}

class Model:
    def step(self):
        return {"val_score": inner(1)}
"""


@pytest.mark.parametrize("name", ["train", "Model"])
@pytest.mark.parametrize("change", [("x * GAIN", "x + GAIN"), ("1.0", "2.0"), ("val_", "va_")])
def test_changed_cells_are_other_code(name, change):
    before = code_digest(getattr(interactive(CELL), name))
    assert code_digest(getattr(interactive("\n\n# moved\n" + CELL), name)) == before
    assert code_digest(getattr(interactive(CELL.replace(*change)), name)) != before
    assert code_digest(getattr(interactive(CELL + "\ndef other(): ...\n"), name)) == before
    del sys.modules["cells_of_a_notebook"]
