"""The pair classifier in a moment: a few isolates with short embeddings, on given splits."""

from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import PROTOCOL
from trainables.esm2_pair.generated import generate
from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.metrics import evaluate
from trainables.esm2_pair.pairing import NegativesConfig
from trainables.esm2_pair.pairs import Splits
from trainables.esm2_pair.trainable import Esm2Pair

EVALUATE = evaluate
PICTURES = (
    "reliability",
    "precision_recall",
    "false_positives",
    "leakage",
    "loss",
    "validation_loss",
    "f1",
)
NAME = "ESM-2 pairs"
TRAINABLE, CONFIG = Esm2Pair, Esm2PairConfig
STEPS = 9  # at most: three, where nothing else is said
SMALL = {
    "model.mlp.hidden_dims": "8-4",
    "model.tower.dims": "8-4",
    "model.attention.d_attn": 4,
    "model.attention.chunks": 4,
    "optim.batch_size": 16,
    "stop.epochs": 3,
}
FEW = GeneratorConfig(
    n_train=40,
    n_validation=30,
    n_test=30,
    n_lineages=6,
    n_dims=8,
    n_tokens=1,
    n_latent=4,
)


def data() -> Splits:
    """Return the same pairs for every run."""
    return generate(FEW, NegativesConfig(), PROTOCOL, seed=0)


SIAMESE = {"model.arch": "siamese"}
ATTENTION = {"model.arch": "cross_attention"}
DIFF = {"model.features.use_diff": True}
TOGETHER = [
    {
        "model.mlp.norm": "batch",
        "model.features.slot_transform": "slot_layer_norm",
        "loss.class_weight": "auto",
        "loss.label_smoothing": 0.1,
        "optim.schedule": "plateau",
        "optim.clip": 1.0,
        "stop.patience": 2,
        "stop.watch": "f1",
    },
    SIAMESE | {"loss.kind": "contrastive", "optim.schedule": "step", "stop.patience": 1},
    SIAMESE
    | {
        "model.tower.sharing": "shared_adapter",
        "model.tower.distance": "cosine",
        "loss.kind": "nt_xent",
    },
    SIAMESE | {"loss.kind": "bce+contrastive", "model.tower.sharing": "two_tower"},
    ATTENTION | DIFF | {"model.features.slot_transform": "unit_diff", "optim.schedule": "cosine"},
]
DIVERGING = {"optim.lr": 1e30}
CONTRASTIVE = SIAMESE | {"loss.kind": "contrastive"}
WILD = {"optim.lr": 0.3, "stop.epochs": 8}  # metrics that rise and fall
PLATEAU = WILD | {"optim.schedule": "plateau"}
CONTEXTS = {
    "model.features.use_concat": DIFF,
    "model.features.slot_transform": DIFF,
    "model.mlp.norm_position": {"model.mlp.norm": "layer"},
    "model.tower.dims": SIAMESE,
    "model.tower.sharing": SIAMESE,
    "model.tower.distance": SIAMESE,
    "model.attention.chunks": ATTENTION,
    "model.attention.d_attn": ATTENTION,
    "model.attention.n_heads": ATTENTION,
    "model.attention.depth": ATTENTION,
    "loss.kind": SIAMESE,
    "loss.pos_weight": {"loss.class_weight": "fixed"},
    "loss.gamma": {"loss.kind": "focal"},
    "loss.alpha": {"loss.kind": "focal"},
    "loss.margin": CONTRASTIVE,
    "loss.weight": SIAMESE | {"loss.kind": "bce+contrastive"},
    "loss.temperature": SIAMESE | {"loss.kind": "nt_xent"},
    "optim.momentum": {"optim.algorithm": "sgd", "optim.lr": 0.1},
    "optim.schedule": WILD,
    "optim.plateau_patience": PLATEAU,
    "optim.plateau_factor": PLATEAU,
    "optim.step_size": {"optim.schedule": "step"},
    "optim.step_factor": {"optim.schedule": "step"},
    "stop.patience": WILD,
    "stop.min_epochs": {"stop.patience": 1} | WILD,
    "stop.smoothing": {
        "stop.patience": 1,
        "stop.min_delta": 0.001,
        "stop.epochs": 6,
        "optim.lr": 3e-3,
    },
    "stop.min_delta": {"stop.patience": 1, "stop.epochs": 6},
    "stop.watch": {"stop.patience": 3} | WILD | {"optim.lr": 0.1},
}
TOGGLES = [
    ("model.arch", "siamese"),
    ("model.arch", "cross_attention"),
    ("model.features.use_concat", False),
    ("model.features.use_diff", True),
    ("model.features.use_prod", True),
    ("model.features.slot_transform", "slot_norm"),
    ("model.features.slot_transform", "slot_layer_norm"),
    ("model.features.slot_transform", "unit_norm"),
    ("model.features.slot_transform", "unit_diff"),
    ("model.mlp.hidden_dims", "8"),
    ("model.mlp.dropout", 0.5),
    ("model.mlp.norm", "batch"),
    ("model.mlp.norm", "layer"),
    ("model.mlp.norm_position", "post_activation"),
    ("model.tower.dims", "4"),
    ("model.tower.sharing", "two_tower"),
    ("model.tower.sharing", "shared_adapter"),
    ("model.tower.distance", "l2"),
    ("model.tower.distance", "cosine"),
    ("model.attention.chunks", 2),
    ("model.attention.d_attn", 8),
    ("model.attention.n_heads", 1),
    ("model.attention.depth", 2),
    ("loss.kind", "focal"),
    ("loss.kind", "contrastive"),
    ("loss.kind", "bce+contrastive"),
    ("loss.kind", "nt_xent"),
    ("loss.class_weight", "auto"),
    ("loss.class_weight", "fixed"),
    ("loss.pos_weight", 3.0),
    ("loss.label_smoothing", 0.2),
    ("loss.gamma", 0.5),
    ("loss.alpha", 0.75),
    ("loss.margin", 0.5),
    ("loss.weight", 0.9),
    ("loss.temperature", 0.5),
    ("optim.algorithm", "adam"),
    ("optim.algorithm", "sgd"),
    ("optim.lr", 0.01),
    ("optim.weight_decay", 0.5),
    ("optim.momentum", 0.5),
    ("optim.batch_size", 8),
    ("optim.clip", 0.01),
    ("optim.schedule", "cosine"),
    ("optim.schedule", "step"),
    ("optim.schedule", "plateau"),
    ("optim.plateau_patience", 2),
    ("optim.plateau_factor", 0.9),
    ("optim.step_size", 1),
    ("optim.step_factor", 0.9),
    ("stop.epochs", 2),
    ("stop.patience", 1),
    ("stop.min_delta", 2.0),
    ("stop.min_epochs", 6),
    ("stop.smoothing", 0.9),
    ("stop.watch", "f1"),
    ("stop.watch", "auroc"),
    ("stop.watch", "ap"),
    ("stop.watch", "hard_auroc"),
]
ELSEWHERE = (
    # given splits are as they are: test_generated, test_pairing, test_splitting; test_reading
    "data.",
    "optim.mixed",  # with an accelerator only
)
