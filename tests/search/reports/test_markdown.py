"""Markdown: what is escaped prints as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from search.reports.markdown import bar, escape, fenced, spark, table


@given(st.text())
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    found = escape(text)
    assert "\n" not in found
    assert "<" not in found
    assert all(found[i - 1] == "\\" for i, c in enumerate(found) if c == "|")


@given(st.text(alphabet="`a\n", max_size=30))
def test_a_fence_is_longer_than_anything_inside(text: str) -> None:
    fence, *inside, last = fenced(text).split("\n")
    assert fence == last
    assert not any(line.startswith(fence) for line in inside)


def test_tables_align_numbers_to_the_right() -> None:
    assert table(["a", "b"], [["1", "2"]], numeric=0).splitlines()[1] == "|---:|---:|"


def test_blocks() -> None:
    assert spark([0, 0.99, 1]) == "▁██"
    assert len(bar(1.0)) == 20
