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
        generator=GeneratorConfig(scale=1.0, n_train=448, n_validation=256, n_test=512)
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
        on={"stop.patience": 3, "stop.smoothing": 0.5, "stop.min_epochs": 3},
        domains={"stop.min_delta": Categorical((0.0, 1e-4, 1e-3, 1e-2))},
        effort=Effort.MEDIUM,
        effort_note="medium-term",
        reference="doi:10.1007/3-540-49430-8_3",
    ),
)

# What the document names besides, and what its repository does; studies/han_further.py asks.
FURTHER = (
    Technique(
        "Kendall weighting",
        on={"mtl.weighting.kind": "kendall"},
        domains={
            "mtl.weighting.kendall.initial": Float(-1.0, 2.0),
            "mtl.weighting.kendall.lr_multiplier": Float(0.1, 10.0, log=True),
        },
        expected_note="issue: negative losses",
        reference="arXiv:1705.07115",
    ),
    Technique(
        "Liebel weighting",
        on={"mtl.weighting.kind": "liebel"},
        domains={"mtl.weighting.kendall.lr_multiplier": Float(0.1, 10.0, log=True)},
        reference="arXiv:1805.06334",
    ),
    Technique(
        "Group DRO",
        on={"mtl.weighting.kind": "group_dro"},
        domains={"mtl.weighting.group_dro.rate": Float(1e-3, 1.0, log=True)},
        reference="arXiv:1911.08731",
    ),
    Technique(
        "Budget beta, a curve",
        on=A3DRO_ON,
        levels={"mtl.weighting.a3dro.beta": (0.1, 0.35, 0.7, 1.0)},
        reference="doi:10.1137/S0097539701398375",
    ),
    Technique(
        "Regret clip, a curve",
        on=A3DRO_ON,
        levels={"mtl.weighting.a3dro.clip": (0.5, 1.0, 3.0, 10.0)},
        expected_note="c tanh(r / c), which cuts no task off, from the first step on",
        reference="arXiv:2202.05436",
    ),
    Technique(
        "PCGrad, task by task",
        on={"mtl.aggregator": "pcgrad"},
        reference="arXiv:2001.06782",
    ),
    Technique(
        "Surgery onto a stable anchor",
        on={"mtl.aggregator": "hierarchical"},
        domains={"mtl.anchor": Categorical(("regime", "regime+forecast"))},
        reference="arXiv:1812.00420",
    ),
    Technique("GradVac", on={"mtl.aggregator": "gradvac"}, reference="arXiv:2010.05874"),
    Technique(
        "CAGrad",
        on={"mtl.aggregator": "cagrad"},
        domains={"mtl.cagrad_c": Float(0.1, 0.9)},
        reference="arXiv:2110.14048",
    ),
    Technique(
        "Soft availability gate",
        on={"mtl.gate.kind": "soft"},
        domains={
            "mtl.gate.kappa": Float(5.0, 50.0, log=True),
            "mtl.gate.min_availability": Float(0.05, 0.5),
        },
        reference="arXiv:2202.05436",
    ),
    Technique(
        "Without the rarely known task",
        on={"mtl.tasks.anomaly": False},
        expected_note="remove tasks with missing targets",
        effort=Effort.MEDIUM,
        effort_note="short-term",
        reference="arXiv:1905.07553",
    ),
    Technique(
        "Anchored validation",
        on={"stop.patience": 3, "stop.watch": "anchored"},
        expected_note="validation is now comparable across epochs",
        reference="doi:10.1007/3-540-49430-8_3",
    ),
    Technique(
        "Loss floor",
        on={"loss.floor": 0.05},
        domains={"loss.floor_kind": Categorical(("max", "flooding"))},
        expected_note="fixes task collapse",
        effort=Effort.MEDIUM,
        effort_note="short-term",
        reference="arXiv:2002.08709",
    ),
    Technique(
        "Capped forecast loss",
        on={"loss.forecast.cap": 10.0},
        expected_note="keeps the forecast from dominating",
        effort=Effort.LOW,
        effort_note="immediate",
        reference="doi:10.1214/aoms/1177703732",
    ),
    Technique(
        "Forecast output regularisation",
        on={"loss.forecast.l2_weight": 0.01, "loss.forecast.smooth_weight": 0.01},
        effort=Effort.LOW,
        effort_note="immediate",
        reference="arXiv:1701.06548",
    ),
    Technique(
        "Standardised targets",
        on={"loss.forecast.unit": "standardised"},
        reference="doi:10.1007/3-540-49430-8_2",
    ),
    Technique(
        "Normal casualties in logarithms",
        on={"loss.casualty.kind": "log1p"},
        expected_note="the alternative to the zero-inflated likelihood, which is the baseline's",
        reference="doi:10.2307/3001536",
    ),
    Technique(
        "Regime class weights",
        levels={"loss.regime.class_balance": (0.9, 0.99, 0.999)},
        expected_note="against collapse",
        reference="arXiv:1901.05555",
    ),
    Technique(
        "Regime label smoothing",
        on={"loss.regime.label_smoothing": 0.1},
        expected_note="against collapse",
        reference="arXiv:1512.00567",
    ),
    Technique(
        "Regime entropy penalty",
        on={"loss.regime.entropy_weight": 0.3},
        expected_note="against collapse",
        reference="arXiv:1701.06548",
    ),
    Technique(
        "Regime diversity penalty",
        on={"loss.regime.diversity_weight": 0.3},
        expected_note="against collapse",
        reference="arXiv:1701.06548",
    ),
    Technique(
        "Anomaly variance penalty",
        on={"loss.anomaly.variance_weight": 0.1},
        domains={"loss.anomaly.target_ratio": Float(0.2, 1.0)},
        reference="arXiv:2105.04906",
    ),
    Technique(
        "Density-scaled uncertainty",
        on={"model.uncertainty": "density", "loss.anomaly.kind": "nll"},
        expected_note="uncertainty inversely to the density of observations",
        reference="arXiv:1703.04977",
    ),
    Technique(
        "Low-rank decoder",
        on={"model.decoder": "low_rank"} | LATENT,
        domains={"model.rank": Categorical((8, 16, 32))},
        reference="arXiv:1807.03748",
    ),
    Technique(
        "Latent predictive coding",
        on={"loss.consistency.latent_weight": 0.1} | LATENT,
        domains={"loss.consistency.latent_kind": Categorical(("cosine", "huber"))},
        effort=Effort.HIGH,
        effort_note="medium-term",
        reference="arXiv:2006.07733",
    ),
    Technique(
        "Cycle consistency",
        on={"loss.consistency.cycle_weight": 0.2} | LATENT,
        domains={"loss.consistency.cycle_kind": Categorical(("cosine", "mse"))},
        expected_note="keeps daily forecasts from diverging from the monthly structure",
        effort=Effort.HIGH,
        effort_note="medium-term",
        reference="doi:10.1016/j.ejor.2017.02.046",
    ),
    Technique(
        "Physical consistency",
        on={"loss.consistency.physical_weight": 0.1},
        reference="doi:10.1016/j.ejor.2017.02.046",
    ),
    Technique(
        "Correlation filter",
        on={"data.reduction.correlation": 0.85},
        expected_note="50 to 42, 35 to 20 and 48 to 45 features",
        reference="doi:10.1080/14786440109462720",
    ),
    Technique(
        "Spatial components",
        levels={"data.reduction.components": (2, 4, 8)},
        expected_note="26.9 to 7.3 million weights",
        reference="doi:10.1080/14786440109462720",
    ),
    Technique(
        "More spatial sources",
        levels={"data.generator.spare": (2, 5)},
        expected_note="six of them 11.61, three 11.57: here they know nothing of the conflict",
        reference="doi:10.1162/neco.1992.4.1.1",
    ),
    Technique(
        "Filled gaps",
        levels={"data.missing": ("zero", "mean", "last")},
        expected_note="no value is fabricated: the critical design principle",
        reference="doi:10.1093/biomet/63.3.581",
    ),
    Technique(
        "Dropout of all sources",
        on={"data.augment.source_dropout": 0.2, "data.augment.sources": "all"},
        reference="arXiv:1501.00102",
    ),
    Technique(
        "Augmentation",
        on={"data.augment.jitter": 0.1, "data.augment.time_mask": 0.1},
        expected_note="synthetic training samples",
        effort=Effort.HIGH,
        effort_note="long-term",
        reference="arXiv:1706.00527",
    ),
    Technique("Hand-crafted features", on={"data.handcrafted": True}, reference="arXiv:1601.07213"),
    Technique(
        "Stronger weight decay",
        on={"optim.weight_decay": 0.1},
        expected_note="increase dropout (the space's own knob), weight decay",
        reference="arXiv:1711.05101",
    ),
    Technique(
        "Warm-up and cosine",
        on={"optim.schedule": "cosine", "optim.warmup": 0.2},
        expected_note="issue: warm-up starts too low",
        reference="arXiv:1608.03983",
    ),
    Technique(
        "Accumulated batches",
        on={"optim.accum_steps": 4, "optim.batch_size": 8},
        expected_note="average gradients, not just scale the loss",
        effort=Effort.HIGH,
        effort_note="medium-term",
        reference="arXiv:1706.02677",
    ),
    Technique(
        "Ensemble of seeds",
        stage="post-hoc",
        members=3,
        expected_note="combine multiple smaller models",
        reference="arXiv:1612.01474",
    ),
    Technique(
        "Sparse mixture of experts",
        status="planned",
        expected_note="85 % parameter sparsity via routing; named in the document, not made there",
        reference="arXiv:1701.06538",
    ),
    Technique(
        "Adaptive source dropout",
        status="planned",
        expected_note="of the document's repository; the fixed rate comes first",
        reference="arXiv:1501.00102",
    ),
    Technique(
        "Spectral drift penalty",
        status="planned",
        expected_note="of the document's repository, without a source",
    ),
    Technique(
        "Pre-training on related tasks",
        status="planned",
        expected_note="needs a panel of another conflict",
        reference="arXiv:1411.1792",
    ),
)

# Leave-one-out over the steps of the architecture: what the network is worth without each.
ARCHITECTURE = (
    Technique("No feature embeddings", on={"model.feature_embeddings": False}),
    Technique("No day of the week, no month", on={"model.positions": "sinusoidal"}),
    Technique("No positions", on={"model.positions": "none"}),
    Technique("No attention across regions", on={"model.geographic": False}),
    Technique("Sources side by side", on={"model.fusion": "concat"}),
    Technique("No gate of sources", on={"model.fusion": "attention"}),
    Technique("No convolutions", on={"model.kernels": "none"}),
    Technique("Attention to a week", on={"model.window": 7}),
    Technique(
        "Means of months",
        on={"model.aggregation": "mean"},
        expected_note="NOT simple averaging",
    ),
    Technique("Months not apart", on={"model.aggregation": "attention"}),
    Technique("No fusion of resolutions", on={"model.cross_resolution": "none"}),
    Technique("Days to months only", on={"model.cross_resolution": "daily_to_monthly"}),
    Technique("No temporal encoder", on={"model.temporal_layers": 0}),
    Technique("Two layers per source", on={"model.source_layers": 2}),
    Technique(
        "Parameters to the fusion",
        on={"model.fusion_layers": 2, "model.cross_layers": 2},
        expected_note="move parameters from encoders to fusion layers",
        effort=Effort.HIGH,
        effort_note="medium-term",
    ),
    Technique("Width 8", on={"model.width": 8}, expected_note="a simpler architecture"),
    Technique("Width 32", on={"model.width": 32}, expected_note="11.61 against 11.57"),
    Technique(
        "Width 32 with cosine",
        on={"model.width": 32, "optim.schedule": "cosine", "optim.warmup": 0.2},
        expected_note="cosine helps the larger model recover, and not the smaller one",
    ),
    Technique("Cosine", on={"optim.schedule": "cosine", "optim.warmup": 0.2}),
)
