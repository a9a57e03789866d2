"""What the fault suite shares with the contract suite."""

import pytest
from ray import cluster_utils


@pytest.fixture(scope="session")
def ray_cluster():
    """The address of a Ray cluster that outlives the drivers."""
    started = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
    )
    yield started.address
    started.shutdown()
