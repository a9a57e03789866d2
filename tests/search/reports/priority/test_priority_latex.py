"""LaTeX and Markdown: well-formed, and foreign text prints as it is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from search.reports import priority_report, render
from search.reports.latex import escape, tabular
from search.storage.database import Database

HOSTILE = r"50 % \input{/etc/passwd} $x^2$ #1 & ~a_b {c} </script>|`*[x] β"


def plain(text: str) -> str:
    """Return LaTeX without what is escaped and without comments."""
    return re.sub(r"(?m)^%.*$", "", re.sub(r"\\[#$%&_{}]", "", text))


def well_formed(text: str) -> None:
    bare = plain(text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", bare):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    for block in re.findall(r"(?s)\\begin\{tabular\}.*?\\end\{tabular\}", bare):
        widths = {line.count("&") for line in block.splitlines() if line.endswith(r"\\")}
        assert len(widths) == 1


def test_the_fragment_is_well_formed(demo: Database) -> None:
    text = render(priority_report(demo, "demo"), "latex")
    well_formed(text)
    assert text.count(r"\toprule") == 3
    assert r"Wider \& \textless{}deeper\textgreater{}" in text
    assert "%" not in plain(text)


def test_the_methods_paragraph_states_the_designs_numbers(demo: Database) -> None:
    text = render(priority_report(demo, "demo"), "latex")
    assert "Each of 7 registered techniques was switched on alone" in text
    assert "Looks were registered at 3, 6, 12 seeds" in text
    assert "corrected by Holm over all 7 techniques" in text
    assert r"at most 5 \%" in text
    assert "74 runs (66 measured" in text
    assert "No hyperparameter was searched" in text


def test_hostile_text_is_escaped(plant: Any, entry: Any) -> None:
    name = HOSTILE[:60].strip()
    planter = plant(entry(name, reference=HOSTILE, expected_note=HOSTILE))
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm(name, [0.61, 0.62, 0.64], changes={HOSTILE: HOSTILE})
    report = priority_report(planter.database, "demo")
    text = render(report, "latex")
    well_formed(text)
    assert r"\input" not in text
    assert r"\textbackslash{}input" in text
    markdown = render(report, "markdown")
    assert "</script>" not in markdown
    table = next(part for part in markdown.split("\n\n") if part.startswith("| rank"))
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 9 for line in table.splitlines())


@pytest.mark.parametrize("character", [*r"\{}#$%&_~^<>|[]", "−", "×", "β", '"'])
def test_no_special_character_is_left(character: str) -> None:
    found = escape(f"a{character}b")
    assert found != f"a{character}b"
    well_formed(found)


def test_a_row_that_begins_with_a_bracket_is_no_argument() -> None:
    text = tabular("l", ["x"], [[escape("[a]")], [escape("[b]")]])
    assert r"{[}a{]}" in text
