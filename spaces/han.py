"""Multi-Resolution HAN: its search space, and the techniques of its source document.

Impacts, efforts and their notes are the source document's own words, where it has any; an effort
is read off the term that it plans a technique for. The baseline sums six losses as they are:
forecasts in their own unit have nearly all of the gradient, as in the document.
"""

from dataclasses import replace

from search import Categorical, Effort, Float, Impact, Space, Technique, When
from trainables.han.balance import MtlConfig
from trainables.han.config import HanConfig
from trainables.han.data_config import DataConfig
from trainables.han.generator import GeneratorConfig
from trainables.han.loss_config import ForecastLoss, LossConfig
from trainables.han.shape import ModelConfig
from trainables.techniques.anchored import A3droConfig
from trainables.techniques.task_weights import WeightingConfig

BASELINE = HanConfig(
    # the forecasts' losses are some 100,000 times the others', as in the source document
    data=DataConfig(
        generator=GeneratorConfig(scale=1.0, n_train=320, n_validation=256, n_test=512)
    ),
    model=ModelConfig(forecast_hidden=256),
    loss=LossConfig(forecast=ForecastLoss(unit="raw")),
    mtl=MtlConfig(weighting=WeightingConfig(a3dro=A3droConfig(beta=0.0, clip=0.0))),
)
LR = Float(1e-4, 1e-2, log=True)
DROPOUT = Float(0.0, 0.6)
BETA = Float(0.0, 1.0)
CLIP = Float(0.5, 10.0)
TEMPERATURE = Float(0.1, 5.0, log=True)
FOCAL_ALPHA, FOCAL_GAMMA = Float(0.05, 0.95), Float(0.0, 5.0)
SPACE = Space(baseline=BASELINE, domains={"optim.lr": LR, "model.dropout": DROPOUT})

A3DRO_ON = {"mtl.weighting.kind": "a3dro"}
AS_WRITTEN = {  # a hard limit and baselines of 1 until the warm-up ends: some tasks get nothing
    "mtl.weighting.a3dro.clip_mode": "hard",
    "mtl.weighting.a3dro.anchoring": "warm_up",
}
LATENT = {"model.forecast_head": "latent"}

# For the best configuration: everything may vary at once.
SEARCH_SPACE = Space(
    baseline=replace(BASELINE, mtl=MtlConfig()),  # A3DRO, where it is on, is budgeted and clipped
    domains={
        "mtl.weighting.kind": Categorical(
            ("uniform", "kendall", "softplus_kendall", "liebel", "a3dro", "group_dro")
        ),
        "mtl.weighting.a3dro.beta": When(A3DRO_ON, BETA),
        "mtl.weighting.a3dro.clip": When(A3DRO_ON, CLIP),
        "mtl.weighting.a3dro.clip_mode": When(A3DRO_ON, Categorical(("hard", "soft"))),
        "mtl.weighting.a3dro.anchoring": When(A3DRO_ON, Categorical(("first_step", "warm_up"))),
        "mtl.weighting.a3dro.temperature": When(A3DRO_ON, TEMPERATURE),
        "mtl.aggregator": Categorical(("sum", "pcgrad", "gradvac", "cagrad", "hierarchical")),
        "mtl.grouping": When(
            {"mtl.aggregator": {"pcgrad", "gradvac", "cagrad", "hierarchical"}},
            Categorical(("per_task", "stable_noisy")),
        ),
        "mtl.gate.kind": Categorical(("none", "fallback", "hard", "soft")),
        "mtl.gate.min_availability": When({"mtl.gate.kind": {"hard", "soft"}}, Float(0.05, 0.5)),
        "loss.forecast.unit": Categorical(("raw", "standardised", "log1p")),
        "loss.casualty.kind": Categorical(("zinb", "focal", "log1p")),
        "loss.transition.kind": Categorical(("bce", "focal", "weighted")),
        "loss.transition.focal_alpha": When({"loss.transition.kind": "focal"}, FOCAL_ALPHA),
        "loss.transition.focal_gamma": When({"loss.transition.kind": "focal"}, FOCAL_GAMMA),
        "data.augment.source_dropout": Float(0.0, 0.7),
        "data.reduction.correlation": Categorical((0.85, 0.95, 1.0)),
        "data.reduction.components": Categorical((0, 2, 4, 8)),
        "model.width": Categorical((8, 16, 32)),
        "model.dropout": DROPOUT,
        "model.forecast_head": Categorical(("features", "latent")),
        "model.forecast_hidden": Categorical((16, 32, 64, 128, 256)),
        "optim.lr": LR,
        "optim.weight_decay": Float(1e-5, 0.3, log=True),
        "optim.schedule": Categorical(("constant", "cosine")),
        "optim.warmup": Float(0.0, 0.3),
    },
    # the source document's first phase, as written and as it was meant
    points=[
        A3DRO_ON | AS_WRITTEN | {"mtl.weighting.a3dro.beta": 0.35},
        A3DRO_ON | {"mtl.weighting.a3dro.beta": 0.35, "loss.transition.kind": "focal"},
        {"mtl.weighting.kind": "softplus_kendall", "mtl.aggregator": "pcgrad"} | LATENT,
    ],
)

# The charter's, and the rows of the document's tables of expected impact, in its order.
TECHNIQUES = (
    Technique(
        "Latent state predictor",
        on=LATENT,
        domains={
            "model.latent_hidden": Categorical((64, 128, 256)),
            "model.horizon_embedding": Categorical((False, True)),
        },
        expected_impact=Impact.HIGH,
        expected_note="forecast train/validation gap from 140 times to under 5; 98 % fewer weights",
        effort=Effort.MEDIUM,
        effort_note="short-term",
        reference="arXiv:1807.03748",
    ),
    Technique(
        "Softplus Kendall",
        on={"mtl.weighting.kind": "softplus_kendall"},
        domains={
            "mtl.weighting.kendall.initial": Float(-2.0, 2.0),
            "mtl.weighting.kendall.lr_multiplier": Float(0.1, 10.0, log=True),
        },
        expected_note="eliminates negative loss values that confused optimization",
        effort=Effort.LOW,
        effort_note="immediate",
        reference="arXiv:1805.06334",
    ),
    Technique(
        "PCGrad",
        on={"mtl.aggregator": "pcgrad", "mtl.grouping": "stable_noisy"},
        expected_impact=Impact.HIGH,
        expected_note="keeps forecast gradients from destroying regime representations",
        effort=Effort.LOW,
        effort_note="immediate",
        reference="arXiv:2001.06782",
    ),
    Technique(
        "Availability gate",
        on={"mtl.gate.kind": "hard"},
        domains={
            "mtl.gate.min_availability": Float(0.05, 0.5),
            "mtl.gate.scope": Categorical(("batch", "epoch", "dataset")),
        },
        expected_impact=Impact.HIGH,
        expected_note="prevents task collapse: a loss of 1e-6 to over 0.1",
        reference="arXiv:2202.05436",
    ),
    Technique(
        "A3DRO",
        on=A3DRO_ON,
        domains={"mtl.weighting.a3dro.temperature": TEMPERATURE},
        expected_note="one task no longer has 99 % of the gradient (a total below 0 is its nature)",
        reference="arXiv:1911.08731",
    ),
    Technique(
        "Budget beta",
        on={"mtl.weighting.a3dro.beta": 0.35},
        requires="A3DRO",
        expected_note="no task can exceed 65 % (0.708 of six tasks, in truth)",
        reference="doi:10.1137/S0097539701398375",
    ),
    Technique(
        "Regret clip",
        on={"mtl.weighting.a3dro.clip": 3.0} | AS_WRITTEN,
        requires="A3DRO",
        expected_note="prevents extreme regrets (and, hard, cuts off small and exploding losses)",
        reference="arXiv:2202.05436",
    ),
    Technique(
        "Focal loss for transitions",
        on={"loss.transition.kind": "focal"},
        domains={
            "loss.transition.focal_alpha": FOCAL_ALPHA,
            "loss.transition.focal_gamma": FOCAL_GAMMA,
        },
        expected_impact=Impact.HIGH,
        expected_note="transition collapse (1e-8); priority HIGH",
        reference="arXiv:1708.02002",
        family="Focal loss",
    ),
    Technique(
        "Focal loss for casualties",
        on={"loss.casualty.kind": "focal"},
        domains={
            "loss.casualty.focal_alpha": FOCAL_ALPHA,
            "loss.casualty.focal_gamma": FOCAL_GAMMA,
        },
        expected_impact=Impact.HIGH,
        expected_note="casualty collapse (1e-5); priority HIGH",
        reference="arXiv:1708.02002",
        family="Focal loss",
    ),
    Technique(
        "Source dropout",
        on={"data.augment.source_dropout": 0.4},
        domains={"data.augment.sources": Categorical(("suspect", "monthly", "all"))},
        expected_impact=Impact.MEDIUM,
        expected_note="dominance of hdx_rainfall; priority MEDIUM",
        reference="arXiv:1501.00102",
    ),
    Technique(
        "Log1p targets",
        on={"loss.forecast.unit": "log1p"},
        expected_impact=Impact.LOW,
        expected_note="100,000 times the loss scale (partial fix); priority LOW",
        reference="doi:10.2307/3001536",
    ),
    Technique(
        "Filter and components",
        on={"data.reduction.correlation": 0.85, "data.reduction.components": 4},
        expected_note="26.9 to 7.3 million weights; validation loss 11.61 to 11.57",
        reference="doi:10.1080/14786440109462720",
    ),
    Technique(
        "Small forecast head",
        on={"model.forecast_hidden": 32},
        expected_note="4.4 million weights to 500,000; first thing against overfitting",
        effort=Effort.LOW,
        effort_note="immediate",
        reference="doi:10.1162/neco.1992.4.1.1",
    ),
    Technique(
        "Smoothed early stopping",
        on={"stop.patience": 2, "stop.smoothing": 0.5, "stop.min_epochs": 2},
        domains={"stop.min_delta": Categorical((0.0, 1e-4, 1e-3, 1e-2))},
        effort=Effort.MEDIUM,
        effort_note="medium-term",
        reference="doi:10.1007/3-540-49430-8_3",
        family="Early stopping",
    ),
)
