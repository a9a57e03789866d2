"""PAT in a moment: a few people for one day each, on given splits."""

from trainables.pat.config import PatConfig
from trainables.pat.generator import GeneratorConfig
from trainables.pat.splits import Splits, generate_splits
from trainables.pat.trainable import Pat
from trainables.techniques.binary import evaluate

EVALUATE = evaluate
PICTURES = ("reliability", "precision_recall")
NAME = "PAT"
TRAINABLE, CONFIG = Pat, PatConfig
STEPS = 9  # at most: three, where nothing else is said
SMALL = {"optim.batch_size": 8, "stop.epochs": 3, "init.masked.epochs": 2}
FEW = GeneratorConfig(n_train=20, n_validation=12, n_test=12, n_unlabelled=10, prevalence=0.4)


def data() -> Splits:
    """Return the same people for every run."""
    return generate_splits(FEW, seed=0)


TOGETHER = [
    {
        "stop.patience": 5,
        "optim.mode": "gradual",
        "optim.differential": True,
        "optim.schedule": "plateau",
        "optim.plateau_patience": 1,
        "loss.class_weight": "sqrt",
        "loss.label_smoothing": 0.1,
        "model.patch_embed": "conv",
        "model.head_pool": "attention",
    },
    {"init.start": "masked", "optim.schedule": "warmup_cosine", "optim.mode": "two_stage"},
]
DIVERGING = {"optim.lr": 1e30}
CONV = {"model.patch_embed": "conv"}
MASKED = {"init.start": "masked"}
CONTEXTS = {
    "model.conv_kernel": CONV,
    "model.conv_channels": CONV,
    "model.conv_pool": CONV,
    "init.seed": MASKED,
    **{
        f"init.masked.{name}": MASKED
        for name in ("mask_ratio", "loss", "epochs", "lr", "batch_size", "bfloat16", "smooth")
    },
    "init.masked.patience": {**MASKED, "init.masked.epochs": 5, "init.masked.lr": 0.3},
    "init.masked.held_out": {**MASKED, "init.masked.patience": 9},
    "init.masked.smooth_window": {**MASKED, "init.masked.smooth": True},
    "init.masked.smooth_order": {**MASKED, "init.masked.smooth": True},
    "optim.unfreeze_epoch": {"optim.mode": "two_stage"},
    "optim.layers_per_stage": {"optim.mode": "gradual"},
    "optim.encoder_lr": {"optim.differential": True},
    "optim.head_lr": {"optim.differential": True},
    "optim.schedule": {"optim.plateau_patience": 1, "optim.lr": 0.3, "stop.epochs": 6},
    "optim.warmup": {"optim.schedule": "warmup_cosine"},
    "optim.plateau_patience": {"optim.schedule": "plateau", "optim.lr": 0.3, "stop.epochs": 8},
    "optim.plateau_factor": {
        "optim.schedule": "plateau",
        "optim.plateau_patience": 1,
        "optim.lr": 0.3,
        "stop.epochs": 8,
    },
    "stop.min_epochs": {"stop.patience": 1, "stop.epochs": 6, "optim.lr": 0.3},
    "stop.smoothing": {"stop.patience": 9, "stop.epochs": 6, "optim.lr": 0.1},
    "stop.min_delta": {"stop.patience": 5, "stop.epochs": 6, "optim.lr": 3e-4},
}
TOGGLES = [
    ("data.norm", "global"),
    ("data.norm", "per_participant"),
    ("data.norm", "per_window"),
    ("data.norm", "fixed"),
    ("data.log1p", True),
    ("data.clip", 1.0),
    ("data.smooth", True),
    ("model.size", "M"),
    ("model.patch_embed", "conv"),
    ("model.conv_kernel", 5),
    ("model.conv_channels", 8),
    ("model.conv_pool", "flatten"),
    ("model.head_pool", "attention"),
    ("model.head", "linear"),
    ("model.dropout", 0.4),
    ("init.start", "masked"),
    ("init.seed", 1),
    ("init.masked.mask_ratio", 0.5),
    ("init.masked.loss", "masked"),
    ("init.masked.epochs", 1),
    ("init.masked.patience", 1),
    ("init.masked.held_out", 0.4),
    ("init.masked.lr", 0.01),
    ("init.masked.batch_size", 4),
    ("init.masked.bfloat16", True),
    ("init.masked.smooth", True),
    ("init.masked.smooth_window", 11),
    ("init.masked.smooth_order", 1),
    ("loss.class_weight", "balanced"),
    ("loss.class_weight", "sqrt"),
    ("loss.label_smoothing", 0.2),
    ("optim.mode", "probe"),
    ("optim.mode", "two_stage"),
    ("optim.mode", "gradual"),
    ("optim.unfreeze_epoch", 1),
    ("optim.layers_per_stage", 2),
    ("optim.differential", True),
    ("optim.lr", 0.01),
    ("optim.encoder_lr", 0.01),
    ("optim.head_lr", 0.01),
    ("optim.weight_decay", 0.5),
    ("optim.batch_size", 4),
    ("optim.schedule", "cosine"),
    ("optim.schedule", "warmup_cosine"),
    ("optim.schedule", "plateau"),
    ("optim.warmup", 0.5),
    ("optim.plateau_patience", 1),
    ("optim.plateau_factor", 0.9),
    ("optim.clip", 0.01),
    ("stop.epochs", 2),
    ("stop.patience", 1),
    ("stop.min_delta", 2.0),
    ("stop.min_epochs", 6),
    ("stop.smoothing", 0.9),
]
ELSEWHERE = (
    "data.generator.",
    "data.days",
    "data.nonwear.",
    "init.path",  # with a file only: test_initial
    "model.attention",  # the same numbers but for rounding: test_encoder
    "optim.mixed",  # with an accelerator only
)
