from __future__ import annotations

import base64
from typing import Any

import numpy as np

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


def test_pictures_of_each_run_lie_in_one_table() -> None:
    grey = np.arange(2 * 2 * 3 * 4, dtype=np.uint8)
    entry = {
        "kind": "images",
        "title": "Errors",
        "rows": ["no arc<b>", "arc"],
        "columns": ["stamp", "map"],
        "shape": [3, 4],
        "grey": base64.b64encode(grey.tobytes()).decode(),
    }
    nothing = {**entry, "rows": [], "grey": ""}
    found = list(
        diagnostic_figures({"baseline": {"g": entry}, "A": {"g": nothing}, "B": {"g": entry}})
    )
    assert [d.title for d in found] == ["Errors: baseline", "Errors: B"]
    assert len({d.key for d in found}) == 2
    (trace,) = found[0].figure.data
    z = np.array(trace.z)
    assert z.shape == (2 * 3 + 2, 2 * 4 + 2)
    pictures = grey.reshape(2, 2, 3, 4) / 255
    np.testing.assert_allclose(z[5:, 6:], pictures[1, 1], atol=5e-4)
    np.testing.assert_allclose(z[:3, :4], pictures[0, 0], atol=5e-4)
    assert (z[3:5] == 1).all()
    assert found[0].figure.layout.yaxis.ticktext[0] == "no arc&lt;b&gt;"
