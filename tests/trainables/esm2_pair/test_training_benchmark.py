"""What the benchmark of training makes of its measurements, and that its ways train alike."""

import pytest

from tests.benchmarks.pair_training import PROTEINS, TARGET_BATCH, Noise, speed, table, ways
from trainables.esm2_pair.store import fill


def test_ours_stands_before_what_it_is_compared_with():
    small, large = ways(16), ways(TARGET_BATCH)
    figures = dict.fromkeys(small + large, (1000.0,)) | {large[0]: (18e3, 21e3, 22e3)}
    result = table(figures)
    assert [row.figure for row in result.rows if row.ratio is None] == [1000.0, 21e3]
    assert [row.ratio for row in result.rows if row.ratio] == [1.0, 1.0, 21.0, 21.0]
    assert [row.met for row in result.rows] == [None] * 3 + [True, None, None]
    assert table(figures | {large[0]: (19e3,)}).missed


@pytest.mark.slow
def test_every_way_can_be_timed(tmp_path):
    fill(tmp_path / "e.h5", Noise(), [f"M{number}" for number in range(PROTEINS)])
    for way in ways(TARGET_BATCH):
        assert speed(tmp_path / "e.h5", way) > 0
