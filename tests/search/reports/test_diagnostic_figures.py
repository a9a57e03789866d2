from __future__ import annotations

from typing import Any

from search.reports.diagnostic_figures import diagnostic_figures

CURVE: dict[str, Any] = {
    "kind": "curve",
    "title": "Reliability",
    "x": [0.1, 0.5, None],
    "y": [0.2, 0.4, 0.9],
    "marks": [{"name": "<b>best</b>", "x": 0.5, "y": 0.4}],
    "diagonal": True,
    "note": "temperature 1.20",
}
BARS: dict[str, Any] = {"kind": "bars", "names": ["a<i>", "b"], "values": [0.25, None]}


def test_arms_are_drawn_over_one_another() -> None:
    other = {**CURVE, "diagonal": False, "note": "temperature 2.00", "marks": []}
    curve, bars = diagnostic_figures(
        {"baseline": {"calibration": CURVE}, "SWA": {"calibration": other, "weights": BARS}}
    )
    assert curve.title == "Reliability"
    caption = "Baseline: temperature 1.20; SWA: temperature 2.00; one run each."
    assert curve.caption == caption
    names = [trace.name for trace in curve.figure.data]
    assert names == ["ideal", "baseline", "baseline", "SWA"]
    assert tuple(curve.figure.data[0].x) == (0.1, 0.9)
    assert tuple(curve.figure.data[1].y) == (0.2, 0.4, 0.9)
    assert "from (0.1, 0.2) to (0.5, 0.4)" in curve.description
    assert bars.title == "weights"
    assert tuple(bars.figure.data[0].x) == (0.25, None)
    assert (curve.key, bars.key) == ("diagnostic-0", "diagnostic-1")


def test_another_kind_under_the_same_name_is_left_out() -> None:
    (drawing,) = diagnostic_figures({"baseline": {"x": CURVE}, "A": {"x": BARS}})
    assert {trace.name for trace in drawing.figure.data} == {"ideal", "baseline"}


def test_foreign_text_is_escaped() -> None:
    runs = {"baseline": {"c": CURVE, "b": BARS}, "<script>": {"c": CURVE}}
    drawings = list(diagnostic_figures(runs))
    texts = [text for d in drawings for trace in d.figure.data for text in (trace.text or ())]
    assert "baseline: &lt;b&gt;best&lt;/b&gt;" in texts
    assert all("<b>" not in text for text in texts)
    assert drawings[1].figure.layout.yaxis.ticktext[0] == "a&lt;i&gt;"
    assert {trace.name for trace in drawings[0].figure.data} >= {"&lt;script&gt;"}


def test_nothing_offered_is_nothing_drawn() -> None:
    assert list(diagnostic_figures({})) == []
    assert list(diagnostic_figures({"baseline": {}})) == []
