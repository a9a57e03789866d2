"""The pages of the documentation as blocks: code, commands and what they print.

How a block is tested stands in its fence: ``python`` is run, or, with a title, written to a file of
that name for the commands of its page; ``bash`` is run, in order, in a folder of the page's own;
``text`` after it is what that prints, in part (``…`` stands for anything up to the end of its
word or line); ``sh`` needs what tests have not (a cluster, hours, data), and its commands must
exist with their options.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
}
FENCE = re.compile(r"^```(\w*)[^\S\n]*(?:title=\"([^\"]+)\")?[^\n]*\n(.*?)^```$", re.M | re.S)
SLOW_IMPORTS = re.compile(
    r"^\s*(?:from|import) (?:torch|trainables|lightning|transformers)\b", re.M
)
COLUMNS = "92"  # the terminal's width in the pages


@dataclass(frozen=True)
class Block:
    """One fenced block; `title` is empty where it has none."""

    language: str
    title: str
    text: str

    @property
    def is_slow(self) -> bool:
        """Whether it imports what takes seconds."""
        return SLOW_IMPORTS.search(self.text) is not None

    def command_lines(self) -> list[str]:
        """Return its lines that begin with ``winnow``, without comments."""
        if self.language not in ("", "bash", "sh"):
            return []
        lines = [line.partition("  #")[0].strip() for line in self.text.splitlines()]
        return [line for line in lines if line.startswith("winnow ")]


def blocks_of(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(*(part or "" for part in found)) for found in FENCE.findall(text)]


def follow(page: str, folder: Path) -> None:
    """Do what a page says, in a folder of its own; fail where it is not so."""
    (folder / "studies").symlink_to(ROOT / "studies")
    printed = ""
    for block in blocks_of(PAGES[page]):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            printed = _run(block.text, folder)
        elif block.language == "text" and printed:
            _must_have_printed(block.text, printed)


def _run(commands: str, folder: Path) -> str:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", commands],
        cwd=folder,
        env={**os.environ, "PATH": programs, "COLUMNS": COLUMNS, "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _must_have_printed(wanted: str, printed: str) -> None:
    lines = [line.rstrip() for line in printed.splitlines()]
    for line in filter(None, map(str.rstrip, wanted.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        assert any(map(pattern.fullmatch, lines)), f"{line!r} is not in\n{printed}"
