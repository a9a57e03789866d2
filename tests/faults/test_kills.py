"""``kill -9`` of drivers and workers, the next command following at once."""

import pytest

from tests.faults.storm import Storm


def test_a_local_driver_killed_thrice(tmp_path, storage_url):
    storm = Storm(tmp_path / "storm", storage_url, "local", trials=8, seed=0)
    assert storm.kill_driver(after_events=1)  # in its first trial
    assert storm.kill_driver(after_events=17)
    storm.kill_driver(after_s=0.8)  # as it starts, or soon after
    assert storm.finish() == 0
    storm.check()
    seen = len(storm.events)
    assert storm.finish() == 0  # the same command again does nothing
    assert len(storm.events) == seen


@pytest.mark.ray
def test_a_ray_driver_and_a_worker_killed(tmp_path, ray_cluster):
    """On a cluster that lives on: the killed driver's workers may outlive it for a while."""
    url = f"sqlite:///{tmp_path / 'study.db'}"
    storm = Storm(tmp_path / "storm", url, "ray", trials=10, seed=1, address=ray_cluster)
    assert storm.kill_driver(after_events=5)
    assert storm.kill_driver(after_events=14)
    driver = storm.kill_worker(after_events=8)
    assert driver.wait(120) == 0
    assert storm.killed == ["driver", "driver", "worker"]
    storm.check()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_twenty_kills_at_random_instants(tmp_path, storage_url, engine):
    storm = Storm(tmp_path / "storm", storage_url, engine, trials=30, seed=20)
    storm.rage(20)
    assert storm.finish() == 0
    storm.check()
    assert len(storm.killed) >= 20
