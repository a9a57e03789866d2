"""What the benchmark of attention makes of its measurements."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from search.environment import peak_memory
from tests.benchmarks.attention import LIMIT_GIB, Measured, memory_table, time_table
from tests.benchmarks.pat_step import Case, Memory, memory, step

GIB = 2**30
CASE, WHOLE = Case("S", 1440, 2), Case("L", 10_080, 32)
BOTH = {
    "fused": Measured((1.0, 2.0, 9.0), Memory(1 * GIB, 3 * GIB)),
    "plain": Measured((4.0,), Memory(1 * GIB, 9 * GIB)),
}


def test_fused_attention_stands_beside_plain() -> None:
    times = time_table({CASE: BOTH}, WHOLE, BOTH["fused"], ())
    assert [(row.figure, row.ratio) for row in times.rows] == [(2.0, None), (4.0, 0.5), (1.0, None)]
    peaks = memory_table({CASE: BOTH}, WHOLE, BOTH["fused"], ()).rows
    assert [row.figure for row in peaks] == [2.0, 8.0, 3.0, 9.0, 3.0]
    assert [row.ratio for row in peaks] == [None, 0.25, None, pytest.approx(1 / 3), None]


@pytest.mark.parametrize(("over", "met"), [(0, True), (1, False)])
def test_a_process_that_needs_too_much_misses_its_target(over: int, met: bool) -> None:
    needed = Measured((1.0,), Memory(0, LIMIT_GIB * GIB + over))
    assert memory_table({}, WHOLE, needed, ()).rows[-1].met is met


def test_the_memory_of_a_step_is_its_own_process_s() -> None:
    held = np.ones(2**27)  # 1 GiB
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
        assert process.submit(step, CASE, "plain").result() > 0
        found = process.submit(memory, CASE, "plain").result()
    assert 0 < found.before <= found.peak < held.nbytes < (peak_memory() or 0)
