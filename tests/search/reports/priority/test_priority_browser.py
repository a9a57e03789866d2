"""The page in a real browser: offline, silent, drawn, sorted, folded, the numbers of the JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.reports import priority_report, render
from search.reports.priority_words import change, interval_words, ratio_words
from search.storage.database import Database

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def path(demo: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("page") / "report.html"
    found.write_text(render(priority_report(demo, "demo"), "html"), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def opened(browser: Any, visit: Any, path: Path) -> Iterator[Any]:
    found = visit(browser, path, viewport={"width": 1280, "height": 900})
    yield found
    found.page.close()


@pytest.fixture(scope="module")
def rows(demo: Database) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(priority_report(demo, "demo"), "json"))["rows"]
    return found


def order(page: Any) -> list[str]:
    found: list[str] = page.locator(".priority tr.row").evaluate_all(
        "rows => rows.map(r => r.dataset.technique)"
    )
    return found


def sort_by(page: Any, head: str) -> None:
    page.locator(".priority thead button", has_text=head).click()


def test_it_opens_offline_and_in_silence(opened: Any, path: Path) -> None:
    assert [url for url in opened.requests if not url.startswith("data:")] == [path.as_uri()]
    assert opened.complaints == []


def test_every_figure_is_drawn(opened: Any) -> None:
    plots = opened.page.locator("[data-figure]")
    keys = plots.evaluate_all("plots => plots.map(p => p.dataset.figure)")
    assert keys == ["forest", "curves", "stack", "levels-3"]
    for i in range(plots.count()):
        assert plots.nth(i).locator("svg .trace").count() > 0


def test_it_shows_the_numbers_of_the_json(opened: Any, rows: list[dict[str, Any]]) -> None:
    assert order(opened.page) == [row["technique"] for row in rows]
    for row in rows:
        part = opened.page.locator(f'tr.more[data-of="{row["technique"]}"]')
        shown: dict[str, Any] = {}
        for text in part.locator("dd[data-json]").evaluate_all(
            "found => found.map(d => d.dataset.json)"
        ):
            shown |= json.loads(text)
        wanted = {key: row[key] for key in shown}
        assert shown == wanted
        everywhere = {"technique", "rank", "verdict"}
        assert set(row) - everywhere <= set(shown) | ({"flags"} if not row["flags"] else set())


def test_the_row_prints_what_its_raw_values_say(opened: Any, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        line = opened.page.locator(f'tr.row[data-technique="{row["technique"]}"]')
        values = line.locator("td, th").evaluate_all("cells => cells.map(c => c.dataset.value)")
        assert values[0] == ("" if row["rank"] is None else str(row["rank"]))
        assert values[3] == ("" if row["effect"] is None else str(row["effect"]))
        assert values[6] == ("" if row["compute_ratio"] is None else str(row["compute_ratio"]))
        assert f"v-{row['verdict']}" in line.get_attribute("class")
        text = line.inner_text()
        assert change(row["effect"], 4) in text
        assert ratio_words(row["compute_ratio"]) in text
        if row["ci_low"] is not None:
            assert interval_words(row["ci_low"], row["ci_high"], 4) in text


def test_the_bars_lie_where_the_effects_are(opened: Any, rows: list[dict[str, Any]]) -> None:
    places = {}
    for row in rows:
        if row["effect"] is not None:
            point = opened.page.locator(f'tr.row[data-technique="{row["technique"]}"] .point')
            places[row["effect"]] = float(point.get_attribute("cx"))
    assert [places[e] for e in sorted(places)] == sorted(places.values())
    zero = float(opened.page.locator(".zero").first.get_attribute("x1"))
    assert all((place > zero) == (effect > 0) for effect, place in places.items() if effect)


def test_a_click_sorts_and_rows_keep_what_folds_out_of_them(opened: Any) -> None:
    page = opened.page
    sort_by(page, "Measured effect")
    head = page.locator(".priority th", has_text="Measured effect")
    assert head.get_attribute("aria-sort") == "ascending"
    assert order(page)[0] == "Wider & <deeper>"
    assert set(order(page)[-2:]) == {"Crashing", "Someday"}
    follows = page.locator(".priority tr.row").evaluate_all(
        "rows => rows.every(r => r.nextElementSibling.dataset.of === r.dataset.technique)"
    )
    assert follows
    sort_by(page, "Measured effect")
    assert order(page)[0] == "Focal loss"
    sort_by(page, "Verdict")
    assert order(page)[:2] == ["Focal loss", "SWA"]
    sort_by(page, "Rank")
    assert order(page)[:5] == ["Focal loss", "SWA", "Mixup", "Width", "Wider & <deeper>"]


def test_the_log_sorts_by_its_numbers_and_scrolls_in_its_frame(opened: Any) -> None:
    page = opened.page
    log = page.locator("#log table")
    page.locator("#log thead button", has_text="Gap to published").click()
    gaps = log.locator("tbody tr").evaluate_all("rows => rows.map(r => r.cells[8].dataset.value)")
    values = [float(gap) for gap in gaps if gap]
    assert values == sorted(values)
    assert gaps[-1] == ""
    assert len(values) == 8
    assert log.evaluate("t => t.scrollWidth > t.parentElement.clientWidth")
    caption = log.locator("caption > span")
    assert caption.evaluate("c => c.scrollWidth <= c.closest('.scroll').clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_a_row_folds_out_with_the_keyboard(opened: Any) -> None:
    page = opened.page
    button = page.locator("tr.row", has_text="Focal loss").first.locator("button")
    part = page.locator('tr.more[data-of="Focal loss"]')
    assert button.get_attribute("aria-expanded") == "false"
    assert not part.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert part.is_visible()
    assert "Adjusted p" in part.inner_text()
    page.keyboard.press("Space")
    assert not part.is_visible()
    page.locator("[data-toggle-all]").click()
    assert page.locator("tr.more:visible").count() == 8
    page.locator("[data-toggle-all]").click()
    assert page.locator("tr.more:visible").count() == 0


def test_a_change_to_dark_reaches_bars_and_figures(opened: Any) -> None:
    page = opened.page
    colour = "getComputedStyle(document.querySelector('.effect-bar .point')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert page.evaluate(colour) != light
    page.emulate_media(color_scheme="light")
    assert opened.complaints == []


def test_paper_shows_the_table_as_the_screen_does(opened: Any) -> None:
    page = opened.page
    page.locator("[data-toggle]").first.click()
    page.emulate_media(media="print")
    assert page.locator("tr.more:visible").count() == 1
    assert page.locator("nav:visible, [data-toggle-all]:visible").count() == 0
    page.emulate_media(media="screen")
    page.locator("[data-toggle]").first.click()


def test_a_phone_needs_no_sideways_scrolling(browser: Any, visit: Any, path: Path) -> None:
    phone = visit(browser, path, viewport={"width": 390, "height": 844}, has_touch=True)
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    table = page.locator(".priority")
    assert table.evaluate("t => t.scrollWidth <= t.parentElement.clientWidth")
    assert table.get_attribute("role") == "table"
    sort_by(page, "Technique")
    assert order(page)[0] == "Crashing"
    assert phone.complaints == []
    page.close()


def test_without_scripts_every_number_is_there(browser: Any, path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("tr.more:visible").count() == 8
    context.close()


def test_hostile_text_runs_nothing(
    browser: Any, visit: Any, plant: Any, entry: Any, tmp_path: Path
) -> None:
    name = "</script><img src=x onerror=alert(1)>\"'{{7*7}}"
    hostile = entry(
        name,
        on={name: name},
        reference=name,
        expected_note=name,
        effort_note=name,
        conflicts=[name],
    )
    planter = plant(hostile, targets={name: 0.6}, code={"baseline": "c0de", name: "c0de"})
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm(name, [0.70, None, 0.72], reason=f"ValueError: {name}", changes={name: name})
    path = tmp_path / "hostile.html"
    path.write_text(render(priority_report(planter.database, "demo"), "html"), encoding="utf-8")
    found = visit(browser, path)
    assert found.complaints == []
    assert found.page.locator("img").count() == 0
    assert name in found.page.locator(".priority").inner_text()
    found.page.close()
