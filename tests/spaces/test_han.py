"""What the HAN's source document names is in its space, and among its techniques."""

from collections import Counter

import pytest

from search.configuration import flatten, override
from search.parameters import Parameters
from spaces.han import BASELINE, SEARCH_SPACE, SPACE, TECHNIQUES
from spaces.han_further import FURTHER
from tests.contracts.han import CONTEXTS
from trainables.han.batch import TASKS

NAMED = {  # the document's words and its repository's, with the values they give, or their range
    "mtl.weighting.kind": {"kendall", "softplus_kendall", "liebel", "a3dro", "group_dro"},
    "mtl.weighting.kendall.initial": {1.05, 1.4, 1.9},
    "mtl.weighting.kendall.clamp": {0.0, 1.0, 2.0, 4.0},
    "mtl.weighting.kendall.regularisation": {1e-4, 0.01, 0.1},
    "mtl.weighting.kendall.lr_multiplier": {0.1, 10.0},
    "mtl.weighting.a3dro.temperature": {0.1, 1.0, 5.0},
    "mtl.weighting.a3dro.beta": {0.0, 0.35, 1.0},
    "mtl.weighting.a3dro.clip": {0.0, 0.5, 3.0, 6.0, 10.0},
    "mtl.weighting.a3dro.clip_mode": {"hard", "soft"},
    "mtl.weighting.a3dro.detach_q": {False, True},
    "mtl.weighting.a3dro.aggregation": {"linear", "lse"},
    "mtl.weighting.a3dro.baseline": {"ema", "median"},
    "mtl.weighting.a3dro.anchoring": {"first_step", "warm_up"},
    "mtl.weighting.a3dro.warmup_epochs": {1, 3, 10},
    "mtl.weighting.a3dro.ema_rate": {0.05, 0.1, 0.5},
    "mtl.weighting.a3dro.kappa": {5.0, 20.0, 50.0},
    "mtl.weighting.a3dro.min_availability": {0.05, 0.2, 0.5},
    "stop.watch": {"skill", "anchored"},
    "mtl.grouping": {"per_task", "stable_noisy"},
    "mtl.aggregator": {
        "sum",
        "pcgrad",
        "gradvac",
        "cagrad",
        "gradnorm",
        "mgda",
        "aligned_mtl",
        "imtl_g",
        "config",
        "graddrop",
        "hierarchical",
    },
    "mtl.anchor": {"regime", "regime+forecast"},
    "mtl.gate.kind": {"none", "fallback", "hard", "soft"},
    "mtl.gate.min_availability": {0.0, 0.2, 0.8},
    "mtl.gate.scope": {"batch", "epoch", "dataset"},
    **{f"mtl.tasks.{task}": {False, True} for task in TASKS},
    "loss.transition.kind": {"bce", "focal", "weighted"},
    "loss.transition.focal_alpha": {0.05, 0.25, 0.95},
    "loss.transition.focal_gamma": {0.0, 2.0, 5.0},
    "loss.casualty.kind": {"zinb", "focal", "log1p"},
    "loss.casualty.theta_min": {1e-3, 1.0},
    "loss.casualty.cap": {0.0, 10.0, 20.0},
    "loss.floor": {0.0, 1e-3, 0.05, 0.1, 0.2},
    "loss.floor_kind": {"max", "flooding"},
    "loss.regime.class_balance": {0.0, 0.9, 0.99, 0.999},
    "loss.regime.label_smoothing": {0.0, 0.1, 0.3},
    "loss.regime.entropy_weight": {0.01, 0.3, 1.0},
    "loss.regime.diversity_weight": {0.01, 0.3, 1.0},
    "loss.anomaly.variance_weight": {0.01, 0.1, 1.0},
    "loss.anomaly.target_ratio": {0.2, 1.0},
    "loss.forecast.cap": {0.0, 1.0, 10.0, 100.0},
    "loss.forecast.unit": {"raw", "log1p"},
    "loss.forecast.l2_weight": {1e-4, 1.0},
    "loss.forecast.smooth_weight": {1e-4, 1.0},
    "loss.consistency.latent_weight": {0.01, 1.0},
    "loss.consistency.latent_kind": {"cosine", "huber"},
    "loss.consistency.cycle_weight": {0.01, 0.2, 1.0},
    "loss.consistency.cycle_kind": {"cosine", "mse"},
    "loss.consistency.physical_weight": {0.01, 0.1, 1.0},
    "data.augment.source_dropout": {0.0, 0.4, 0.7},
    "data.augment.sources": {"suspect", "monthly", "all"},
    "data.augment.mode": {"token", "zero"},
    "data.augment.scope": {"batch", "sample"},
    "data.augment.jitter": {0.0, 0.3},
    "data.augment.time_mask": {0.0, 0.5},
    "data.augment.crop": {0.0, 0.5},
    "data.reduction.correlation": {0.6, 0.85, 0.99, 1.0},
    "data.reduction.components": {0, 2, 4, 8, 16, 32},
    "data.missing": {"mask", "zero", "mean", "last"},
    "data.handcrafted": {False, True},
    "data.windows.embargo": {0, 7, 31, 365},
    "model.width": {16, 32, 64, 128},
    "model.heads": {2, 4, 8},
    "model.source_layers": {1, 2, 3, 4},
    "model.fusion_layers": {1, 2, 3, 4},
    "model.causal": {True},
    "model.feature_embeddings": {False, True},
    "model.compression": {False, True},
    "model.positions": {"none", "sinusoidal", "weekday", "weekday_month"},
    "model.geographic": {False, True},
    "model.scale_km": {20.0, 500.0},
    "model.fusion": {"concat", "attention", "gated"},
    "model.gate_temperature": {0.25, 4.0},
    "model.kernels": {"none", "3-7", "3-7-14", "3-7-14-28"},
    "model.window": {0, 7, 15, 31, 63},
    "model.aggregation": {"mean", "attention", "constrained"},
    "model.cross_resolution": {"none", "daily_to_monthly", "both"},
    "model.cross_gating": {False, True},
    "model.cross_layers": {1, 2, 3},
    "model.temporal_layers": {0, 1, 4},
    "model.dropout": {0.0, 0.1, 0.6},
    "model.forecast_hidden": {16, 32, 64, 128, 256},
    "model.forecast_head": {"features", "latent"},
    "model.latent_hidden": {64, 128, 256},
    "model.horizon_embedding": {False, True},
    "model.decoder": {"linear", "low_rank"},
    "model.rank": {8, 16, 32, 64},
    "model.uncertainty": {"none", "learned", "density"},
    "optim.lr": {1e-5, 1e-4, 3e-3},
    "optim.weight_decay": {1e-5, 0.01, 0.3},
    "optim.accum_steps": {1, 2, 4, 8},
    "optim.clip": {0.1, 1.0, 10.0},
    "optim.warmup": {0.0, 0.2},
    "optim.warmup_start": {0.0, 0.5},
    "optim.floor": {0.0, 0.1},
    "optim.schedule": {"constant", "cosine"},
    "optim.mixed": {False, True},
    "stop.patience": {5, 30},
    "stop.min_delta": {1e-5, 1e-2},
    "stop.min_epochs": {0, 50},
    "stop.smoothing": {0.0, 0.95},
}
CHARTER = {  # the study's first table, and the figures that it must hold
    "Budget beta": ("mtl.weighting.a3dro.beta", 0.35),
    "Regret clip": ("mtl.weighting.a3dro.clip", 3.0),
    "Softplus Kendall": ("mtl.weighting.kind", "softplus_kendall"),
    "PCGrad": ("mtl.aggregator", "pcgrad"),
    "Availability gate": ("mtl.gate.kind", "hard"),
    "Focal loss for transitions": ("loss.transition.kind", "focal"),
    "Focal loss for casualties": ("loss.casualty.kind", "focal"),
    "Source dropout": ("data.augment.source_dropout", 0.4),
    "Log1p targets": ("loss.forecast.unit", "log1p"),
    "Latent state predictor": ("model.forecast_head", "latent"),
    "Filter and components": ("data.reduction.correlation", 0.85),
    "Small forecast head": ("model.forecast_hidden", 32),
    "Smoothed early stopping": ("stop.patience", 2),
}
SEARCHED = {
    "mtl.weighting.a3dro.beta": (0.0, 1.0),
    "mtl.weighting.a3dro.clip": (0.5, 10.0),
    "mtl.weighting.a3dro.temperature": (0.1, 5.0),
    "optim.lr": (1e-4, 1e-2),
    "model.dropout": (0.0, 0.6),
}
CASES = [(path, value) for path, values in NAMED.items() for value in sorted(values, key=str)]


def domains():
    parameters = Parameters.of(SEARCH_SPACE, ())
    return {parameter.name: parameter.domain for parameter in parameters.parameters}


def paths(technique):
    return {*technique.on, *technique.levels, *technique.domains}


@pytest.mark.parametrize(("path", "value"), CASES, ids=str)
def test_everything_that_is_named_can_be_configured(path, value):
    context = {"data.windows.stride": 1} | dict(CONTEXTS.get(path, {}))
    if path == "model.heads":
        context["model.width"] = 16
    assert flatten(override(BASELINE, context | {path: value}))[path] == value


def test_what_is_not_named_is_known():
    """A new field must be named here, or be said to be the platform's own."""
    own = {
        "data.scale",
        "data.windows.days",
        "data.windows.months",
        "data.windows.horizon",
        "data.windows.stride",
        "data.windows.train_share",
        "data.windows.validation_share",
        "loss.anomaly.kind",  # goes with the uncertainty
        "loss.casualty.focal_alpha",  # as for transitions
        "loss.casualty.focal_gamma",
        "loss.regime.focal_gamma",
        "loss.transition.pos_weight",
        "mtl.cagrad_c",
        "mtl.gate.kappa",
        "mtl.gradnorm_alpha",
        "mtl.weighting.group_dro.rate",
        "optim.batch_size",
        "stop.epochs",
    }
    fields = {path for path in flatten(BASELINE) if not path.startswith("data.generator.")}
    assert fields == own | set(NAMED)


def test_the_baseline_is_the_plain_sum_of_losses_as_they_are():
    plain = flatten(BASELINE)
    assert plain["loss.forecast.unit"] == "raw"
    assert (plain["mtl.weighting.kind"], plain["mtl.aggregator"]) == ("uniform", "sum")
    assert (plain["mtl.gate.kind"], plain["data.augment.source_dropout"]) == ("none", 0.0)
    assert (plain["mtl.weighting.a3dro.beta"], plain["mtl.weighting.a3dro.clip"]) == (0.0, 0.0)


@pytest.mark.parametrize("name", CHARTER)
def test_the_first_table_asks_what_the_charter_does(name):
    (technique,) = (each for each in TECHNIQUES if each.name == name)
    path, value = CHARTER[name]
    given = technique.levels.get(path, (technique.on.get(path),))
    assert value in given
    assert technique.reference
    assert value != flatten(BASELINE)[path]


def test_every_technique_changes_the_baseline_and_has_a_name_of_its_own():
    every = [*TECHNIQUES, *FURTHER]
    assert not [name for name, times in Counter(t.name for t in every).items() if times > 1]
    known = flatten(BASELINE)
    for technique in every:
        assert paths(technique) <= set(known)
        for path, value in technique.on.items():
            assert flatten(override(BASELINE, dict(technique.on)))[path] == value
        changed = {path: value for path, value in technique.on.items() if known[path] != value}
        assert (
            changed
            or technique.levels
            or technique.stage == "post-hoc"
            or (technique.status == "planned")
        )


def test_what_is_planned_says_why():
    planned = [technique for technique in FURTHER if technique.status == "planned"]
    assert "Sparse mixture of experts" in {technique.name for technique in planned}
    assert all(technique.expected_note and not technique.on for technique in planned)


@pytest.mark.parametrize("path", SEARCHED)
def test_the_joint_search_spans_the_charters_ranges(path):
    domain = domains()[path]
    assert (domain.low, domain.high) == SEARCHED[path]


def test_the_joint_search_chooses_among_the_charters_kinds():
    chosen = {
        path: set(domain.choices)
        for path, domain in domains().items()
        if hasattr(domain, "choices")
    }
    for path in ("mtl.weighting.kind", "mtl.gate.kind"):
        assert chosen[path] >= NAMED[path]
    assert chosen["mtl.aggregator"] >= {"sum", "pcgrad", "gradvac", "cagrad", "hierarchical"}
    assert set(SPACE.domains) == {"optim.lr", "model.dropout"}


def test_the_documents_first_phase_is_tried_first_as_written_and_as_meant():
    written, meant, third = (
        flatten(SEARCH_SPACE.configuration(point)) for point in SEARCH_SPACE.points
    )
    for config in (written, meant):
        assert config["mtl.weighting.kind"] == "a3dro"
        assert config["mtl.weighting.a3dro.beta"] == 0.35
        assert config["mtl.weighting.a3dro.clip"] == 3.0
    assert written["mtl.weighting.a3dro.clip_mode"] == "hard"
    assert meant["mtl.weighting.a3dro.clip_mode"] == "soft"
    assert third["mtl.weighting.kind"] == "softplus_kendall"
