"""What two techniques do together beyond their sum, in the details of the one that joins them."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from search.protocol.registering import Design
from search.reports.interactions import joint_effects
from search.reports.priority_details import details
from search.technique import Technique
from tests.search.protocol.toys import Config, study, train

A, B = Technique("A", on={"a": 1.0}), Technique("B", on={"b": 0.5})
BOTH = Technique("Both", on={"a": 1.0, "b": 0.5})
ONE_LOOK = Design(looks=(8,), tuning="none", stack=False)


def train_redundant(config: Config, *, seed: int) -> Iterator[Mapping[str, float]]:
    """Yield scores in which a and b gain 0.8 less together than each alone."""
    lost = 0.8 if config.a and config.b else 0.0
    for metrics in train(config, seed=seed):
        yield {**metrics, "test_score": metrics["test_score"] - lost}


def found(laboratory, *techniques, trainable=train):
    laboratory.run(study(*techniques, trainable=trainable), ONE_LOOK)
    report = laboratory.report()
    return report, list(joint_effects(report.line("Both"), report.lines))


def test_gains_that_add_up_have_no_interaction(laboratory):
    report, (joint,) = found(laboratory, A, B, BOTH)
    assert {joint.first, joint.second} == {"A", "B"}
    assert joint.seeds == 8
    estimate = joint.found.estimate
    assert estimate.low < 0 < estimate.high
    per_seed = [dict(report.line(name).differences) for name in ("Both", "A", "B")]
    contrast = [per_seed[0][s] - per_seed[1][s] - per_seed[2][s] for s in per_seed[0]]
    assert estimate.estimate == pytest.approx(np.mean(contrast))


def test_gains_that_do_in_part_the_same_have_a_negative_one(laboratory):
    report, (joint,) = found(laboratory, A, B, BOTH, trainable=train_redundant)
    assert joint.found.estimate.estimate == pytest.approx(-0.8, abs=0.3)
    assert joint.found.estimate.high < 0
    shown = {d.name: d.text for d in details(report.line("Both"), report)}
    assert "on 8 seeds, unadjusted" in shown["Beyond the sum of A and B"]


def test_other_techniques_join_nothing(laboratory):
    other = Technique("Both", on={"a": 1.0, "c": 0.5})
    assert found(laboratory, A, B, other)[1] == []
