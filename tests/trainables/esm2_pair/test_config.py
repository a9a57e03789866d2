"""What a configuration refuses, and what the source document has."""

import pytest

from search.configuration import override
from search.errors import SpaceError
from trainables.esm2_pair.config import Esm2PairConfig, documented


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss.kind": "contrastive"}, "it needs model.arch='siamese', got 'mlp'"),
        (
            {"loss.kind": "nt_xent", "model.arch": "cross_attention"},
            "it needs model.arch='siamese', got 'cross_attention'",
        ),
        (
            {"model.mlp.norm": "batch", "optim.batch_size": 1},
            "model.mlp.norm='batch' needs optim.batch_size of 2 or more, got 1",
        ),
        ({"model.arch": "siamse"}, "model.arch has no 'siamse'; did you mean 'siamese'"),
        ({"data.split": "isolates"}, "data.split has no 'isolates'; did you mean 'isolate'"),
        ({"optim.algorithm": "adamv"}, "optim.algorithm has no 'adamv'"),
        ({"optim.schedule": "steps"}, "optim.schedule has no 'steps'; did you mean 'step'"),
        ({"optim.lr": 0.0}, "optim.lr must be positive, got 0.0"),
        ({"optim.momentum": 1.0}, "optim.momentum must lie in [0, 1), got 1.0"),
        ({"optim.step_size": 0}, "optim.step_size must be 1 or more, got 0"),
        ({"stop.watch": "auc"}, "stop.watch has no 'auc'"),
        ({"stop.patience": -1}, "stop.patience must be 0 or more, got -1"),
        ({"model.mlp.hidden_dims": "64,32"}, "model.mlp.hidden_dims takes widths"),
    ],
)
def test_what_cannot_be_is_refused_in_words(changes, words):
    with pytest.raises(SpaceError) as refused:
        override(Esm2PairConfig(), changes)
    assert words in str(refused.value)


def test_every_problem_is_said_at_once():
    with pytest.raises(SpaceError) as refused:
        override(Esm2PairConfig(), {"loss.kind": "nt_xent", "optim.lr": -1.0, "stop.epochs": -1})
    assert len(refused.value.problems) == 3


def test_the_documents_size():
    config = documented()
    assert config.data.generator.n_dims == 1280
    assert config.model.mlp.hidden_dims == "512-256-64"
    assert (config.optim.batch_size, config.optim.lr) == (16, 1e-3)
    assert (config.stop.epochs, config.stop.patience, config.stop.watch) == (120, 15, "f1")
    features = config.model.features
    assert (features.use_diff, features.use_prod) == (False, False)
