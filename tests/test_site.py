"""The documentation as a site: it builds without a warning, and asks nothing of another host."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from docs import hooks
from docs.drawing.__main__ import FOLDER, draw
from search.cli.app import app
from tests.chromium import NoChromium, chromium
from tests.pages import PAGES, ROOT

NUMBER = re.compile(r"-?\d+\.\d+|-?\d+")
POINT = 0.06  # rounding of another machine's arithmetic, in points
NOT_FOUND = "404.html"  # a server's page: its paths begin at the server's root
SYSTEMS = sorted(page for page in PAGES if "<!-- measured:" in PAGES[page])


def test_the_pictures_are_those_that_are_drawn(tmp_path):
    draw(tmp_path)
    for picture in sorted(tmp_path.glob("*.svg")):
        drawn, kept = picture.read_text(), (FOLDER / picture.name).read_text()
        assert NUMBER.sub("#", drawn) == NUMBER.sub("#", kept), picture.name
        pairs = zip(NUMBER.findall(drawn), NUMBER.findall(kept), strict=True)
        assert max(abs(float(a) - float(b)) for a, b in pairs) < POINT, picture.name
        assert f"pictures/{picture.name}" in PAGES["statistics"]


def test_the_examples_of_the_hooks_hold():
    found = doctest.testmod(hooks)
    assert found.attempted >= 3
    assert found.failed == 0


@pytest.mark.parametrize("page", SYSTEMS)
def test_a_system_shows_the_table_that_is_kept(page):
    report = hooks.MEASURED.search(PAGES[page])[1]
    kept = (ROOT / report).read_text(encoding="utf-8")
    shown = hooks.head_of(report)
    assert kept.splitlines()[2] in shown
    table = [line for line in kept.split("<details>")[0].splitlines() if line.startswith("|")]
    assert [line for line in table if line not in shown] == []
    assert "<details>" not in shown
    assert (ROOT / re.search(r"\]\((\S+\.svg)\)", shown)[1]).is_file()


def test_every_command_is_described():
    text = hooks.commands()
    for command in app.registered_commands:
        assert f"\n## winnow {command.name}\n" in f"\n{text}"
    assert "| `--profile` |" in text


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def served(site):
    """The site's address on a server of its own."""
    handler = partial(SimpleHTTPRequestHandler, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.slow
def test_the_site_has_every_page_and_every_word_of_the_reference(site):
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    assert set(PAGES) <= pages
    text = unescape(re.sub(r"<[^>]+>", "", (site / "reference/study.html").read_text()))
    for name in ("Study", "Objective", "Resources", "run_study"):
        assert f"search.{name}" in text
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
def test_no_page_names_another_host_to_load_from(site):
    loading = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"?(?:https?:)?//")
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    assert [path.name for path in pages if loading.search(path.read_text())] == []
    sheets = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheets) == []


@pytest.mark.slow
@pytest.mark.browser
def test_pages_ask_nothing_of_another_host_and_fit_any_screen(site, served):
    asked, complaints, too_wide = [], [], []
    try:
        with chromium() as browser:
            for width in (1300, 400):
                page = browser.new_page(viewport={"width": width, "height": 900})
                page.on("request", lambda request: asked.append(request.url))
                page.on("console", lambda message: complaints.append(message.text))
                page.on("pageerror", lambda error: complaints.append(str(error)))
                for path in sorted(set(site.rglob("*.html")) - {site / NOT_FOUND}):
                    page.goto(f"{served}/{path.relative_to(site).as_posix()}")
                    if _overflow(page) > 0:
                        too_wide.append((width, path.relative_to(site).as_posix()))
                page.close()
    except NoChromium as reason:
        pytest.skip(str(reason))
    assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []
    assert complaints == []
    assert too_wide == []


@pytest.mark.slow
@pytest.mark.browser
def test_search_finds_a_page(served):
    try:
        with chromium() as browser:
            page = browser.new_page()
            page.goto(f"{served}/index.html")
            page.locator(".md-search__input").click()
            page.locator(".md-search__input").press_sequentially("late bloomer")
            page.wait_for_selector(".md-search-result__item", timeout=60_000)
            found = page.locator(".md-search-result__item").first.inner_text()
    except NoChromium as reason:
        pytest.skip(str(reason))
    assert "bloomer" in found


def _overflow(page) -> int:
    shown = "document.documentElement"
    return page.evaluate(f"{shown}.scrollWidth - {shown}.clientWidth")
