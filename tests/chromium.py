"""Chromium, if there is one, and pages that were opened in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class NoChromium(Exception):  # noqa: N818 - a reason to skip, not an error
    """There is none on this machine."""


@contextmanager
def chromium() -> Iterator[Any]:
    """Have a browser while the block runs.

    Raises
    ------
    NoChromium
        If there is none.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise NoChromium(f"no Chromium on this machine: none of {', '.join(NAMES)} is in PATH")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield found
        found.close()


class Visit:
    """A page that was opened, with all it asked for and complained about."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn=all]", timeout=120_000)

    def column(self, place: int) -> list[str]:
        cells = self.page.locator(f"#trial-table tbody tr > :nth-child({place})")
        found: list[str] = cells.evaluate_all("cells => cells.map(c => c.dataset.value)")
        return found
