"""Gen5-Prime: the search space of the lens finder, and the techniques of its source document.

Notes are the source document's own words, where it has any. The baseline is what its authors had
before: three channels, galaxies without an arc as negatives, one scale for all, nothing against
shortcuts; here a thin network on a few hundred pairs, for a few epochs. Clean pairs have a leak of
light in the cores of positives, which the shifted ones lack: what is judged is the area there.
"""

from dataclasses import replace

from search import Categorical, Effort, Float, Impact, Int, Space, Technique, When
from trainables.gen5_prime.bricks import KNOWN_BAD
from trainables.gen5_prime.config import Gen5Config, StopConfig
from trainables.gen5_prime.data_config import DataConfig
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.training import OptimConfig
from trainables.techniques import calibration

# few pairs: a run takes less than four seconds of one core
SIZES = GeneratorConfig(n_train=256, n_validation=100, n_test=120, n_shift=240)
BASELINE = Gen5Config(
    data=DataConfig(generator=SIZES), optim=OptimConfig(lr=2e-3), stop=StopConfig(epochs=6)
)
LR = Float(1e-4, 1e-2, log=True)
DECAY = Float(1e-6, 1e-1, log=True)
DOMAINS = {"optim.lr": LR, "optim.weight_decay": DECAY}
SPACE = Space(baseline=BASELINE, domains=DOMAINS)

# As the published set: controls have their stamps' noise, and what is deployed on has no control.
PUBLISHED = replace(SIZES, same_noise=True, no_control=True)
PUBLISHED_SPACE = Space(
    baseline=replace(BASELINE, data=DataConfig(generator=PUBLISHED)), domains=DOMAINS
)

SINGLE, PAIRED = {"data.mode": "single3"}, {"data.mode": "paired6"}
ROBUST = {"data.norm.kind": "per_sample_robust"}
TURNED = {
    "data.augmentation.rot90": True,
    "data.augmentation.flip": True,
    "data.augmentation.transpose": True,
}
DROPPED = {"data.shortcut.core_dropout": 0.5}
SHUFFLED = {"data.shortcut.hard_negatives": 0.4}
RATIO = Float(0.5, 3.0)
MARGIN, WEIGHT = Float(0.2, 2.0), Float(0.01, 1.0, log=True)
TEMPERATURE = Float(0.05, 0.5, log=True)
CLIPS = {"data.norm.clip_lo": Float(-10.0, -2.0), "data.norm.clip_hi": Float(3.0, 200.0, log=True)}
OUTER = Int(16, 26)

# For the best configuration: everything may vary at once.
SEARCH_SPACE = Space(
    baseline=BASELINE,
    domains={
        "data.mode": Categorical(("single3", "paired6", "residual_diff", "paired6_plus_diff")),
        "data.negatives.source": Categorical(("other_lrg", "ctrl", "mix")),
        "data.negatives.ratio": RATIO,
        "data.norm.kind": Categorical(
            ("global", "per_sample_robust", "per_channel_outer", "joint_pair")
        ),
        "data.norm.outer_r": When({"data.norm.kind": "per_channel_outer"}, OUTER),
        "data.norm.clip": Categorical((False, True)),
        **{path: When({"data.norm.clip": True}, domain) for path, domain in CLIPS.items()},
        "data.norm.stretch": Categorical(("none", "asinh")),
        "data.norm.residual_radial": Categorical((False, True)),
        "data.augmentation.rot90": Categorical((False, True)),
        "data.augmentation.flip": Categorical((False, True)),
        "data.augmentation.noise": Float(0.0, 1.0),
        "data.shortcut.core_dropout": Float(0.0, 1.0),
        "data.shortcut.core_radius": Int(3, 10),
        "data.shortcut.hard_negatives": Float(0.0, 0.8),
        "model.name": Categorical(("resnet18", "efficient")),
        "model.width": Categorical((8, 16)),
        "loss.contrast": When(SINGLE, Categorical(("none", "margin", "supervised"))),
        "loss.weight": When({"loss.contrast": {"margin", "supervised"}}, WEIGHT),
        "loss.margin": When({"loss.contrast": "margin"}, MARGIN),
        "loss.temperature": When({"loss.contrast": "supervised"}, TEMPERATURE),
        "loss.label_smoothing": Float(0.0, 0.2),
        "loss.pos_weight": Float(0.2, 5.0, log=True),
        "optim.algorithm": Categorical(("adam", "adamw", "sgd")),
        "optim.lr": LR,
        "optim.weight_decay": DECAY,
        "optim.batch_size": Categorical((32, 64)),
        "optim.clip": Categorical((0.0, 1.0, 10.0)),
        "optim.schedule": Categorical(("constant", "cosine", "warm_restarts", "one_cycle")),
        "optim.restart_epochs": When({"optim.schedule": "warm_restarts"}, Int(1, 3)),
        "stop.epochs": Categorical((6, 12)),
        "stop.patience": Categorical((0, 4)),
    },
    # the document's own settings; its paired design against a leak; what came after its review
    points=[
        PAIRED
        | ROBUST
        | {
            "data.norm.clip": True,
            "data.augmentation.rot90": True,
            "data.augmentation.flip": True,
            "optim.lr": 1e-3,
            "optim.schedule": "warm_restarts",
            "stop.epochs": 12,
        },
        PAIRED | {"data.norm.kind": "joint_pair", "data.negatives.source": "mix"},
        {"data.shortcut.core_dropout": 0.5, "data.shortcut.hard_negatives": 0.4},
    ],
)

# The document's, in its order; its clean metrics are 0.95 to 0.98, and say nothing of a shortcut.
TECHNIQUES = (
    Technique(
        "Six channels",
        on=PAIRED,
        expected_impact=Impact.HIGH,
        expected_note="the key change: stamp and control, usage A; its review ended in a no-go",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Stamp minus control",
        on={"data.mode": "residual_diff"},
        expected_note="the model can learn differential features",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Positives alone",
        on={"data.negatives.source": "none"},
        requires="Six channels",
        expected_note="batches of positives only, as written: a constant is the best answer",
        reference="doi:10.1093/oxfordjournals.pan.a004868",
    ),
    Technique(
        "Controls as negatives",
        on={"data.negatives.source": "ctrl"},
        expected_note="usage B: would double the data, but may confuse",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Contrastive loss",
        on={"loss.contrast": "margin"},
        domains={"loss.margin": MARGIN, "loss.weight": WEIGHT},
        excludes=("Six channels", "Stamp minus control"),
        expected_note="usage C: stamp embedding against control embedding",
        reference="doi:10.1109/CVPR.2006.100",
    ),
    Technique(
        "More explicit negatives",
        on={"data.negatives.ratio": 2.0},
        expected_note="galaxies without an arc: otherwise no one knows what a negative looks like",
        reference="doi:10.1093/oxfordjournals.pan.a004868",
    ),
    Technique(
        "Brick exclusion",
        on={"data.exclude_bricks": KNOWN_BAD},
        expected_impact=Impact.LOW,
        expected_note="removes 0.003 % of the data; here, 2 of 40 bricks",
        reference="arXiv:1804.08657",
    ),
    Technique(
        "Robust scale per sample",
        on=ROBUST,
        expected_note="lens brightness varies significantly across samples",
        reference="doi:10.1080/01621459.1993.10476408",
    ),
    Technique(
        "Robust scale per channel",
        on={"data.norm.kind": "per_channel_outer"},
        domains={"data.norm.outer_r": OUTER},
        expected_note="elsewhere in the document: per channel, not per sample",
        reference="doi:10.1080/01621459.1993.10476408",
    ),
    Technique(
        "One scale per pair",
        on={"data.norm.kind": "joint_pair"},
        expected_note="stamp minus control is to show the arc after normalization",
        reference="doi:10.1080/01621459.1993.10476408",
    ),
    Technique(
        "Clipping",
        on={"data.norm.clip": True},
        domains=CLIPS,
        requires="Robust scale per sample",
        expected_note="-5 to 20 sigma, against numerical instability",
        reference="arXiv:astro-ph/0312483",
    ),
    Technique(
        "Rotations and flips",
        on=TURNED,
        expected_note="physically valid: the sky has no up",
        reference="arXiv:1503.07077",
    ),
    Technique(
        "Noise augmentation",
        on={"data.augmentation.noise": 0.3},
        expected_note="may degrade sim-to-real transfer",
        reference="arXiv:1503.07077",
    ),
    Technique(
        "Core dropout",
        on=DROPPED,
        domains={
            "data.shortcut.core_radius": Int(3, 10),
            "data.shortcut.fill": Categorical(("outer_median", "zero", "noise")),
        },
        expected_note="explicit shortcut-resistant training; of the document's repository",
        reference="arXiv:2004.07780",
    ),
    Technique(
        "Hard negatives",
        on=SHUFFLED,
        domains={"data.shortcut.shuffle_bins": Categorical((8, 16, 32))},
        expected_note="of the document's repository: 40 %, shuffled around the centre",
        reference="arXiv:2004.07780",
    ),
    Technique(
        "Residual radial profile",
        on={"data.norm.residual_radial": True},
        expected_note="of the document's repository: the core's own area fell from 0.95 to 0.55",
        reference="arXiv:2004.07780",
    ),
    Technique(
        "Label smoothing",
        on={"loss.label_smoothing": 0.1},
        expected_note="if the model becomes overconfident",
        reference="arXiv:1512.00567",
    ),
    Technique(
        "Class weights",
        levels={"loss.pos_weight": (0.5, 2.0)},
        expected_impact=Impact.NONE,
        expected_note="no need: balanced",
        reference="doi:10.1093/oxfordjournals.pan.a004868",
    ),
    Technique(
        "Warm restarts",
        on={"optim.schedule": "warm_restarts"},
        domains={"optim.restart_epochs": Int(1, 3), "optim.restart_factor": Categorical((1, 2))},
        expected_note="warm restarts help escape local minima",
        reference="arXiv:1608.03983",
        family="Learning-rate schedule",
    ),
    Technique(
        "Adam",
        on={"optim.algorithm": "adam"},
        expected_note="AdamW, the baseline's: better generalization than vanilla Adam",
        reference="arXiv:1711.05101",
    ),
    Technique(
        "Long training with patience",
        on={"stop.epochs": 12, "stop.patience": 4, "stop.min_delta": 1e-4},
        expected_note="50 epochs, patience 10: 20 % of buffer",
        reference="doi:10.1007/3-540-49430-8_3",
        family="Early stopping",
    ),
    Technique(
        "Gradient clipping",
        on={"optim.clip": 1.0},
        expected_note="norms under 10 are a pass criterion",
        reference="arXiv:1211.5063",
    ),
    Technique(
        "EfficientNet",
        on={"model.name": "efficient"},
        expected_note="5 M parameters instead of 11 M, but less comparable",
        reference="arXiv:1905.11946",
    ),
    Technique(
        "Platt scaling",
        stage="post-hoc",
        fit=calibration.fit_platt,
        secondary="test_ece",
        expected_note="should calibration block a deployment?",
        reference="arXiv:1706.04599",
        family="Calibration",
    ),
    Technique(
        "Temperature scaling",
        stage="post-hoc",
        fit=calibration.fit_temperature,
        secondary="test_ece",
        reference="arXiv:1706.04599",
        family="Calibration",
    ),
    Technique(
        "ImageNet weights",
        status="planned",
        expected_impact=Impact.NONE,
        expected_note="no weights are shipped; expected not to transfer to six channels",
        effort=Effort.LOW,
        reference="arXiv:1409.0575",
    ),
)
