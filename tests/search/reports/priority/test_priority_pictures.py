"""Figures for paper: SVG that parses, PDF whose cross-references hold, positions that are right."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from search.reports import palette, priority_report, write_figures
from search.reports.picture_plots import ticks
from search.reports.priority_pictures import forest
from search.reports.vector import Dot, Picture, Words, svg, text_width
from search.reports.vector import Path as Line
from search.reports.vector_pdf import pdf
from search.storage.database import Database

SPACE = "{http://www.w3.org/2000/svg}"


def test_every_figure_is_written_in_both_formats(demo: Database, tmp_path: Path) -> None:
    report = priority_report(demo, "demo")
    for format_ in ("svg", "pdf"):
        names = [path.name for path in write_figures(report, tmp_path, format_)]
        assert names == [
            f"demo-{key}.{format_}" for key in ("forest", "curves", "stack", "levels-4")
        ]
    for path in tmp_path.glob("*.svg"):
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert root.find(f"{SPACE}title") is not None
        assert root.findall(f"{SPACE}text")


def test_the_forests_points_lie_in_the_order_of_the_effects(demo: Database) -> None:
    report = priority_report(demo, "demo")
    picture = forest(report)
    dots = [shape.at[0] for shape in picture.shapes if isinstance(shape, Dot)]
    effects = [line.row.effect for line in report.lines if line.row.effect is not None]
    assert len(dots) == len(effects) == 6
    slope = (dots[0] - dots[4]) / (effects[0] - effects[4])
    for dot, effect in zip(dots, effects, strict=True):
        assert dot == pytest.approx(dots[0] + slope * (effect - effects[0]), abs=0.01)
    words = [shape.text for shape in picture.shapes if isinstance(shape, Words)]
    assert {"Focal loss", "Adopt", "Harmful", "effect on test_ap (right is better)"} <= set(words)


def test_hostile_names_are_text_in_an_svg(plant: Any, entry: Any, tmp_path: Path) -> None:
    name = "</text><script>alert(1)</script>&\x1b[31m"
    planter = plant(entry(name[:29]))
    planter.arm("baseline", [0.60, 0.61, 0.62])
    planter.arm(name[:29], [0.61, 0.62, 0.64])
    for path in write_figures(priority_report(planter.database, "demo"), tmp_path, "svg"):
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert not [element for element in root.iter() if element.tag.endswith("script")]
        assert "\x1b" not in path.read_text(encoding="utf-8")


def drawn(text: str) -> Picture:
    shapes = (
        Line([(0, 0), (50, 20)], palette.INK, 1.0, (3, 2)),
        Line([(0, 0), (50, 20), (0, 20)], palette.BEST, opacity=0.2),
        Dot((10, 10), 3.0, palette.INK),
        Words((40, 30), text, palette.INK, anchor="end"),
    )
    return Picture("x", 100, 50, shapes, text, "")


def test_a_pdfs_references_point_at_its_objects() -> None:
    data = pdf(drawn("Focal β ≤ 1 − ž 漢 (x)"))
    assert data.startswith(b"%PDF-1.4")
    start = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    assert data[start:].startswith(b"xref")
    offsets = re.findall(rb"(\d{10}) 00000 n", data)
    assert len(offsets) == 8
    for number, offset in enumerate(offsets, start=1):
        assert data[int(offset) :].startswith(b"%d 0 obj" % number)
    length = int(re.search(rb"/Length (\d+)", data).group(1))  # type: ignore[union-attr]
    stream = data.split(b"stream\n", 1)[1].split(b"\nendstream")[0]
    assert len(stream) == length


def test_a_pdf_sets_greek_in_symbol_and_the_rest_in_helvetica() -> None:
    data = pdf(drawn("aβ≤ž漢")).decode("latin-1")
    runs = re.findall(r"/([FS]) [\d.]+ Tf <([0-9a-f]*)> Tj", data)
    assert runs == [("F", "61"), ("S", "62a3"), ("F", "9e3f")]


def test_an_open_dot_and_an_area_are_drawn_as_such() -> None:
    text = svg(drawn("x"))
    assert 'fill-opacity="0.2"' in text
    assert 'stroke-dasharray="3 2"' in text
    assert 'text-anchor="end"' in text


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 1e-6), (3.0, 4000.0), (2.0, 2.0)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in found)
    assert 1 <= len(found) <= 9


def test_text_is_as_wide_as_helvetica_sets_it() -> None:
    assert text_width("Hello, world", 1000) == pytest.approx(
        722 + 556 + 222 + 222 + 556 + 278 + 278 + 722 + 556 + 333 + 222 + 556
    )
