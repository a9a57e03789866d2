"""Shortcut diagnostics say what is known of networks whose shortcut is known."""

import numpy as np
import pytest
import torch

from tests.trainables.gen5_prime.drawn import small
from trainables.gen5_prime.metrics import auroc
from trainables.gen5_prime.normalisation import NormConfig
from trainables.gen5_prime.probes import (
    core_masked_auroc,
    deployed,
    hard_negative_auroc,
    linear_probes,
    median_template,
)
from trainables.gen5_prime.radial import disc, outside
from trainables.gen5_prime.rows import fitted, make_rows, scaled

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def splits():
    return small(n_train=120, n_test=80, source_dim=0.0)


@pytest.fixture(scope="module")
def scaler(splits):
    return fitted(NormConfig(), splits.train)


@pytest.fixture(scope="module")
def rows(splits, scaler):
    return make_rows(scaler, splits.test, CPU)


def core_light(some):
    """A network that looks at nothing but the core."""
    return (some.stamp - some.ctrl)[:, :, torch.as_tensor(disc(5))].mean(dim=(1, 2)).numpy()


def ring_light(some):
    """A network that sees arcs: the difference outside the core."""
    away = torch.as_tensor(outside(6) & disc(14))
    return (some.stamp - some.ctrl)[:, :, away].mean(dim=(1, 2)).numpy()


def bumps(some):
    """A network that sees how uneven rings are: arcs do not fill theirs."""
    away = torch.as_tensor(outside(5) & disc(12))
    return some.stamp[:, 0, away].var(dim=1).numpy()


def test_what_looks_at_the_core_falls_to_chance_without_it(rows):
    label = rows.label.numpy()
    assert auroc(core_light(rows), label) > 0.85
    assert core_masked_auroc(core_light, rows) == pytest.approx(0.5, abs=0.15)  # of noise alone
    assert core_masked_auroc(ring_light, rows) == pytest.approx(auroc(ring_light(rows), label))


def test_what_reads_rings_cannot_tell_shuffled_arcs(rows):
    """Rings keep their light, so that a mean of rings sees no difference."""
    whole = hard_negative_auroc(lambda some: some.stamp.mean(dim=(1, 2, 3)).numpy(), rows)
    assert whole == pytest.approx(0.5, abs=0.02)


def test_hard_negatives_are_the_same_for_every_run(rows):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = hard_negative_auroc(bumps, rows)
    assert torch.equal(torch.get_rng_state(), before)
    assert hard_negative_auroc(bumps, rows) == first


def test_linear_probes_find_a_leak_and_nothing_else(splits, scaler):
    pairs = [scaled(scaler, stamps) for stamps in (splits.train, splits.test)]
    found = linear_probes(pairs[0], splits.train.label, pairs[1], splits.test.label)
    assert set(found) == {"core_lr_auroc", "brightness_lr_auroc", "variance_lr_auroc"}
    assert found["core_lr_auroc"] > 0.85
    rng = np.random.default_rng(0)
    nothing = linear_probes(
        pairs[0], rng.permutation(splits.train.label), pairs[1], rng.permutation(splits.test.label)
    )
    assert nothing["core_lr_auroc"] < 0.7


def test_without_negatives_there_is_no_probe(splits, scaler):
    pair = scaled(scaler, splits.test)
    ones = np.ones_like(splits.test.label)
    assert set(linear_probes(pair, ones, pair, splits.test.label).values()) == {0.5}


def test_a_network_of_differences_collapses_without_a_control(splits, scaler, rows):
    template = median_template(splits.train)
    found = deployed(ring_light, scaler, splits.shift, template, rows)
    assert found["deploy_duplicate_auroc"] == 0.5  # differences of zero
    assert set(found) == {
        f"deploy_{name}_{metric}"
        for name in ("duplicate", "median")
        for metric in ("auroc", "recall")
    }
    np.testing.assert_array_equal(template, np.median(splits.train.ctrl, axis=0))


def test_a_network_of_stamps_does_not_care(splits, scaler, rows):
    def answer(some):
        return some.stamp.mean(dim=(1, 2, 3)).numpy() - 0.1

    shift = make_rows(scaler, splits.shift, CPU)
    known = auroc(answer(shift), splits.shift.label)
    found = deployed(answer, scaler, splits.shift, median_template(splits.train), rows)
    assert found["deploy_duplicate_auroc"] == found["deploy_median_auroc"] == pytest.approx(known)
