"""What MkDocs alone does not do for the site, so that no number and no option is copied by hand.

Files under ``studies/`` keep their places, and a link such as ``../studies/results/han.md`` works
in the repository and on the site. A line ``<!-- measured: studies/results/han.md -->`` becomes the
head of that report: its headline, its table and its figure. ``<!-- commands -->`` becomes every
command with its options, asked of the commands themselves.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from search.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("studies/results/**/*.md", "studies/results/**/*.svg", "studies/clusters/*.*")
MEASURED = re.compile(r"^<!-- measured: (\S+) -->$", flags=re.MULTILINE)
COMMANDS = "<!-- commands -->"
DETAILS = "<details>"
BAR = re.compile(r"`([\s│┊├─●┤]*●[\s│┊├─●┤]*)`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)")
ELSEWHERE = re.compile(r"^(\w+:|#|/)")
NO_DEFAULT: tuple[Any, ...] = (None, False, (), [])


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the kept reports and the clusters' templates, under their own paths."""
    for path in sorted({path for pattern in KEPT for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Fill in what is measured, and lead links to where the site has their files."""
    place = page.file.src_uri
    if place.startswith("studies/"):
        page.meta["search"] = {
            "exclude": True
        }  # numbers by the thousand; the systems' pages remain
        return readable(markdown)
    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, commands())
    up = posixpath.relpath("studies", posixpath.dirname(place) or ".")

    def measured(found: re.Match[str]) -> str:
        return readable(head_of(found[1])).replace("](studies/", f"]({up}/")

    return MEASURED.sub(measured, relinked(markdown, place))


def readable(markdown: str) -> str:
    """Keep what GitHub does and MkDocs does not: Markdown inside of what folds, blanks of a bar.

    Examples
    --------
    >>> readable("<details><summary>More</summary>")
    '<details markdown="1"><summary>More</summary>'
    >>> readable("| ` ┊●┤` |")
    '| <code class="bar">&nbsp;┊●┤</code> |'
    """

    def bar(found: re.Match[str]) -> str:
        blank = re.sub(r"\s", "&nbsp;", found[1])
        return f'<code class="bar">{blank}</code>'

    return BAR.sub(bar, markdown.replace(DETAILS, '<details markdown="1">'))


def relinked(markdown: str, place: str) -> str:
    """Lead links that leave ``docs/`` for ``studies/`` to the site's copy.

    Examples
    --------
    >>> relinked("[HAN](../../studies/results/han.md)", "systems/han.md")
    '[HAN](../studies/results/han.md)'
    """
    folder = posixpath.dirname(f"docs/{place}")

    def lead(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[1]))
        if ELSEWHERE.match(found[1]) or not target.startswith("studies/"):
            return found[0]
        return f"]({posixpath.relpath(target, posixpath.dirname(place) or '.')})"

    return LINK.sub(lead, markdown)


def head_of(report: str) -> str:
    """Return a kept report from its headline to where its details begin, and its first figure."""
    text = (ROOT / report).read_text(encoding="utf-8")
    head = text.split(DETAILS)[0].partition("\n")[2].strip()
    figure = re.search(r"!\[([^\]]*)\]\(<?([^)>]+)>?\)", text)
    if figure is None:
        return head
    where = posixpath.join(posixpath.dirname(report), figure[2])
    return f"{head}\n\n![Effects and their intervals]({where})"


def commands() -> str:
    """Return every command, in the order of ``winnow --help``, with its words and options."""
    group: Any = typer.main.get_command(app)  # of all commands
    found = group.commands
    return "\n\n".join(_command(name, command) for name, command in found.items())


def _command(name: str, command: Any) -> str:
    arguments = " ".join(
        p.name.upper() if p.required else f"[{p.name.upper()}]"
        for p in command.params
        if not _is_option(p)
    )
    rows = [row for p in command.params for row in _row(p)]
    words = re.sub(r"\[/?[a-z ]*\]", "`", command.help or "")
    table = ["| | | default |", "|:--|:--|:--|", *rows] if rows else []
    return "\n".join([f"## winnow {name}", "", f"`winnow {name} {arguments}".rstrip() + "`", "",
                      words, "", *table])  # fmt: skip


def _row(parameter: Any) -> Iterator[str]:
    if parameter.hidden:
        return
    names = [*parameter.opts, *parameter.secondary_opts]
    shown = [n if _is_option(parameter) else n.upper() for n in names]
    default = parameter.default
    said = "" if default in NO_DEFAULT or callable(default) else f"`{default}`"
    help_text = re.sub(r"\s+", " ", parameter.help or "").replace("|", "\\|")
    yield f"| {', '.join(f'`{n}`' for n in shown)} | {help_text} | {said} |"


def _is_option(parameter: Any) -> bool:
    return str(parameter.opts[0]).startswith("-")
