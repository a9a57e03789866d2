"""PI-TFT in a moment: events that can be learnt from their last message."""

import numpy as np

from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.sequences import Events, Splits
from trainables.pi_tft.trainable import PiTft
from trainables.techniques.binary import evaluate

EVALUATE = evaluate
PICTURES = ("reliability", "precision_recall")
NAME = "PI-TFT"
TRAINABLE, CONFIG = PiTft, PiTftConfig
STEPS = 5
SMALL = {"model.width": 8, "optim.batch_size": 32, "optim.encoder_lr": 0.02, "optim.head_lr": 0.02}
LENGTH, TEMPORAL, STATIC, MISS = 6, 5, 3, 1


def events(seed: int, size: int, first_id: int = 0) -> Events:
    """Events whose label can be learnt from the last message; no generator is involved."""
    rng = np.random.default_rng([seed, first_id])
    mask = np.arange(LENGTH) >= (LENGTH - rng.integers(1, LENGTH + 1, size))[:, None]
    temporal = rng.normal(size=(size, LENGTH, TEMPORAL)) * mask[:, :, None]
    signal = 2 * temporal[:, -1, 0] - temporal[:, -1, MISS] + rng.normal(size=size)
    label = signal > np.quantile(signal, 0.8)
    log_miss = 6 + temporal[:, -1, MISS] + 0.3 * rng.normal(size=size)
    return Events(
        temporal=temporal.astype(np.float32),
        mask=mask,
        time_to_tca=(np.linspace(7, 2, LENGTH) * mask).astype(np.float32),
        static=rng.normal(size=(size, STATIC)).astype(np.float32),
        label=label.astype(np.float32),
        risk=np.where(label, -5.0, -9.0).astype(np.float32),
        log_miss=log_miss.astype(np.float32),
        max_risk_estimate=rng.uniform(-8, -3, size).astype(np.float32),
        mahalanobis=rng.uniform(0.1, 6, size).astype(np.float32),
        log_miss_latest=(6 + temporal[:, -1, MISS]).astype(np.float32),
        log_sigma=rng.uniform(2, 6, size).astype(np.float32),
        event_id=np.arange(first_id, first_id + size),
        temporal_names=tuple(f"column_{i}" for i in range(TEMPORAL)),
        static_names=tuple(f"fixed_{i}" for i in range(STATIC)),
        miss_index=MISS,
    )


def data() -> Splits:
    """Return the same events for every run; no generator is involved."""
    return Splits(events(0, 96), events(0, 60, 1000), events(0, 64, 2000))


EVERYTHING = {
    "optim.swa": True,
    "optim.swa_start": 0.5,
    "optim.ema": True,
    "optim.accum_steps": 2,
    "optim.batch_size": 16,
    "stop.patience": 10,
    "mtl.aggregator": "gradnorm",
    "model.pooling": "attention",
    "loss.kind": "focal",
}
TOGETHER = [
    EVERYTHING,
    EVERYTHING | {"mtl.aggregator": "gradvac", "optim.swa_schedule": "cyclic"},
    {"mtl.aggregator": "cagrad", "stop.patience": 2, "optim.encoder_lr": 0.3},
]
DIVERGING = {"optim.encoder_lr": 1e30, "optim.head_lr": 1e30}
CONTEXTS = {
    "loss.gamma": {"loss.kind": "focal"},
    "loss.alpha": {"loss.kind": "focal"},
    "loss.pos_weight": {"loss.kind": "wbce"},
    "model.pool_hidden": {"model.pooling": "attention"},
    "optim.swa_start": {"optim.swa": True},
    "optim.swa_lr": {"optim.swa": True},
    "optim.swa_anneal": {"optim.swa": True, "optim.swa_start": 0.3},
    "optim.swa_schedule": {"optim.swa": True},
    "optim.cycle_len": {"optim.swa": True, "optim.swa_schedule": "cyclic", "optim.swa_start": 0.3},
    "optim.ema_decay": {"optim.ema": True},
    "mtl.gradnorm_alpha": {"mtl.aggregator": "gradnorm"},
    "mtl.cagrad_c": {"mtl.aggregator": "cagrad"},
    "stop.patience": {"optim.encoder_lr": 0.3},
    "stop.min_delta": {"stop.patience": 4},
    "stop.min_epochs": {"stop.patience": 1, "optim.encoder_lr": 0.3},
    "stop.smoothing": {"stop.patience": 4},
}
TOGGLES = [
    ("model.width", 12),
    ("model.layers", 2),
    ("model.heads", 4),
    ("model.dropout", 0.4),
    ("model.gated_selection", True),
    ("model.pooling", "mean"),
    ("model.pooling", "attention"),
    ("model.pool_hidden", 0),
    ("loss.kind", "wbce"),
    ("loss.kind", "focal"),
    ("loss.gamma", 1.0),
    ("loss.alpha", 0.4),
    ("loss.pos_weight", 3.0),
    ("loss.miss_weight", 0.1),
    ("loss.physics_weight", 0.0),
    ("loss.bound", 0.0),
    ("loss.consistency", 0.0),
    ("loss.monotone", 0.0),
    ("loss.martingale", 0.0),
    ("loss.dex_per_logit", 2.0),
    ("optim.encoder_lr", 0.01),
    ("optim.head_lr", 0.01),
    ("optim.weight_decay", 0.5),
    ("optim.batch_size", 16),
    ("optim.accum_steps", 2),
    ("optim.clip", 0.01),
    ("optim.warmup", 0.5),
    ("optim.schedule", "constant"),
    ("optim.swa", True),
    ("optim.swa_start", 0.3),
    ("optim.swa_lr", 0.05),
    ("optim.swa_anneal", 0),
    ("optim.swa_schedule", "cyclic"),
    ("optim.cycle_len", 2),
    ("optim.ema", True),
    ("optim.ema_decay", 0.5),
    ("stop.epochs", 2),
    ("stop.patience", 1),
    ("stop.min_delta", 2.0),
    ("stop.min_epochs", 5),
    ("stop.smoothing", 0.99),
    ("mtl.aggregator", "mean"),
    ("mtl.aggregator", "pcgrad"),
    ("mtl.aggregator", "gradvac"),
    ("mtl.aggregator", "cagrad"),
    ("mtl.aggregator", "gradnorm"),
    ("mtl.gradnorm_alpha", 0.0),
    ("mtl.cagrad_c", 0.1),
    ("mtl.groups", "risk_only"),
    ("mtl.groups", "risk+miss"),
    ("mtl.groups", "risk+physics"),
]
ELSEWHERE = ("data.",)  # ready splits: test_batches, test_sequences
