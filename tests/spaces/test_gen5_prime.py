"""What the source document on lenses names is in the space, among the techniques, or measured."""

from pathlib import Path

import pytest

from search.configuration import flatten, override
from search.loading import load_study
from search.parameters import Parameters
from spaces.gen5_prime import (
    BASELINE,
    PUBLISHED_SPACE,
    SEARCH_SPACE,
    SPACE,
    TECHNIQUES,
)
from spaces.gen5_prime_further import FURTHER
from tests.trainables.gen5_prime.test_trainable import curve, run
from trainables.gen5_prime.data_config import DataConfig

STUDY = Path(__file__).parents[2] / "studies" / "gen5_prime.py"
SEARCHED = {  # knobs, with the values that the document and its repository name
    "data.mode": {"single3", "paired6", "residual_diff", "paired6_plus_diff"},
    "data.negatives.source": {"ctrl", "other_lrg", "mix"},
    "data.norm.kind": {"global", "per_sample_robust", "per_channel_outer", "joint_pair"},
    "data.norm.clip": {False, True},
    "data.norm.stretch": {"none", "asinh"},
    "data.norm.residual_radial": {False, True},
    "loss.contrast": {"none", "margin", "supervised"},
    "optim.algorithm": {"adam", "adamw", "sgd"},
    "optim.schedule": {"constant", "cosine", "warm_restarts", "one_cycle"},
    "model.name": {"resnet18", "efficient"},
}
RANGES = {
    "data.negatives.ratio": (0.5, 3.0),
    "data.norm.clip_lo": (-10.0, -2.0),
    "data.norm.clip_hi": (3.0, 200.0),
    "data.norm.outer_r": (16, 26),
    "data.augmentation.noise": (0.0, 1.0),
    "data.shortcut.core_dropout": (0.0, 1.0),
    "data.shortcut.core_radius": (3, 10),
    "data.shortcut.hard_negatives": (0.0, 0.8),
    "loss.margin": (0.2, 2.0),
    "loss.weight": (0.01, 1.0),
    "loss.temperature": (0.05, 0.5),
    "loss.label_smoothing": (0.0, 0.2),
    "loss.pos_weight": (0.2, 5.0),
    "optim.weight_decay": (1e-6, 1e-1),
}
ROWS = {  # each row of the list of techniques: a technique by name, a metric, or a configured value
    "six_channel": "Six channels",
    "backbone": "EfficientNet",
    "pretrained": "ImageNet weights",
    "brick_exclusion": "Brick exclusion",
    "robust_norm": "Robust scale per sample",
    "clip_range": "Clipping",
    "paired_aug": "Rotations and flips",
    "noise_aug": "Noise augmentation",
    "control_usage_A": "Six channels",
    "control_usage_B": "Controls as negatives",
    "control_usage_C": "Contrastive loss",
    "explicit_negatives": "More explicit negatives",
    "label_smoothing": "Label smoothing",
    "class_weights": "Class weights",
    "warm_restarts": "Warm restarts",
    "adamw": "Adam",
    "epochs_es": "Long training with patience",
    "grad_norm_guard": "Gradient clipping",
    "shortcut_training": "Core dropout",
    "platt": "Platt scaling",
}
MEASURED = {  # rows that are no technique: every run reports them
    "deploy_ctrl": {"test_deploy_duplicate_auroc", "test_deploy_median_auroc", "test_shift_auroc"},
    "diagnostics": {
        "test_arc_snr_0_accuracy",
        "test_brick_auroc_sd",
        "test_auroc_theta_0p5_1",
        "test_auroc_theta_1_1p5",
        "test_auroc_theta_1p5_2",
        "test_auroc_theta_2_2p5",
    },
    "metrics": {
        "test_auroc",
        "test_ap",
        "test_accuracy",
        "test_precision_at_recall_95",
        "test_precision_at_recall_90",
        "test_recall_at_precision_95",
    },
    "attention_maps": {"val_on_arc"},
    "sim_to_real_eval": {"test_shift_auroc", "test_shift_drop"},
    "calibration_plot": {"test_ece", "val_ece"},
}


def domains():
    parameters = Parameters.of(SEARCH_SPACE, ())
    return {parameter.name: parameter.domain for parameter in parameters.parameters}


@pytest.mark.parametrize("path", SEARCHED)
def test_every_named_choice_can_be_searched(path):
    assert set(domains()[path].choices) >= SEARCHED[path]


@pytest.mark.parametrize("path", RANGES)
def test_every_named_range_can_be_searched(path):
    assert (domains()[path].low, domains()[path].high) == RANGES[path]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_a_technique(row):
    (technique,) = (each for each in TECHNIQUES if each.name == ROWS[row])
    assert technique.reference
    if technique.status == "planned":
        assert technique.expected_note


def test_every_other_row_is_measured_in_every_run():
    last = curve(run(**{"evaluation.min_per_brick": 4}))[-1]
    for names in MEASURED.values():
        assert names <= set(last)


def test_the_criteria_are_about_what_runs_report():
    study = load_study(STUDY).study
    last = curve(run(**{"evaluation.min_per_brick": 4}))[-1]
    asked = [*study.criteria, *study.secondary, *study.goals, study.held_out]
    asked += [guard for guard in study.guards if guard.metric is not None]
    assert {each.metric for each in asked} <= set(last)


@pytest.mark.parametrize("table", [TECHNIQUES, FURTHER], ids=["first", "further"])
def test_every_arm_can_be_built_and_differs_where_it_says(table):
    plain, by_name = flatten(BASELINE), {technique.name: technique for technique in table}
    for technique in table:
        needed = {}
        for name in technique.requires:
            needed |= dict(by_name[name].on)
        for value in next(iter(technique.levels.values()), [None]):
            changes = needed | dict(technique.on) | dict.fromkeys(technique.levels, value)
            built = flatten(override(BASELINE, changes))
            assert {path for path in built if built[path] != plain[path]} == changes.keys()


def test_the_baseline_is_the_plain_state_at_a_size_of_its_own():
    plain, here = flatten(DataConfig()), flatten(BASELINE.data)
    differs = {path for path in plain if plain[path] != here[path]}
    assert differs == {"generator.n_train", "generator.n_validation", "generator.n_test"} | {
        "generator.n_shift"
    }
    assert set(SPACE.domains) == {"optim.lr", "optim.weight_decay"}


def test_the_documents_own_design_is_tried_first():
    first = flatten(SEARCH_SPACE.configuration(SEARCH_SPACE.points[0]))
    assert (first["data.mode"], first["optim.schedule"]) == ("paired6", "warm_restarts")
    assert (first["data.norm.clip_lo"], first["data.norm.clip_hi"]) == (-5.0, 20.0)
    assert first["optim.lr"] == 1e-3


def test_what_is_searched_is_a_field():
    known = flatten(BASELINE)
    assert set(domains()) <= set(known)


def test_the_published_set_differs_in_its_controls_alone():
    plain, here = flatten(BASELINE), flatten(PUBLISHED_SPACE.baseline)
    differs = {path.removeprefix("data.generator.") for path in plain if plain[path] != here[path]}
    assert differs == {"same_noise", "no_control"}
