"""Pages in a real browser: offline, silent, drawn, sortable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.reports import render, search_report
from search.reports.text import number
from search.storage.database import Database
from tests.chromium import Visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(demo: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("page") / "report.html"
    found.write_text(render(search_report(demo, "demo"), "html"), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def visit(browser: Any, path: Path) -> Iterator[Visit]:
    found = Visit(browser, path, viewport={"width": 1280, "height": 900})
    yield found
    found.page.close()


def test_it_opens_offline_and_in_silence(visit: Visit, path: Path) -> None:
    assert [url for url in visit.requests if not url.startswith("data:")] == [path.as_uri()]
    assert visit.complaints == []


def test_every_figure_is_drawn(visit: Visit) -> None:
    plots = visit.page.locator("[data-figure]")
    assert plots.count() == 12
    for i in range(plots.count()):
        assert plots.nth(i).locator("svg .trace").count() > 0


def test_it_shows_the_numbers_of_the_json(visit: Visit, demo: Database) -> None:
    found = json.loads(render(search_report(demo, "demo"), "json"))
    visit.page.locator("th button", has_text="Trial").first.scroll_into_view_if_needed()
    shown = dict(zip(visit.column(1), visit.column(3), strict=True))
    for trial in found["trials"]:
        value = trial["values"].get("val_ap")
        assert shown[str(trial["number"])] == ("" if value is None else str(value))
    tiles = visit.page.locator(".tile").all_inner_texts()
    assert any(number(found["best_value"]) in tile for tile in tiles)


def test_a_click_sorts_and_sorts_back(visit: Visit) -> None:
    head = visit.page.locator("#trial-table th", has_text="val_ap")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    values = [float(value) for value in visit.column(3) if value]
    assert values == sorted(values)
    assert visit.column(3)[-2:] == ["", ""]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [float(value) for value in visit.column(3) if value] == values[::-1]
    assert visit.column(3)[-2:] == ["", ""]
    assert visit.page.locator("#trial-status").inner_text() == "sorted by val_ap, descending"


def test_the_keyboard_sorts(visit: Visit) -> None:
    button = visit.page.locator("#trial-table th button", has_text="Outcome")
    button.focus()
    visit.page.keyboard.press("Enter")
    assert visit.column(2) == sorted(visit.column(2))
    visit.page.keyboard.press("Space")
    assert visit.column(2) == sorted(visit.column(2), reverse=True)


def test_the_filter_hides_the_rest(visit: Visit) -> None:
    visit.page.fill("#trial-filter", "pruned")
    assert visit.page.locator("#trial-table tbody tr:visible").count() == 13
    assert visit.page.locator("#trial-table-count").inner_text() == "13 shown"
    visit.page.fill("#trial-filter", "")
    assert visit.page.locator("#trial-table tbody tr:visible").count() == 40


def test_the_legend_answers_to_the_keyboard(visit: Visit) -> None:
    button = visit.page.locator("[data-legend=history] button", has_text="pruned")
    marks = visit.page.locator("#plot-history .scatterlayer .trace")
    before = marks.count()
    button.focus()
    visit.page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert marks.count() == before - 1
    visit.page.keyboard.press("Enter")
    assert marks.count() == before


def test_a_change_to_dark_reaches_the_figures(visit: Visit) -> None:
    mark = visit.page.locator("#plot-history .point").first
    light = mark.evaluate("mark => getComputedStyle(mark).fill")
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_timeout(500)
    dark = visit.page.locator("#plot-history .point").first
    assert dark.evaluate("mark => getComputedStyle(mark).fill") != light
    assert (
        visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 26, 32)"
    )
    visit.page.emulate_media(color_scheme="light")
    assert visit.complaints == []


def test_everything_is_reached_with_the_tabulator(visit: Visit) -> None:
    visit.page.reload()
    visit.page.wait_for_selector("html[data-drawn=all]")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(80):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("document.activeElement.tagName"))
    assert visit.page.locator(".modebar-btn").count() == 0  # one of them sends the chart away
    assert {"A", "BUTTON", "INPUT", "SUMMARY", "DIV"} <= reached


def test_a_phone_needs_no_sideways_scrolling(browser: Any, path: Path) -> None:
    phone = Visit(browser, path, viewport={"width": 390, "height": 844}, has_touch=True)
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
    widths = phone.page.locator(".plot").evaluate_all("plots => plots.map(p => p.scrollWidth)")
    assert max(widths) <= 358
    assert phone.complaints == []
    phone.page.close()


def test_without_scripts_the_numbers_are_there(browser: Any, path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert "need JavaScript" in page.locator("noscript").inner_text()
    assert page.locator("#trial-table tbody tr").count() == 40
    context.close()


def test_hostile_names_run_nothing(
    browser: Any, database: Database, plant: Any, tmp_path: Path
) -> None:
    name = "</script><img src=x onerror=alert(1)>"
    planter = plant(targets={name: 0.5}, objectives=[{"metric": name, "direction": "maximize"}])
    for value in (0.4, 0.6):
        planter.trial([value], arm=name)
    path = tmp_path / "hostile.html"
    path.write_text(render(search_report(database, "demo"), "html"), encoding="utf-8")
    found = Visit(browser, path)
    assert found.complaints == []
    assert found.page.locator("img").count() == 0
    assert name in found.page.locator("#trial-table").inner_text()
    found.page.close()
