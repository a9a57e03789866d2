"""Reference lines see what PI-TFT sees, and nothing of the held-out labels."""

from dataclasses import replace

import numpy as np
import pytest

from search.trainable import Predictions
from trainables.pi_tft.batches import splits_of
from trainables.pi_tft.config import DataConfig, PiTftConfig
from trainables.pi_tft.generator import GeneratorConfig
from trainables.pi_tft.reference import latest_risk
from trainables.pi_tft.reference_lines import boosted_trees, latest_message
from trainables.techniques.binary import evaluate
from trainables.techniques.reference_lines import Given

CONFIG = PiTftConfig(data=DataConfig(GeneratorConfig(n_train=400, n_validation=300, n_test=300)))


@pytest.mark.parametrize("line", [boosted_trees, latest_message])
def test_a_line_is_a_function_of_its_seed(line):
    first = line(0, config=CONFIG)
    assert line(0, config=CONFIG) == first
    assert line(1, config=CONFIG) != first
    for split in ("val_", "test_"):
        assert {f"{split}{name}" for name in ("ap", "auroc", "f1", "f1_tuned", "ece_scaled")} <= (
            first.keys()
        )


def test_the_latest_risk_is_scored_on_the_studys_own_events():
    splits = splits_of(CONFIG.data, None, seed=3)
    scores = latest_risk(splits)
    plain = evaluate(Predictions(scores.test, splits.test.label))
    found = latest_message(3, config=CONFIG)
    assert {name: found[f"test_{name}"] for name in plain} == plain


def test_held_out_labels_move_no_validation_metric():
    true = splits_of(CONFIG.data, None, seed=0)
    flipped = replace(true, test=replace(true.test, label=1 - np.asarray(true.test.label)))
    before, after = (
        boosted_trees.measure(Given(splits, CONFIG, seed=0)) for splits in (true, flipped)
    )
    assert {k: v for k, v in after.items() if k.startswith("val_")} == {
        k: v for k, v in before.items() if k.startswith("val_")
    }
    assert after["test_ap"] != before["test_ap"]
