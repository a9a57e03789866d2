"""Generated embeddings have the effects they should, and every cause does what it says."""

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from search.errors import TrainableError
from trainables.esm2_pair.generated import FOUNDERS, generate, with_noise
from trainables.esm2_pair.generator import CAUSES, GeneratorConfig, preset, without
from trainables.esm2_pair.leakage import proteins
from trainables.esm2_pair.pairing import NegativesConfig
from trainables.techniques.splitting import Sampling

TRAIN = NegativesConfig()
HARD = NegativesConfig("within_lineage", 0.5, 1.5)
SMALL = GeneratorConfig(n_train=60, n_validation=40, n_test=50, n_dims=12, n_latent=6, n_tokens=4)
FIXED = Sampling("fixed", 3)
MODES = ("random", "isolate", "sequence", "cluster", "lineage")


def made(config=SMALL, split="isolate", seed=0, **more):
    return generate(config, TRAIN, HARD, split, seed=seed, **more)


def same(one, other, splits=None):
    """Whether two splits have the same embeddings at the same labels, whatever their rows."""
    mine, theirs = splits or (None, None)
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("label", "same_lineage", "matches", "slots")
    ) and all(
        np.array_equal(mine.embeddings[getattr(one, name)], theirs.embeddings[getattr(other, name)])
        for name in ("first", "second")
    )


def pooled(splits, pairs):
    means = splits.embeddings.mean(axis=1)
    return means[pairs.first].astype(float), means[pairs.second].astype(float)


def auc(splits, columns, *, hard=False):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500))
    model.fit(columns(*pooled(splits, splits.train)), splits.train.label)
    test = splits.test
    kept = (test.label == 1) | test.same_lineage if hard else np.ones(len(test), bool)
    scores = model.decision_function(columns(*pooled(splits, test)))
    return roc_auc_score(test.label[kept], scores[kept])


def concat(a, b):
    return np.hstack([a, b])


def difference(a, b):
    """After each slot is centred, as its own mean of these pairs."""
    return np.abs((a - a.mean(axis=0)) / a.std(axis=0) - (b - b.mean(axis=0)) / b.std(axis=0))


def test_the_same_seed_gives_the_same_pairs_whatever_the_global_state():
    np.random.seed(1)  # noqa: NPY002  the point is that global state does not matter
    first = made(seed=3)
    np.random.seed(2)  # noqa: NPY002  likewise
    second, other = made(seed=3), made(seed=4)
    for role in ("train", "validation", "test"):
        assert same(getattr(first, role), getattr(second, role), (first, second)), role
        assert not same(getattr(first, role), getattr(other, role), (first, other)), role


def test_shapes_and_numbers():
    splits = made()
    assert splits.embeddings.shape == (40 * FOUNDERS * 2 + 2 * 150, 4, 12)
    assert splits.embeddings.dtype == np.float32
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [180, 100, 125]
    assert splits.validation.label.sum() == 40
    assert splits.validation.matches.max() == 3
    three = made(replace(SMALL, n_slots=3))
    assert three.test.label.sum() == 3 * 50
    assert np.unique(three.test.slots, axis=0).tolist() == [[0, 1], [0, 2], [1, 2]]


def test_a_fixed_test_split_and_its_world_stay_for_every_seed():
    first = made(seed=1, sampling=FIXED)
    second = made(replace(SMALL, n_train=80), seed=2, sampling=FIXED)
    assert same(first.test, second.test, (first, second))
    assert not same(first.validation, second.validation, (first, second))
    founders = 40 * FOUNDERS * 2
    np.testing.assert_array_equal(first.embeddings[:founders], second.embeddings[:founders])


def test_held_out_pairs_do_not_move_with_the_size_or_negatives_of_train():
    first = made(seed=1)
    second = generate(
        replace(SMALL, n_train=90), NegativesConfig("within_lineage", 1.0, 1.0), HARD, seed=1
    )
    assert same(first.test, second.test, (first, second))
    assert same(first.validation, second.validation, (first, second))


def test_what_cannot_be_split_again_is_refused():
    with pytest.raises(TrainableError, match="no splits to draw again"):
        made(sampling=Sampling("resplit"))
    with pytest.raises(TrainableError, match="no test split is fixed"):
        made(split="random", sampling=FIXED)


def test_the_pooled_embedding_does_not_depend_on_tokens():
    many, one = made(), made(replace(SMALL, n_tokens=1))
    assert one.embeddings.shape[1] == 1
    np.testing.assert_allclose(
        many.embeddings.mean(axis=1), one.embeddings[:, 0], rtol=1e-3, atol=1e-4
    )
    np.testing.assert_array_equal(many.train.first, one.train.first)


@pytest.mark.parametrize("mode", MODES)
def test_splits_share_what_their_mode_allows(mode):
    splits = made(replace(SMALL, n_train=200, duplicates=0.5), mode)
    leakage = splits.leakage
    assert leakage["test_duplicate_pairs"] == 0
    assert (leakage["test_shared_sequences"] > 0) == (mode in ("random", "isolate"))
    assert (leakage["test_shared_clusters"] > 0) == (mode in ("random", "isolate", "sequence"))
    mine = [set(proteins(p).tolist()) for p in (splits.train, splits.validation, splits.test)]
    disjoint = len(set().union(*mine)) == sum(map(len, mine))
    assert disjoint == (mode not in ("random", "isolate"))


def test_random_splits_meet_proteins_of_test_positives_in_train():
    leakage = made(split="random").leakage
    assert leakage["test_pairs_with_shared_sequence"] > 0.7
    assert made(without(SMALL, "duplicates")).leakage["test_pairs_with_shared_sequence"] == 0


@pytest.mark.parametrize(
    ("name", "every", "hard"),
    [("variable", (0.97, 1), (0.96, 1)), ("conserved", (0.75, 0.87), (0.6, 0.72))],
)
def test_presets_are_as_hard_as_they_say(name, every, hard):
    splits = made(preset(name))
    assert auc(splits, concat) == pytest.approx(0.5, abs=0.03)
    assert every[0] < auc(splits, difference) < every[1]
    assert hard[0] < auc(splits, difference, hard=True) < hard[1]


def test_lineages_make_other_negatives_easy():
    splits = made(preset("conserved"))
    gap = auc(splits, difference) - auc(splits, difference, hard=True)
    assert gap > 0.1
    alike = made(replace(without(preset("variable"), "lineages"), noise=0.6))
    assert abs(auc(alike, difference) - auc(alike, difference, hard=True)) < 0.02


def test_offsets_drown_the_plain_difference():
    def plain(a, b):
        return np.abs(a - b)

    on, off = made(preset("variable")), made(without(preset("variable"), "offsets"))
    assert auc(off, plain, hard=True) > auc(on, plain, hard=True) + 0.05


def test_maps_that_differ_hide_agreement():
    on, off = made(preset("conserved")), made(without(preset("conserved"), "maps"))
    assert auc(off, difference, hard=True) > auc(on, difference, hard=True) + 0.05


@pytest.mark.parametrize("copies", [0.0, 1.0])
def test_a_site_agrees_at_one_token_and_not_in_the_mean(copies):
    # One lineage has its sites at fixed tokens, so that correlation shows where they are.
    config = replace(
        without(SMALL, "lineages", "offsets", "maps", "outliers", "label_noise"),
        duplicates=copies,
        n_train=1500,
        drift=0.0,
        zipf=50.0,
    )
    best = {}
    for effect in (0.0, 3.0):
        splits = made(replace(config, site_effect=effect))
        rows = splits.train.label == 1
        a, b = (
            tokens - tokens.mean(axis=1)[:, None]
            for tokens in (
                splits.embeddings[splits.train.first[rows]],
                splits.embeddings[splits.train.second[rows]],
            )
        )
        best[effect] = agreement(a, b).max() / agreement(a, np.roll(b, 1, axis=0)).max()
    assert best[0.0] < 2.2 < 3 < best[3.0]


def agreement(a, b):
    """How strongly the dimensions of every two tokens go together: shape (n_tokens, n_tokens)."""
    a, b = (tokens - tokens.mean(axis=0) for tokens in (a, b))
    return np.linalg.norm(np.einsum("ntd,nse->tsde", a, b) / len(a), axis=(2, 3))


def test_outliers_are_few_and_large():
    def spread(config):
        return made(config).embeddings.std(axis=(0, 1))

    times = np.sort(spread(SMALL) / spread(without(SMALL, "outliers")))
    np.testing.assert_allclose(times, [1] * 9 + [10] * 3, rtol=1e-3)


def test_duplicates_are_shared_by_isolates():
    on = made(replace(SMALL, n_train=300, duplicates=0.5))
    counts = np.bincount(on.train.first[on.train.label == 1])
    assert counts.max() > 1
    off = made(replace(SMALL, n_train=300, duplicates=0.0, label_noise=0.0))
    assert np.bincount(off.train.first[off.train.label == 1]).max() == 1


def test_label_noise_is_an_exact_share_of_train_alone():
    splits, clean = made(), made(without(SMALL, "label_noise"))
    changed = splits.train.label != clean.train.label
    assert changed.sum() == round(0.05 * len(splits.train))
    assert same(splits.validation, clean.validation, (splits, clean))
    assert same(splits.test, clean.test, (splits, clean))
    every = with_noise(clean.train, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(every.label, 1 - clean.train.label)


def test_metadata_follow_lineages_and_noise_loosens_them():
    def within(noise):
        pairs = made(replace(SMALL, n_test=400, metadata_noise=noise)).test
        return pairs.matches[(pairs.label == 0) & pairs.same_lineage].mean()

    assert within(0.0) == 3
    assert 1.5 < within(0.3) < 2.6


def test_every_field_changes_what_is_drawn():
    reference = made()
    for field in fields(GeneratorConfig):
        value = getattr(SMALL, field.name)
        other = value + 3 if isinstance(value, int) else value * 0.5
        splits = made(replace(SMALL, **{field.name: other}))
        parts = ("train", "validation", "test")
        alike = splits.embeddings.shape == reference.embeddings.shape and all(
            same(getattr(splits, part), getattr(reference, part), (splits, reference))
            for part in parts
        )
        assert not alike, field.name


def test_without_any_cause_all_dimensions_and_negatives_are_alike():
    splits = made(preset("null"))
    spread = splits.embeddings.std(axis=(0, 1))
    assert spread.max() / spread.min() < 1.5
    assert set(CAUSES) == {
        "offsets",
        "maps",
        "lineages",
        "sites",
        "outliers",
        "duplicates",
        "label_noise",
    }
    assert 0.9 < auc(splits, difference) < 0.99
