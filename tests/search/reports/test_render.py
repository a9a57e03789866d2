"""Every format: right numbers, degenerate searches, hostile text."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from search.errors import OptionError
from search.reports import render, search_report, search_words
from search.reports.render import FORMATS
from search.reports.text import number, signed
from search.space import Categorical, Float
from search.storage.database import Database

HOSTILE = "</script><script>alert(1)</script>|`a`*b*<img src=x onerror=alert(2)>\"'&{{7*7}}\x1b[31m"


class Page(HTMLParser):
    """What a browser would see: elements, and the text of the ones that hold no script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text.append(data)


def test_an_unknown_format_is_refused_with_its_neighbour(demo: Database) -> None:
    with pytest.raises(OptionError, match="no format 'htm'; did you mean 'html'"):
        render(search_report(demo, "demo"), "htm")


def test_json_holds_the_planted_numbers(demo: Database) -> None:
    report = search_report(demo, "demo")
    found = json.loads(render(report, "json"))
    assert report.best is not None
    assert found["best"] == report.best.number
    assert found["best_value"] == report.best.values[0]
    assert found["gain"] == {"value": report.gain, "label": "validation, selected"}
    assert found["importances"]["label"] == "display, not evidence"
    assert found["confirmation"]["mean_difference"] == pytest.approx(0.03)
    assert len(found["trials"]) == 40
    assert found["trials"][6]["values"] == {}
    assert found["trials"][0]["metrics"].keys() == {"val_ap"}


def test_csv_has_one_row_per_trial(demo: Database) -> None:
    report = search_report(demo, "demo")
    rows = list(csv.DictReader(io.StringIO(render(report, "csv"))))
    assert len(rows) == 40
    for row, trial in zip(rows, report.trials, strict=True):
        assert int(row["trial"]) == trial.number
        assert (float(row["val_ap"]) if row["val_ap"] else None) == trial.value
        assert float(row["lr"]) == trial.params["lr"]
        assert (row["gamma"] == "") is ("gamma" not in trial.params)


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_the_words_hold_the_numbers(demo: Database, form: str) -> None:
    report = search_report(demo, "demo")
    text = render(report, form)
    assert report.best is not None
    flat = " ".join("".join(Page(text).text).split() if form == "html" else text.split())
    assert number(report.best.values[0]) in flat
    assert signed(report.gain) in flat
    assert "validation, selected" in flat
    assert "a check and not evidence" in flat
    for difference in ("+0.03", "−0.01", "+0.07"):
        assert difference in flat
    if form != "table":
        assert "display, not evidence" in flat


@pytest.mark.parametrize("form", FORMATS)
def test_held_out_metrics_of_the_search_are_not_shown(demo: Database, form: str) -> None:
    assert "0.123456" not in render(search_report(demo, "demo"), form)
    assert "0.1235" not in render(search_report(demo, "demo"), form)


def test_a_page_is_whole_and_asks_for_nothing(demo: Database) -> None:
    text = render(search_report(demo, "demo"), "html")
    page = Page(text)
    assert text.count("plotly.js v") == 1
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "base")
        assert attributes.get("src") is None
        if tag == "link":
            assert attributes["href"] == "data:,"
        if tag == "a":
            assert (attributes["href"] or "").startswith("#")
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = {(a["href"] or "")[1:] for tag, a in page.tags if tag == "a"}
    assert links <= set(identifiers)


def test_every_figure_is_described_and_every_table_captioned(demo: Database) -> None:
    text = render(search_report(demo, "demo"), "html")
    page = Page(text)
    plots = [a for _, a in page.tags if "data-figure" in a]
    assert len(plots) == 12
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    assert text.count("<table") == text.count("<caption>")


def plant_hostile(plant: Any, configs: Any) -> None:
    config, model = configs
    spec = {
        "targets": {HOSTILE: 0.5},
        "objectives": [{"metric": f"val_{HOSTILE}", "direction": "maximize"}],
        "parameters": [
            {"name": f"p{HOSTILE}", "kind": "categorical", "choices": [HOSTILE, "plain"],
             "when": HOSTILE},
            {"name": "lr", "kind": "float", "low": 1e-5, "high": 0.1, "log": True, "when": None},
        ],
        "sampler": HOSTILE,
        "machine": {"host": HOSTILE},
        "source": None,
    }  # fmt: skip
    planter = plant(**spec)
    for i in range(12):
        params = {f"p{HOSTILE}": HOSTILE if i % 2 else "plain", "lr": 1e-4 * (i + 1)}
        distributions = plant_distributions()
        changes = {"model.pooling": HOSTILE} if i else {}
        planter.trial(
            [0.1 + i / 100, 0.2 + i / 100 + 0.1 * (i % 2)], config=config(model=model()),
            changes=changes, params=params, distributions=distributions, arm=HOSTILE,
        )  # fmt: skip
    planter.trial([], "failed", reason=HOSTILE, error=f"Traceback\n{HOSTILE}\n````", params={})
    check = plant(
        kind="confirm", seeds=[1], reference_lines={HOSTILE: {"1": {"test_ap": 0.3}}}, **spec
    )
    for arm in ("baseline", "best"):
        metrics = {f"val_{HOSTILE}": 0.5, "test_ap": 0.4}
        check.trial([metrics], arm=arm, seed=1, params={})


def plant_distributions() -> dict[str, Any]:
    return {f"p{HOSTILE}": Categorical((HOSTILE, "plain")), "lr": Float(1e-5, 0.1, log=True)}


def test_hostile_text_stays_text_on_a_page(database: Database, plant: Any, configs: Any) -> None:
    plant_hostile(plant, configs)
    text = render(search_report(database, "demo"), "html")
    page = Page(text)
    assert not any(tag == "img" for tag, _ in page.tags)
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert text.count("</script>") == 3
    assert "\x1b" not in text
    assert "{{7*7}}" in "".join(page.text)
    figures = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text)
    assert figures is not None
    assert "<" not in figures.group(1)
    drawn = json.loads(figures.group(1))
    assert "<script" not in json.dumps(drawn["figures"])
    assert "&lt;/script&gt;" in json.dumps(drawn["figures"])


def test_hostile_text_breaks_no_markdown_table(
    database: Database, plant: Any, configs: Any
) -> None:
    plant_hostile(plant, configs)
    text = render(search_report(database, "demo"), "markdown")
    outside = re.sub(r"(`{3,})(?s:.*?)\n\1\n", "", text)
    assert "<" not in outside
    blocks = re.findall(r"(?:^\|.*\n)+", outside, flags=re.MULTILINE)
    assert blocks
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1
    assert "`````text" in text


def test_hostile_text_obeys_no_terminal(database: Database, plant: Any, configs: Any) -> None:
    plant_hostile(plant, configs)
    assert "\x1b" not in render(search_report(database, "demo"), "table")


def test_a_spreadsheet_runs_no_formula(database: Database, plant: Any) -> None:
    plant().trial([-0.5], arm="=1+1", params={})
    rows = list(csv.DictReader(io.StringIO(render(search_report(database, "demo"), "csv"))))
    assert rows[0]["arm"] == "'=1+1"
    assert rows[0]["val_ap"] == "-0.5"


SHAPES: dict[str, list[tuple[list[float], str]]] = {
    "nothing": [],
    "only running": [([], "running")],
    "one": [([0.5], "complete")],
    "all diverged": [([math.nan], "diverged")] * 4,
    "all failed": [([], "failed")] * 3,
    "all pruned": [([0.1 * i] * 3, "pruned") for i in range(12)],
    "equal": [([0.0], "complete")] * 12,
    "exploded": [([10.0 ** (3 * i)], "complete") for i in range(12)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_degenerate_searches_are_reported(
    database: Database, plant: Any, configs: Any, shape: str
) -> None:
    planter = plant()
    for i, (curve, outcome) in enumerate(SHAPES[shape]):
        planter.trial(curve, outcome, configs[0](lr=0.001 * (i + 1)), reason="boom", error="boom")
    report = search_report(database, "demo")
    texts = {form: render(report, form) for form in FORMATS}
    assert len(json.loads(texts["json"])["trials"]) == len(SHAPES[shape])
    assert texts["csv"].count("\n") == 1 + len(SHAPES[shape])
    for form in ("table", "markdown", "html"):
        flat = " ".join(unescape(texts[form]).replace("\\", "").split())
        assert search_words.headline(report) in flat


def test_several_objectives_are_reported(database: Database, plant: Any, configs: Any) -> None:
    goals = [{"metric": "val_ap", "direction": "maximize"},
             {"metric": "cost", "direction": "minimize"}]  # fmt: skip
    planter = plant(objectives=goals)
    for i in range(12):
        metrics = {"val_ap": 0.5 + i / 100, "cost": 1.0 + (i * 7 % 12)}
        planter.trial([metrics], config=configs[0](lr=0.001 * (i + 1)))
    planter.trial([], "failed")
    report = search_report(database, "demo")
    assert all("cost" in render(report, form) for form in FORMATS)
    assert 'data-figure="pareto"' in render(report, "html")


def test_one_parameter_and_no_pruner_are_reported(
    database: Database, plant: Any, configs: Any
) -> None:
    spec: dict[str, Any] = {
        "parameters": [{"name": "lr", "kind": "float", "low": 1e-5, "high": 0.1, "log": True}],
        "pruner": {"kind": "NoPruning"},
        "targets": {},
    }
    planter = plant(**spec)
    domain = {"lr": Float(1e-5, 0.1, log=True)}
    for i in range(12):
        lr = 0.001 * (i + 1)
        planter.trial([0.1 * i], config=configs[0](lr=lr), params={"lr": lr}, distributions=domain)
    report = search_report(database, "demo")
    assert all(render(report, form) for form in FORMATS)
    assert "Needs two parameters" in render(report, "html")
