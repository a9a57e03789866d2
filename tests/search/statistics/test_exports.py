import subprocess
import sys

import search.statistics as statistics
from search.errors import WinnowError


def test_everything_promised_is_there_once() -> None:
    assert len(set(statistics.__all__)) == len(statistics.__all__)
    assert all(hasattr(statistics, name) for name in statistics.__all__)


def test_errors_are_winnows_and_pythons() -> None:
    assert issubclass(statistics.StatisticsError, WinnowError)
    assert issubclass(statistics.StatisticsError, ValueError)


def test_heavy_libraries_wait_until_screening_needs_them() -> None:
    code = (
        "import sys, search.errors; before = set(sys.modules); import search.statistics; "
        "print(*({'statsmodels', 'pyDOE3', 'torch', 'ray'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
