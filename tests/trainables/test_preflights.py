"""What systems say of their data before anything runs."""

from dataclasses import replace

import numpy as np
import pytest

from search.configuration import override
from tests.contracts import esm2_pair as pairs
from tests.contracts import han, pat
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.preflight import preflight as of_pairs
from trainables.han.config import HanConfig
from trainables.han.inputs import splits_of
from trainables.han.preflight import preflight as of_panels
from trainables.han.windows import targets_of
from trainables.pat.config import PatConfig
from trainables.pat.preflight import preflight as of_windows


def test_pairs_that_leak_are_told_of_with_their_number():
    splits = pairs.data()
    count, *leaks = of_pairs(0, data=replace(splits, leakage={"test_duplicate_pairs": 0.25}))
    assert count.startswith(f"pairs: {len(splits.train)} train, {len(splits.validation)} validat")
    assert leaks == ["25.0 % of the test pairs are in another split before it"]


def test_pairs_that_share_nothing_are_said_to():
    assert of_pairs(0, data=replace(pairs.data(), leakage={}))[1:] == [
        "splits share neither sequences nor clusters"
    ]


def test_only_a_wrong_scale_of_activity_is_a_matter():
    data = pat.data()
    minutes = override(PatConfig(), {"data.norm": "per_minute"})
    assert of_windows(0, config=minutes, data=data) == []
    train = replace(data.train, activity=np.float32(1e4) + data.train.activity)
    (said,) = of_windows(
        0,
        config=override(PatConfig(), {"data.norm": "fixed"}),
        data=replace(data, train=train),
    )
    assert "its scale is not that of these counts" in said


def test_the_share_of_known_targets_is_that_of_the_windows():
    panel = han.data()
    config = override(HanConfig(), han.WINDOWS | {"data.windows.train_share": 0.4})
    said = of_panels(0, config=config, data=panel)
    splits = splits_of(config.data, panel, seed=0)
    anomaly = targets_of(splits, config.data.windows)["anomaly"][splits.anchors("train")]
    share = float(np.isfinite(anomaly).mean())
    assert 0 < share < 1
    assert said[0].startswith(f"train: {len(anomaly)} windows; targets known: ")
    assert f"anomaly {share:.0%}" in said[0]
    assert [line.partition(":")[0] for line in said] == ["train", "validation", "test"]


@pytest.mark.parametrize("system", [of_pairs, of_windows, of_panels])
def test_without_data_the_generators_own_are_looked_at(system):
    assert all(isinstance(line, str) for line in system(0))


def test_the_plain_configuration_is_the_default():
    assert of_pairs(3) == of_pairs(3, config=Esm2PairConfig())
