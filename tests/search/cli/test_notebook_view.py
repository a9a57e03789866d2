"""The table that a notebook shows while trials run, and what a real notebook keeps of it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console

from search.cli.live import View
from search.cli.notebook_view import NotebookView, table_of, view_for
from tests.search.cli.test_live import progress

CELL = """
from tests.search.protocol.toys import GOOD, study
STUDY = study(GOOD)
STUDY.run(looks=(3,), tuning="none", stack=False)
"""


def test_the_stage_that_runs_says_what_is_left_and_those_before_what_they_took():
    first = progress(title="toy/aa", finished=10, best=None)
    text = table_of([(first, 3.0), (progress(), 12.0)])
    assert "<td>toy/aa</td><td>10/10</td><td></td><td>1 complete, 3 pruned</td><td></td>" in text
    assert "<td>3 s</td>" in text
    assert "<td>4/10</td><td>2</td>" in text
    assert "0.8125 (trial 2)</td><td>12 s, about 1 min 30 s left</td>" in text
    assert "left" not in table_of([(progress(), 12.0)], ended=True)


def test_foreign_text_is_shown_as_it_is():
    text = table_of([(progress(title="<b>x</b>"), 0.0)], notice="<i>")
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<p>&lt;i&gt;</p>" in text


@pytest.mark.parametrize(("notebook", "kind"), [(True, NotebookView), (False, View)])
def test_a_notebook_gets_a_table_and_all_else_lines(notebook, kind):
    assert type(view_for(Console(file=StringIO(), force_jupyter=notebook))) is kind


class Listening(NotebookClient):
    """Runs a notebook, and notes what its kernel sends."""

    def __init__(self, book, **options):
        super().__init__(book, **options)
        self.heard: list[str] = []

    def process_message(self, msg, cell, cell_index):
        """Note the message's kind."""
        self.heard.append(msg["msg_type"])
        return super().process_message(msg, cell, cell_index)


@pytest.mark.slow  # a kernel starts in some seconds
def test_a_notebook_keeps_one_table_that_was_brought_up_to_date(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    client = Listening(book, timeout=200, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = book.cells[0].outputs
    (shown,) = [out for out in outputs if out.output_type == "display_data"]
    table = shown.data["text/html"]
    assert "<td>toy/aa</td><td>7/7</td>" in table
    assert "left" not in table
    assert client.heard.count("display_data") == 1
    assert client.heard.count("update_display_data") >= 1
    assert [out for out in outputs if out.output_type == "stream" and out.name == "stdout"] == []
    (report,) = [out for out in outputs if out.output_type == "execute_result"]
    assert "<iframe" in report.data["text/html"]
