"""Every fault on a loopback cluster of its own: no trial lost, none twice, none left running."""

import os
import shutil
import sys

import pytest

from tests.clusters import NoCluster
from tests.faults.on_clusters import CLUSTER_FAULTS
from tests.faults.on_databases import DATABASE_FAULTS, DiskFull, OnPostgres
from tests.postgres import NoPostgres

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]
ALL = [
    pytest.param(
        kind,
        id=kind.__name__,
        marks=[pytest.mark.postgres] if issubclass(kind, OnPostgres) else [],
    )
    for kind in (*CLUSTER_FAULTS, *DATABASE_FAULTS)
]


@pytest.mark.parametrize("kind", ALL)
def test_a_fault_loses_nothing_and_repeats_little(kind, tmp_path):
    if kind is DiskFull and not may_mount():
        pytest.skip("only root on Linux may mount a small disk to fill")
    try:
        line = kind(tmp_path).run()
    except (NoCluster, NoPostgres) as reason:
        pytest.skip(str(reason))
    assert line.clean, line
    assert line.repeated <= kind.may_repeat


def may_mount():
    """Return whether a file system in memory can be mounted here."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None
