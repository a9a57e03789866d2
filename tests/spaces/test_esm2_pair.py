"""What the source document on pairs names is in the space, and all of it can be built."""

import optuna
import pytest

from search.configuration import flatten, override
from search.parameters import Parameters, ask_trial
from search.technique import Impact
from spaces.esm2_pair import (
    BASELINE,
    CONSERVED_SPACE,
    FURTHER,
    SEARCH_SPACE,
    SPACE,
    TECHNIQUES,
)
from spaces.esm2_pair_cache import CACHE, CACHE_SPACE

NAMED = {  # the document's, and its repository's
    "model.arch": {"mlp", "siamese", "cross_attention"},
    "model.features.use_diff": {False, True},
    "model.features.use_prod": {False, True},
    "model.features.slot_transform": {"none", "slot_norm", "unit_norm"},
    "model.mlp.hidden_dims": {"10", "200", "512-256-64"},
    "model.mlp.norm": {"none", "batch", "layer"},
    "model.tower.sharing": {"shared", "two_tower", "shared_adapter"},
    "model.tower.distance": {"cosine", "l2", "learned"},
    "model.attention.n_heads": {1, 2, 4, 8},
    "loss.kind": {"bce", "contrastive", "bce+contrastive", "nt_xent"},
    "loss.class_weight": {"none", "auto"},
    "optim.algorithm": {"adam", "adamw", "sgd"},
    "optim.batch_size": {16, 64, 128, 256},
    "optim.schedule": {"none", "plateau", "cosine", "step"},
}
STATED = {  # the document's eight rows: impact, hours, and what it says of F1
    "Gradient clipping": (Impact.MEDIUM, 0.25, ""),
    "Class weighting": (Impact.MEDIUM, 1.0, ""),
    "Embedding cache": (Impact.MEDIUM, 3.0, ""),
    "Batch normalisation": (Impact.MEDIUM_HIGH, 4.0, "1-2 % F1"),
    "Cross-attention": (Impact.HIGH, 8.0, "2-5 % F1"),
    "Label smoothing": (Impact.MEDIUM, 2.0, ""),
    "Siamese network": (Impact.HIGH, 32.0, "5-10 % F1"),
    "Contrastive loss": (Impact.HIGH, 20.0, "3-7 % F1"),
}


def domains():
    parameters = Parameters.of(SEARCH_SPACE, ())
    return {parameter.name: parameter.domain for parameter in parameters.parameters}


@pytest.mark.parametrize("path", NAMED)
def test_every_named_choice_can_be_searched(path):
    assert set(domains()[path].choices) >= NAMED[path]


def test_the_ranked_rows_come_first_with_the_documents_words():
    ranked = TECHNIQUES[: len(STATED)]
    assert [technique.name for technique in ranked] == list(STATED)
    for technique in ranked:
        impact, hours, words = STATED[technique.name]
        assert (technique.expected_impact, technique.effort_in_hours) == (impact, hours)
        assert words in technique.expected_note


@pytest.mark.parametrize("table", [TECHNIQUES, FURTHER], ids=["ranked", "further"])
@pytest.mark.parametrize("space", [SPACE, CONSERVED_SPACE], ids=["variable", "conserved"])
def test_every_arm_can_be_built_and_differs_where_it_says(space, table):
    plain, by_name = flatten(space.baseline), {technique.name: technique for technique in table}
    for technique in table:
        needed = {k: v for name in technique.requires for k, v in by_name[name].on.items()}
        for value in next(iter(technique.levels.values()), [None]):
            changes = needed | dict(technique.on) | dict.fromkeys(technique.levels, value)
            built = flatten(override(space.baseline, changes))
            assert {path for path in built if built[path] != plain[path]} == changes.keys()


def test_the_losses_of_towers_require_towers():
    alone = [t for t in (*TECHNIQUES, *FURTHER) if t.on.get("loss.kind") in ("contrastive",)]
    assert alone
    assert all(technique.requires == ("Siamese network",) for technique in alone)


def test_every_random_configuration_can_be_built():
    parameters = Parameters.of(SEARCH_SPACE, ())
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    built = [
        flatten(override(BASELINE, parameters.decode(parameters.suggest(ask_trial(study.ask())))))
        for _ in range(300)
    ]
    for path in ("model.arch", "loss.kind", "model.mlp.hidden_dims"):
        assert {configuration[path] for configuration in built} == set(domains()[path].choices)


def test_the_documents_network_is_tried_first():
    first = flatten(SEARCH_SPACE.configuration(SEARCH_SPACE.points[0]))
    assert first["model.mlp.hidden_dims"] == "512-256-64"
    assert first["optim.batch_size"] == 16


def test_smoothing_is_the_documents_point_nine():
    (smoothing,) = (t for t in TECHNIQUES if t.name == "Label smoothing")
    epsilon = smoothing.on["loss.label_smoothing"]
    assert 1 - epsilon / 2 == pytest.approx(0.9)


def test_the_cache_is_all_that_its_table_asks_about():
    (cache,) = CACHE
    named = next(t for t in TECHNIQUES if t.name == "Embedding cache")
    assert (cache.name, cache.effort_in_hours) == (named.name, named.effort_in_hours)
    assert named.status == "planned"
    plain, here = flatten(SPACE.baseline), flatten(CACHE_SPACE.baseline)
    assert flatten(override(CACHE_SPACE.baseline, dict(cache.on))) == plain
    assert {path for path in plain if plain[path] != here[path]} == {"data.access"}
