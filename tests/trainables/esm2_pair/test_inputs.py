"""What a run may be given, and what a new seed draws anew."""

import numpy as np
import pytest

from search.errors import TrainableError
from tests.trainables.esm2_pair.records import drawn
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.leakage import proteins
from trainables.techniques.splitting import Sampling

SMALL = DataConfig(GeneratorConfig(n_train=40, n_validation=30, n_test=30, n_dims=8, n_tokens=2))


@pytest.mark.parametrize("data", [[1, 2], "folder", 3])
def test_other_data_are_refused(data):
    with pytest.raises(
        TrainableError, match=r"Esm2Pair takes data=None .* Splits, got (list|str|int)"
    ):
        splits_of(DataConfig(), data, seed=0)


def test_generated_splits_are_drawn_once_for_all_arms():
    first = splits_of(SMALL, None, seed=0)
    assert splits_of(SMALL, None, seed=0) is first
    assert splits_of(SMALL, None, seed=1) is not first


def test_given_splits_are_used_as_they_are():
    given = splits_of(SMALL, None, seed=0)
    assert splits_of(DataConfig(split="lineage"), given, seed=9) is given


def test_recorded_isolates_are_split_by_the_mode_and_their_embeddings_not_copied():
    some = drawn(0, size=200)
    splits = splits_of(DataConfig(split="sequence"), some, seed=0)
    assert splits.embeddings is some.embeddings
    assert not set(proteins(splits.train).tolist()) & set(proteins(splits.test).tolist())
    fresh, fixed = (
        splits_of(SMALL, some, seed=1, sampling=Sampling(how, 5)) for how in ("fresh", "fixed")
    )
    np.testing.assert_array_equal(fresh.test.first, fixed.test.first)  # finite: nothing is fresh
    resplit = splits_of(SMALL, some, seed=1, sampling=Sampling("resplit", 5))
    assert not np.array_equal(resplit.test.first, fixed.test.first)
