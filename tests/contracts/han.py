"""The HAN in a moment: a short panel with every task's targets, recorded as it were."""

from trainables.han.config import HanConfig
from trainables.han.generated import generate
from trainables.han.generator import GeneratorConfig
from trainables.han.metrics import evaluate
from trainables.han.panel import Panel
from trainables.han.trainable import Han
from trainables.han.windows import WindowConfig

EVALUATE = evaluate
PICTURES = ("losses", "loss_ratio", "gradient_share", "parameters", "casualty_coverage")
NAME = "HAN"
TRAINABLE, CONFIG = Han, HanConfig
STEPS = 3
WINDOWS = {"data.windows.days": 10, "data.windows.months": 3, "data.windows.stride": 4}
SMALL = WINDOWS | {
    "model.width": 8,
    "model.forecast_hidden": 8,
    "model.latent_hidden": 8,
    "data.windows.train_share": 0.4,
    "data.windows.validation_share": 0.3,
    "optim.batch_size": 32,
    "optim.lr": 0.01,
}
FEW = GeneratorConfig(
    n_train=30,
    n_validation=30,
    n_test=30,
    change=0.2,
    casualty_known=0.7,
    anomaly_known=0.6,
)


def data() -> Panel:
    """Return the same days for every run."""
    return generate(FEW, WindowConfig(days=10, months=3, stride=4), seed=0).panel


A3DRO = {"mtl.weighting.kind": "a3dro"}
WARM_UP = A3DRO | {"mtl.weighting.a3dro.anchoring": "warm_up"}
LATENT = {"model.forecast_head": "latent"}
LATENT_LOSS = LATENT | {"loss.consistency.latent_weight": 0.5}
CYCLE_LOSS = LATENT | {"loss.consistency.cycle_weight": 0.5}
FEW_KNOWN = {"mtl.gate.min_availability": 0.6}  # above some tasks' share
TOGETHER = [
    A3DRO
    | LATENT_LOSS
    | {
        "loss.consistency.cycle_weight": 0.2,
        "mtl.weighting.a3dro.warmup_epochs": 2,
        "mtl.gate.kind": "soft",
        "mtl.gate.scope": "epoch",
        "data.augment.jitter": 0.1,
        "data.augment.source_dropout": 0.3,
        "optim.schedule": "cosine",
        "optim.warmup": 0.2,
        "optim.accum_steps": 2,
        "stop.patience": 2,
        "stop.smoothing": 0.5,
    },
    {"mtl.weighting.kind": "kendall", "mtl.aggregator": "pcgrad", "stop.watch": "anchored"},
    {"mtl.weighting.kind": "group_dro", "mtl.aggregator": "gradvac", "mtl.gate.kind": "hard"},
    {"mtl.aggregator": "gradnorm", "data.augment.time_mask": 0.2, "stop.patience": 1},
]
DIVERGING = {"optim.lr": 1e30}
FOCAL_CASUALTY = {"loss.casualty.kind": "focal"}
FOCAL_TRANSITION = {"loss.transition.kind": "focal"}
DROPOUT = {"data.augment.source_dropout": 0.5}
CONTEXTS = {
    "data.augment.sources": DROPOUT,
    "data.augment.mode": DROPOUT,
    "data.augment.scope": DROPOUT,
    "model.compression": {"data.scale": "none"},
    "model.window": {},
    "model.latent_hidden": LATENT,
    "model.horizon_embedding": LATENT,
    "model.decoder": LATENT,
    "model.rank": LATENT | {"model.decoder": "low_rank"},
    "loss.casualty.focal_alpha": FOCAL_CASUALTY,
    "loss.casualty.focal_gamma": FOCAL_CASUALTY,
    "loss.transition.focal_alpha": FOCAL_TRANSITION,
    "loss.transition.focal_gamma": FOCAL_TRANSITION,
    "loss.transition.pos_weight": {"loss.transition.kind": "weighted"},
    "loss.anomaly.kind": {"model.uncertainty": "learned"},
    "loss.anomaly.target_ratio": {"loss.anomaly.variance_weight": 0.5},
    "loss.consistency.latent_weight": LATENT,
    "loss.consistency.latent_kind": LATENT_LOSS,
    "loss.consistency.cycle_weight": LATENT,
    "loss.consistency.cycle_kind": CYCLE_LOSS,
    "loss.floor_kind": {"loss.floor": 0.5},
    "model.uncertainty": {},
    "mtl.weighting.kendall.initial": {"mtl.weighting.kind": "kendall"},
    "mtl.weighting.kendall.lr_multiplier": {"mtl.weighting.kind": "kendall"},
    "mtl.weighting.kendall.clamp": {
        "mtl.weighting.kind": "kendall",
        "mtl.weighting.kendall.lr_multiplier": 50.0,
    },
    "mtl.weighting.kendall.regularisation": {
        "mtl.weighting.kind": "kendall",
        "mtl.weighting.kendall.initial": 1.0,
    },
    **{
        f"mtl.weighting.a3dro.{name}": A3DRO
        for name in ("temperature", "beta", "detach_q", "aggregation", "kappa")
    },
    "mtl.weighting.a3dro.min_availability": A3DRO,
    "mtl.weighting.a3dro.anchoring": A3DRO,
    "mtl.weighting.a3dro.clip": A3DRO,
    "mtl.weighting.a3dro.clip_mode": A3DRO | {"mtl.weighting.a3dro.clip": 0.5},
    "mtl.weighting.a3dro.baseline": WARM_UP | {"mtl.weighting.a3dro.warmup_epochs": 1},
    "mtl.weighting.a3dro.ema_rate": WARM_UP | {"mtl.weighting.a3dro.warmup_epochs": 1},
    "mtl.weighting.a3dro.warmup_epochs": WARM_UP,
    "mtl.weighting.group_dro.rate": {"mtl.weighting.kind": "group_dro"},
    "mtl.gate.kind": FEW_KNOWN,
    "mtl.gate.min_availability": {"mtl.gate.kind": "hard"},
    "mtl.gate.kappa": {"mtl.gate.kind": "soft"},
    "mtl.gate.scope": FEW_KNOWN | {"mtl.gate.kind": "soft"},
    "mtl.anchor": {"mtl.aggregator": "hierarchical"},
    "mtl.grouping": {"mtl.aggregator": "pcgrad"},
    "mtl.gradnorm_alpha": {"mtl.aggregator": "gradnorm"},
    "mtl.cagrad_c": {"mtl.aggregator": "cagrad"},
    "optim.warmup_start": {"optim.warmup": 0.5},
    "optim.floor": {"optim.schedule": "cosine"},
    "stop.min_delta": {"stop.patience": 1, "optim.lr": 0.03},
    "stop.min_epochs": {"stop.patience": 1, "stop.min_delta": 2.0},
    "stop.smoothing": {"stop.patience": 1, "stop.min_delta": 0.03, "optim.lr": 0.03},
    "stop.watch": {"stop.patience": 3, "optim.lr": 0.1},
}
TOGGLES = [
    ("data.windows.days", 12),
    ("data.windows.months", 4),
    ("data.windows.horizon", 3),
    ("data.windows.embargo", 60),
    ("data.windows.stride", 5),
    ("data.windows.train_share", 0.35),
    ("data.windows.validation_share", 0.25),
    ("data.reduction.correlation", 0.7),
    ("data.reduction.components", 3),
    ("data.augment.jitter", 0.2),
    ("data.augment.time_mask", 0.3),
    ("data.augment.crop", 0.5),
    ("data.augment.source_dropout", 0.4),
    ("data.augment.sources", "monthly"),
    ("data.augment.sources", "all"),
    ("data.augment.mode", "zero"),
    ("data.augment.scope", "batch"),
    ("data.handcrafted", True),
    ("data.scale", "log"),
    ("data.scale", "none"),
    ("data.missing", "zero"),
    ("data.missing", "mean"),
    ("data.missing", "last"),
    ("model.width", 16),
    ("model.heads", 1),
    ("model.source_layers", 2),
    ("model.causal", False),
    ("model.feature_embeddings", False),
    ("model.compression", False),
    ("model.positions", "none"),
    ("model.positions", "sinusoidal"),
    ("model.positions", "weekday"),
    ("model.geographic", False),
    ("model.scale_km", 20.0),
    ("model.fusion", "concat"),
    ("model.fusion", "attention"),
    ("model.fusion_layers", 2),
    ("model.gate_temperature", 0.3),
    ("model.kernels", "none"),
    ("model.kernels", "3-7"),
    ("model.kernels", "3-7-14"),
    ("model.window", 3),
    ("model.aggregation", "mean"),
    ("model.aggregation", "attention"),
    ("model.cross_resolution", "none"),
    ("model.cross_resolution", "daily_to_monthly"),
    ("model.cross_layers", 2),
    ("model.cross_gating", False),
    ("model.temporal_layers", 0),
    ("model.dropout", 0.4),
    ("model.forecast_hidden", 16),
    ("model.forecast_head", "latent"),
    ("model.latent_hidden", 16),
    ("model.horizon_embedding", False),
    ("model.decoder", "low_rank"),
    ("model.rank", 2),
    ("model.uncertainty", "learned"),
    ("model.uncertainty", "density"),
    ("loss.regime.class_balance", 0.99),
    ("loss.regime.label_smoothing", 0.1),
    ("loss.regime.focal_gamma", 2.0),
    ("loss.regime.entropy_weight", 0.3),
    ("loss.regime.diversity_weight", 0.3),
    ("loss.casualty.kind", "focal"),
    ("loss.casualty.kind", "log1p"),
    ("loss.casualty.focal_alpha", 0.8),
    ("loss.casualty.focal_gamma", 0.5),
    ("loss.casualty.theta_min", 1.0),
    ("loss.casualty.cap", 1.0),
    ("loss.transition.kind", "focal"),
    ("loss.transition.kind", "weighted"),
    ("loss.transition.focal_alpha", 0.25),
    ("loss.transition.focal_gamma", 0.5),
    ("loss.transition.pos_weight", 2.0),
    ("loss.anomaly.kind", "nll"),
    ("loss.anomaly.variance_weight", 0.5),
    ("loss.anomaly.target_ratio", 1.0),
    ("loss.forecast.unit", "raw"),
    ("loss.forecast.unit", "log1p"),
    ("loss.forecast.cap", 0.1),
    ("loss.forecast.l2_weight", 0.5),
    ("loss.forecast.smooth_weight", 0.5),
    ("loss.consistency.latent_weight", 0.5),
    ("loss.consistency.latent_kind", "huber"),
    ("loss.consistency.cycle_weight", 0.5),
    ("loss.consistency.cycle_kind", "mse"),
    ("loss.consistency.physical_weight", 0.5),
    ("loss.floor", 0.5),
    ("loss.floor_kind", "flooding"),
    *((f"mtl.tasks.{task}", False) for task in ("regime", "casualty", "anomaly")),
    *((f"mtl.tasks.{task}", False) for task in ("transition", "forecast", "daily_forecast")),
    ("mtl.weighting.kind", "kendall"),
    ("mtl.weighting.kind", "softplus_kendall"),
    ("mtl.weighting.kind", "liebel"),
    ("mtl.weighting.kind", "a3dro"),
    ("mtl.weighting.kind", "group_dro"),
    ("mtl.weighting.kendall.initial", 1.0),
    ("mtl.weighting.kendall.lr_multiplier", 5.0),
    ("mtl.weighting.kendall.clamp", 0.5),
    ("mtl.weighting.kendall.regularisation", 0.5),
    ("mtl.weighting.a3dro.temperature", 0.3),
    ("mtl.weighting.a3dro.beta", 0.9),
    ("mtl.weighting.a3dro.clip", 0.1),
    ("mtl.weighting.a3dro.clip_mode", "hard"),
    ("mtl.weighting.a3dro.detach_q", False),
    ("mtl.weighting.a3dro.aggregation", "lse"),
    ("mtl.weighting.a3dro.baseline", "median"),
    ("mtl.weighting.a3dro.ema_rate", 0.5),
    ("mtl.weighting.a3dro.anchoring", "warm_up"),
    ("mtl.weighting.a3dro.warmup_epochs", 1),
    ("mtl.weighting.a3dro.kappa", 3.0),
    ("mtl.weighting.a3dro.min_availability", 0.7),
    ("mtl.weighting.group_dro.rate", 0.5),
    ("mtl.gate.kind", "hard"),
    ("mtl.gate.kind", "soft"),
    ("mtl.gate.min_availability", 0.9),
    ("mtl.gate.kappa", 3.0),
    ("mtl.gate.scope", "epoch"),
    ("mtl.gate.scope", "dataset"),
    ("mtl.aggregator", "pcgrad"),
    ("mtl.aggregator", "gradvac"),
    ("mtl.aggregator", "cagrad"),
    ("mtl.aggregator", "gradnorm"),
    ("mtl.aggregator", "hierarchical"),
    ("mtl.grouping", "stable_noisy"),
    ("mtl.anchor", "regime+forecast"),
    ("mtl.gradnorm_alpha", 0.0),
    ("mtl.cagrad_c", 0.1),
    ("optim.lr", 0.003),
    ("optim.weight_decay", 0.5),
    ("optim.batch_size", 20),
    ("optim.accum_steps", 2),
    ("optim.clip", 0.01),
    ("optim.warmup", 0.5),
    ("optim.warmup_start", 0.5),
    ("optim.floor", 0.5),
    ("optim.schedule", "cosine"),
    ("stop.epochs", 2),
    ("stop.patience", 1),
    ("stop.min_delta", 2.0),
    ("stop.min_epochs", 3),
    ("stop.smoothing", 0.9),
    ("stop.watch", "anchored"),
]
ELSEWHERE = (
    "data.generator.",  # test_generator, test_generated
    "optim.mixed",  # with an accelerator only
)
