"""PAT-L: its search space, and the techniques of its source document with what that expects.

Impacts, efforts and their notes are the source document's own words, where it has any. Its settings
are those of size L with a published encoder; here a network of size S learns from generated days of
minutes, from scratch, so that learning rates are larger. The baseline is simple fine-tuning: all
parts at one rate, five epochs, no class weights.
"""

from search import Categorical, Effort, Float, Impact, Space, Technique, When
from trainables.pat.config import DataConfig, InitConfig, OptimConfig, PatConfig
from trainables.pat.generator import GeneratorConfig
from trainables.pat.pretraining import PretrainConfig
from trainables.techniques.stopping import StopConfig

DECAYS = Categorical((0.0, 1e-4, 1e-3, 1e-2, 1e-1))  # steps, so that none at all is one of them
BASELINE = PatConfig(
    # few people and epochs: a run takes less than five seconds of one core
    data=DataConfig(GeneratorConfig(n_train=130, n_validation=60, n_test=300, n_unlabelled=400)),
    init=InitConfig(masked=PretrainConfig(epochs=15)),
    optim=OptimConfig(lr=2e-3, encoder_lr=4e-4, head_lr=2e-3, batch_size=16),
    stop=StopConfig(epochs=5),
)
SPACE = Space(
    baseline=BASELINE,
    domains={
        "optim.lr": When({"optim.differential": False}, Float(1e-4, 1e-2, log=True)),
        "model.dropout": Float(0.0, 0.5),
        "optim.weight_decay": DECAYS,
    },
)
RATES = {
    "optim.encoder_lr": Float(1e-6, 1e-2, log=True),
    "optim.head_lr": Float(1e-5, 1e-2, log=True),
}

# For the best configuration: everything may vary at once.
SEARCH_SPACE = Space(
    baseline=BASELINE,
    domains={
        "model.patch_embed": Categorical(("linear", "conv")),
        "model.conv_kernel": When({"model.patch_embed": "conv"}, Categorical((3, 5, 9))),
        "model.conv_pool": When({"model.patch_embed": "conv"}, Categorical(("mean", "flatten"))),
        "model.head_pool": Categorical(("mean", "attention")),
        "model.head": Categorical(("mlp", "linear")),
        "model.dropout": Float(0.0, 0.5),
        "data.norm": Categorical(("per_minute", "global", "per_participant", "per_window")),
        "data.log1p": Categorical((False, True)),
        "init.start": Categorical(("scratch", "masked")),
        "init.masked.mask_ratio": When(
            {"init.start": "masked"}, Categorical((0.25, 0.5, 0.75, 0.9))
        ),
        "loss.class_weight": Categorical(("none", "balanced", "sqrt")),
        "loss.label_smoothing": Float(0.0, 0.2),
        "optim.mode": Categorical(("full", "probe", "two_stage", "gradual")),
        "optim.unfreeze_epoch": When({"optim.mode": "two_stage"}, Categorical((1, 3, 5))),
        "optim.differential": Categorical((False, True)),
        "optim.lr": When({"optim.differential": False}, Float(1e-5, 1e-2, log=True)),
        **{path: When({"optim.differential": True}, domain) for path, domain in RATES.items()},
        "optim.weight_decay": DECAYS,
        "optim.batch_size": Categorical((8, 16, 32, 64)),
        "optim.schedule": Categorical(("none", "cosine", "warmup_cosine", "plateau")),
        "stop.epochs": Categorical((5, 10, 15)),
        "stop.patience": Categorical((0, 5, 15)),
    },
    # the source document's experiments, 3 to 5 at the greatest length that this space has
    points=[
        {
            "model.head": "linear",
            "optim.mode": "two_stage",
            "optim.differential": True,
            "optim.encoder_lr": encoder_lr,
            "optim.head_lr": 5e-4,
            "optim.schedule": "cosine",
            "stop.epochs": epochs,
        }
        for encoder_lr, epochs in ((2e-5, 10), (2e-5, 15), (5e-5, 15))
    ]
    + [
        {"model.head": "linear", "optim.lr": 1e-4, "stop.epochs": 15, "stop.patience": 5},
        {
            "optim.differential": True,
            "optim.encoder_lr": 2e-5,
            "optim.head_lr": 5e-4,
            "stop.epochs": 15,
            "stop.patience": 15,
        },
    ],
)

TECHNIQUES = (
    Technique(
        "Conv patch embedding",
        on={"model.patch_embed": "conv"},
        domains={"model.conv_kernel": Categorical((3, 5, 9))},
        expected_impact=Impact.MEDIUM,
        expected_note="+0.036 AUC (0.589 to 0.625); like for like the paper has +0.021",
        effort=Effort.LOW,
        effort_note="trivial, about 20 lines",
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Differential learning rates",
        on={"optim.differential": True},
        domains={"optim.head_lr": RATES["optim.head_lr"]},  # the encoder's: levels, below
        expected_impact=Impact.HIGH,
        expected_note="success factor: encoder much lower than head",
        reference="arXiv:1801.06146",
    ),
    Technique(
        "Two-stage fine-tuning",
        on={"optim.mode": "two_stage"},
        domains={"optim.unfreeze_epoch": Categorical((1, 3, 5))},
        expected_note="simple fine-tuning, the baseline here, was to close a gap of 0.026",
        reference="arXiv:2202.10054",
    ),
    Technique(
        "Cosine schedule",
        on={"optim.schedule": "cosine"},
        expected_note="learning rates decay too quickly with cosine",
        reference="arXiv:1608.03983",
        family="Learning-rate schedule",
    ),
    Technique(
        "Long training with patience",
        on={"stop.epochs": 10, "stop.patience": 5},
        domains={"stop.min_delta": Categorical((0.0, 0.002))},
        expected_impact=Impact.HIGH,
        expected_note="more patience gets us over the line",
        reference="doi:10.1007/3-540-49430-8_3",
    ),
    Technique(
        "Class weighting",
        on={"loss.class_weight": "balanced"},
        expected_impact=Impact.HIGH,
        expected_note="essential for imbalanced data",
        reference="doi:10.1093/oxfordjournals.pan.a004868",
        family="Class weights",
    ),
    Technique(
        "Normalisation per participant",
        on={"data.norm": "per_participant"},
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Log counts",
        on={"data.log1p": True},
        expected_note="not in the paper; its author says none was taken",
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Fixed normalisation",
        on={"data.norm": "fixed"},
        expected_impact=Impact.NONE,
        expected_note="the bug: AUC stuck at 0.47, jumped to 0.56+ once mended",
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Masked pre-training",
        on={"init.start": "masked"},
        domains={"init.masked.mask_ratio": Categorical((0.25, 0.5, 0.75, 0.9))},
        reference="arXiv:2111.06377",
    ),
    Technique(
        "Single linear head",
        on={"model.head": "linear"},
        expected_note="experiment 4's head",
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Batch size",
        levels={"optim.batch_size": (8, 32, 64)},
        reference="arXiv:1706.02677",
    ),
    Technique(
        "Encoder learning rate",
        on={"optim.differential": True},
        levels={"optim.encoder_lr": (2e-5, 5e-5, 1e-4)},
        expected_note="2e-5 is nearly optimal; 5e-5 overfits quickly",
        reference="arXiv:1801.06146",
    ),
)

# What the document names for later, and what its sources compare besides.
FURTHER = (
    Technique(
        "Size M",
        on={"model.size": "M"},
        effort=Effort.LOW,
        effort_note="trivial",
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Ensemble of sizes",
        stage="post-hoc",
        voters=("Size M",),
        expected_note="long term: combine model sizes",
        reference="arXiv:1612.01474",
    ),
    Technique(
        "Ensemble of seeds",
        stage="post-hoc",
        members=2,
        expected_note="long term: ensemble methods",
        reference="arXiv:1612.01474",
    ),
    Technique(
        "Gradual unfreezing",
        on={"optim.mode": "gradual"},
        domains={"optim.layers_per_stage": Categorical((1, 2))},
        reference="arXiv:1801.06146",
    ),
    Technique(
        "Linear probe",
        on={"optim.mode": "probe"},
        reference="arXiv:2411.15240",
    ),
    Technique(
        "Label smoothing",
        levels={"loss.label_smoothing": (0.05, 0.1)},
        expected_note="better regularisation",
        reference="arXiv:1512.00567",
    ),
    Technique(
        "Smoothed activity",
        on={"data.smooth": True},
        expected_impact=Impact.NONE,
        expected_note="does not help PAT: 0.741 against 0.773",
        reference="doi:10.1021/ac60214a047",
    ),
    Technique(
        "Attention in the head",
        on={"model.head_pool": "attention"},
        reference="doi:10.18653/v1/N16-1174",
    ),
)
