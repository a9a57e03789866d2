"""Pages: nothing in the data ends a script."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from search.reports.figures import label
from search.reports.page import script_json
from search.reports.palette import TONES, dark_of


@given(st.dictionaries(st.text(), st.text()))
def test_json_in_a_script_is_the_same_json(value: dict[str, str]) -> None:
    text = str(script_json(value))
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_labels_are_short_and_safe() -> None:
    assert label("<b>bold</b> & more") == "&lt;b&gt;bold&lt;/b&gt; &amp; more"
    assert len(label("x" * 99)) == 28


def test_every_light_colour_has_one_dark_colour() -> None:
    assert len(dark_of()) == len({tone.light for tone in TONES}) == len(set(TONES))
