"""The lens finder in a moment: a few pairs of stamps, and a thin network."""

from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.metrics import evaluate
from trainables.gen5_prime.stamps import Splits
from trainables.gen5_prime.trainable import Gen5Prime

EVALUATE = evaluate
PICTURES = (
    "reliability",
    "precision_recall",
    "radius",
    "confusion",
    "loss",
    "validation_loss",
    "auroc",
    "gradient",
    "rate",
    "attention",
)
NAME = "Gen5-Prime"
TRAINABLE, CONFIG = Gen5Prime, Gen5Config
STEPS = 9  # at most: three, where nothing else is said
SMALL = {"model.width": 2, "optim.batch_size": 8, "stop.epochs": 3}
FEW = GeneratorConfig(
    n_train=24,
    n_validation=12,
    n_test=12,
    n_shift=12,
    n_bricks=3,
    n_held_out_bricks=2,
    bad_bricks=1,
)


def data() -> Splits:
    """Return the same pairs for every run."""
    return generate(FEW, seed=0)


PAIRED = {"data.mode": "paired6"}
EFFICIENT = {"model.name": "efficient"}
MARGIN = {"loss.contrast": "margin"}
TURNED = {"data.augmentation.rot90": True}
TOGETHER = [
    PAIRED
    | TURNED
    | {
        "data.augmentation.noise": 0.1,
        "data.norm.kind": "joint_pair",
        "data.norm.clip": True,
        "data.negatives.source": "mix",
        "data.shortcut.core_dropout": 0.5,
        "data.shortcut.hard_negatives": 0.5,
        "loss.label_smoothing": 0.1,
        "optim.schedule": "warm_restarts",
        "optim.clip": 1.0,
        "stop.patience": 2,
        "stop.watch": "core_masked_auroc",
    },
    EFFICIENT
    | MARGIN
    | {"model.norm": "group", "model.dropout": 0.2, "optim.algorithm": "sgd", "stop.patience": 1},
    {
        "data.mode": "paired6_plus_diff",
        "data.norm.residual_radial": True,
        "model.stem": "3x3s1",
        "optim.schedule": "one_cycle",
    },
    {"data.mode": "residual_diff", "data.negatives.source": "none", "optim.algorithm": "adam"},
    {"loss.contrast": "supervised", "optim.schedule": "constant"},
]
DIVERGING = {"optim.lr": 1e30}
CONTROLS = {"data.negatives.source": "ctrl"} | PAIRED
CLIPPED = {"data.norm.clip": True, "data.norm.kind": "joint_pair"}
DROPPED = {"data.shortcut.core_dropout": 0.7}
SHUFFLED = {"data.shortcut.hard_negatives": 0.8}
WILD = {"optim.lr": 0.03, "stop.epochs": 8}  # metrics that rise and fall
RESTARTS = {"optim.schedule": "warm_restarts", "stop.epochs": 6}
CONTEXTS = {
    "data.negatives.ratio": CONTROLS,
    "data.negatives.partner": CONTROLS,
    "data.norm.region": {"data.norm.kind": "joint_pair"},
    "data.norm.outer_r": {"data.norm.kind": "per_channel_outer"},
    "data.norm.clip": {"data.norm.kind": "joint_pair"},
    "data.norm.clip_lo": CLIPPED,
    "data.norm.clip_hi": CLIPPED,
    "data.augmentation.paired": TURNED | PAIRED,
    "data.shortcut.core_radius": DROPPED,
    "data.shortcut.fill": DROPPED,
    "data.shortcut.shuffle_bins": SHUFFLED,
    "data.shortcut.shuffle_ctrl": SHUFFLED | PAIRED,
    "model.drop_path": EFFICIENT,
    "loss.weight": MARGIN,
    "loss.margin": MARGIN,
    "loss.temperature": {"loss.contrast": "supervised"},
    "optim.momentum": {"optim.algorithm": "sgd"},
    "optim.restart_epochs": RESTARTS,
    "optim.restart_factor": RESTARTS,
    "stop.patience": WILD,
    "stop.min_epochs": {"stop.patience": 1} | WILD,
    "stop.smoothing": {"stop.patience": 3} | WILD,
    "stop.min_delta": {"stop.patience": 1} | WILD,
    "stop.watch": {"stop.patience": 5, "stop.epochs": 6, "optim.lr": 0.03},
}
TOGGLES = [
    ("data.negatives.source", "none"),
    ("data.negatives.source", "ctrl"),
    ("data.negatives.source", "mix"),
    ("data.negatives.ratio", 0.5),
    ("data.negatives.partner", "copy"),
    ("data.negatives.partner", "other"),
    ("data.norm.kind", "per_sample_robust"),
    ("data.norm.kind", "per_channel_outer"),
    ("data.norm.kind", "joint_pair"),
    ("data.norm.region", "outer"),
    ("data.norm.outer_r", 16),
    ("data.norm.clip", True),
    ("data.norm.clip_lo", -1.0),
    ("data.norm.clip_hi", 5.0),
    ("data.norm.stretch", "asinh"),
    ("data.norm.residual_radial", True),
    ("data.mode", "paired6"),
    ("data.mode", "residual_diff"),
    ("data.mode", "paired6_plus_diff"),
    ("data.augmentation.rot90", True),
    ("data.augmentation.flip", True),
    ("data.augmentation.transpose", True),
    ("data.augmentation.paired", False),
    ("data.augmentation.noise", 0.5),
    ("data.shortcut.core_dropout", 0.5),
    ("data.shortcut.core_radius", 8),
    ("data.shortcut.fill", "zero"),
    ("data.shortcut.fill", "noise"),
    ("data.shortcut.hard_negatives", 0.5),
    ("data.shortcut.shuffle_bins", 8),
    ("data.shortcut.shuffle_ctrl", True),
    ("model.name", "efficient"),
    ("model.width", 4),
    ("model.stem", "3x3s2"),
    ("model.stem", "3x3s1"),
    ("model.norm", "group"),
    ("model.dropout", 0.5),
    ("model.drop_path", 0.5),
    ("loss.label_smoothing", 0.2),
    ("loss.pos_weight", 3.0),
    ("loss.contrast", "margin"),
    ("loss.contrast", "supervised"),
    ("loss.weight", 1.0),
    ("loss.margin", 2.0),
    ("loss.temperature", 0.5),
    ("optim.algorithm", "adam"),
    ("optim.algorithm", "sgd"),
    ("optim.lr", 0.01),
    ("optim.weight_decay", 0.5),
    ("optim.momentum", 0.5),
    ("optim.batch_size", 12),
    ("optim.clip", 0.01),
    ("optim.schedule", "constant"),
    ("optim.schedule", "warm_restarts"),
    ("optim.schedule", "one_cycle"),
    ("optim.floor", 0.5),
    ("optim.restart_epochs", 3),
    ("optim.restart_factor", 1),
    ("stop.epochs", 2),
    ("stop.patience", 1),
    ("stop.min_delta", 2.0),
    ("stop.min_epochs", 6),
    ("stop.smoothing", 0.9),
    ("stop.watch", "auroc"),
    ("stop.watch", "core_masked_auroc"),
]
ELSEWHERE = (
    "data.generator.",
    "data.exclude_bricks",  # test_inputs
    "evaluation.",  # no training depends on it: test_trainable
    "optim.mixed",  # with an accelerator only
)
