"""ESM-2 pairs: the search space, and the techniques of the source document.

Impacts, efforts and their notes are the source document's own words, where it has any; a day is
eight hours. The baseline is its MLP on two concatenated embeddings, small, for six epochs, without
any of the techniques that it implemented or ranked. The document's gains are of F1 on all pairs;
what is judged here is the area against negatives of the same lineage, with F1 beside it.
"""

from dataclasses import replace
from functools import partial

from search import Categorical, Effort, Float, Impact, Int, Space, Technique, When
from trainables.esm2_pair.config import Esm2PairConfig, StopConfig
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.generator import preset
from trainables.techniques import calibration

BASELINE = Esm2PairConfig(stop=StopConfig(epochs=6))
LR = Float(1e-4, 1e-2, log=True)
DROPOUT = Float(0.0, 0.6)
DECAY = Float(1e-5, 0.3, log=True)
DOMAINS = {"optim.lr": LR, "model.mlp.dropout": DROPOUT, "optim.weight_decay": DECAY}
SPACE = Space(baseline=BASELINE, domains=DOMAINS)

# Polymerase subunits, which hardly drift: three proteins, and about as many pairs as before.
POLYMERASE = replace(preset("conserved"), n_slots=3, n_train=334, n_validation=134, n_test=334)
CONSERVED_SPACE = Space(
    baseline=replace(BASELINE, data=DataConfig(generator=POLYMERASE)), domains=DOMAINS
)

SIAMESE = {"model.arch": "siamese"}
ATTENTION = {"model.arch": "cross_attention"}
SLOT_NORM = {"model.features.slot_transform": "slot_norm"}
READS_FEATURES = {"model.arch": {"mlp", "cross_attention"}}
CROSSED = {"loss.kind": {"bce", "bce+contrastive"}}
MARGIN = Float(0.2, 2.0)
TEMPERATURE = Float(0.02, 0.5, log=True)
WEIGHT = Float(0.01, 1.0, log=True)
SHARING = Categorical(("shared", "two_tower", "shared_adapter"))
DISTANCE = Categorical(("cosine", "l2", "learned"))
TOWER_DIMS = Categorical(("32", "64-32", "128-64", "256-128-64"))
HEADS, WIDTHS = Categorical((1, 2, 4, 8)), Categorical((16, 32, 64))

# For the best configuration: everything may vary at once.
SEARCH_SPACE = Space(
    baseline=BASELINE,
    domains={
        "model.arch": Categorical(("mlp", "siamese", "cross_attention")),
        "model.features.use_diff": When(READS_FEATURES, Categorical((False, True))),
        "model.features.use_prod": When(READS_FEATURES, Categorical((False, True))),
        "model.features.slot_transform": Categorical(
            ("none", "slot_norm", "slot_layer_norm", "unit_norm")
        ),
        "model.mlp.hidden_dims": When(
            READS_FEATURES, Categorical(("10", "64-32", "200", "256-64", "512-256-64"))
        ),
        "model.mlp.dropout": DROPOUT,
        "model.mlp.norm": Categorical(("none", "batch", "layer")),
        "model.tower.dims": When(SIAMESE, TOWER_DIMS),
        "model.tower.sharing": When(SIAMESE, SHARING),
        "model.tower.distance": When(SIAMESE, DISTANCE),
        "model.attention.n_heads": When(ATTENTION, HEADS),
        "model.attention.d_attn": When(ATTENTION, WIDTHS),
        "model.attention.depth": When(ATTENTION, Int(1, 2)),
        "loss.kind": When(
            SIAMESE, Categorical(("bce", "focal", "contrastive", "bce+contrastive", "nt_xent"))
        ),
        "loss.margin": When({"loss.kind": {"contrastive", "bce+contrastive"}}, MARGIN),
        "loss.temperature": When({"loss.kind": "nt_xent"}, TEMPERATURE),
        "loss.weight": When({"loss.kind": "bce+contrastive"}, WEIGHT),
        "loss.class_weight": When(CROSSED, Categorical(("none", "auto"))),
        "loss.label_smoothing": When(CROSSED, Float(0.0, 0.3)),
        "data.negatives.policy": Categorical(("random", "within_lineage", "similar_metadata")),
        "data.negatives.hard_share": When(
            {"data.negatives.policy": {"within_lineage", "similar_metadata"}}, Float(0.0, 1.0)
        ),
        "optim.algorithm": Categorical(("adam", "adamw", "sgd")),
        "optim.lr": LR,
        "optim.weight_decay": DECAY,
        "optim.batch_size": Categorical((16, 32, 64, 128, 256)),
        "optim.clip": Categorical((0.0, 0.1, 1.0, 10.0)),
        "optim.schedule": Categorical(("none", "plateau", "cosine", "step")),
        "stop.epochs": Categorical((6, 12)),
        "stop.patience": Categorical((0, 3)),
    },
    # the document's own widths; what it expects most of; what its repository came to later
    points=[
        {"model.mlp.hidden_dims": "512-256-64", "optim.batch_size": 16},
        SIAMESE | {"loss.kind": "contrastive"},
        SLOT_NORM | {"model.features.use_diff": True},
        SIAMESE | SLOT_NORM | {"loss.kind": "nt_xent"},
    ],
)

# Two towers and a distance have neither features of pairs nor the classifier's hidden layers.
NOT_WITH_TOWERS = ("Difference feature", "Product feature", "MLP widths")

# What the document ranks, in its order; then what it had implemented.
TECHNIQUES = (
    Technique(
        "Gradient clipping",
        on={"optim.clip": 1.0},
        expected_impact=Impact.MEDIUM,
        expected_note="training stability",
        effort=Effort.LOW,
        effort_note="easy, 15 minutes",
        effort_hours=0.25,
        reference="arXiv:1211.5063",
    ),
    Technique(
        "Class weighting",
        on={"loss.class_weight": "auto"},
        expected_impact=Impact.MEDIUM,
        expected_note="if class imbalance exists",
        effort=Effort.MEDIUM,
        effort_note="medium, 1 hour",
        effort_hours=1.0,
        reference="doi:10.1093/oxfordjournals.pan.a004868",
        family="Class weights",
    ),
    Technique(
        "Embedding cache",
        status="planned",
        expected_impact=Impact.MEDIUM,
        # measured in a table of its own, whose baseline lacks it: studies/esm2_pair_cache.py
        expected_note="significantly faster training; all runs of this table have it",
        effort=Effort.MEDIUM,
        effort_note="medium, 3 hours",
        effort_hours=3.0,
    ),
    Technique(
        "Batch normalisation",
        on={"model.mlp.norm": "batch"},
        domains={
            "model.mlp.norm_position": Categorical(("pre_activation", "post_activation")),
        },
        expected_impact=Impact.MEDIUM_HIGH,
        expected_note="faster convergence, potentially 1-2 % F1",
        effort=Effort.MEDIUM_HIGH,
        effort_note="medium-hard, 4 hours",
        effort_hours=4.0,
        reference="arXiv:1502.03167",
    ),
    Technique(
        "Cross-attention",
        on=ATTENTION,
        domains={
            "model.attention.n_heads": HEADS,
            "model.attention.d_attn": WIDTHS,
            "model.attention.depth": Int(1, 2),
        },
        expected_impact=Impact.HIGH,
        expected_note="2-5 % F1 by learning pairwise interactions",
        effort=Effort.MEDIUM_HIGH,
        effort_note="medium-hard, 1 day",
        effort_hours=8.0,
        reference="arXiv:1706.03762",
    ),
    Technique(
        "Label smoothing",
        on={"loss.label_smoothing": 0.2},  # 0.9 instead of 1, and 0.1 instead of 0
        expected_impact=Impact.MEDIUM,
        expected_note="better generalization, prevents overconfidence",
        effort=Effort.MEDIUM_HIGH,
        effort_note="medium-hard, 2 hours",
        effort_hours=2.0,
        reference="arXiv:1906.02629",
    ),
    Technique(
        "Siamese network",
        on=SIAMESE,
        domains={
            "model.tower.dims": TOWER_DIMS,
            "model.tower.sharing": SHARING,
            "model.tower.distance": DISTANCE,
        },
        expected_impact=Impact.HIGH,
        excludes=NOT_WITH_TOWERS,
        expected_note="very high: biologically more appropriate; 5-10 % F1 potential",
        effort=Effort.HIGH,
        effort_note="hard, 3-5 days",
        effort_hours=32.0,
        reference="doi:10.1142/S0218001493000339",
    ),
    Technique(
        "Contrastive loss",
        on={"loss.kind": "contrastive"},
        domains={"loss.margin": MARGIN},
        requires="Siamese network",
        excludes=("Class weighting", "Label smoothing"),  # of cross-entropy
        expected_impact=Impact.HIGH,
        expected_note="better representation learning, 3-7 % F1",
        effort=Effort.HIGH,
        effort_note="hard, 2-3 days",
        effort_hours=20.0,
        reference="doi:10.1109/CVPR.2006.100",
    ),
    Technique(
        "Difference feature",
        on={"model.features.use_diff": True},
        expected_note="implemented but not enabled by default",
        reference="arXiv:1908.10084",
    ),
    Technique(
        "Product feature",
        on={"model.features.use_prod": True},
        expected_note="implemented but not enabled by default",
        reference="arXiv:1705.02364",
    ),
    Technique(
        "Slot normalisation",
        on=SLOT_NORM,
        expected_note="of the document's repository: needed on homogeneous isolates",
        reference="arXiv:1607.06450",
    ),
    Technique(
        "Learning-rate schedule",
        levels={"optim.schedule": ("plateau", "cosine", "step")},
        expected_note="implemented",
        reference="arXiv:1608.03983",
    ),
    Technique(
        "Early stopping on F1",
        on={"stop.epochs": 12, "stop.patience": 3, "stop.watch": "f1"},
        expected_note="now configurable and working; patience 15 of 120 epochs",
        reference="doi:10.1007/3-540-49430-8_3",
        family="Early stopping",
    ),
    Technique(
        "Threshold optimisation",
        stage="post-hoc",
        fit=calibration.fit_threshold,
        secondary="test_f1",
        expected_note="immediate gains without retraining",
        reference="doi:10.1371/journal.pone.0118432",
    ),
    Technique(
        "MLP widths",
        levels={"model.mlp.hidden_dims": ("10", "200", "512-256-64")},
        expected_note="of the document's repository",
        reference="doi:10.1162/neco.1992.4.1.1",
    ),
    Technique(
        "Hard negatives",
        on={"data.negatives.policy": "within_lineage"},
        domains={"data.negatives.hard_share": Float(0.1, 1.0)},
        expected_note="of the document's repository: metadata must not tell negatives",
        reference="arXiv:2010.04592",
    ),
)

# Variants of these, and what the document does not name; studies/esm2_pair_further.py asks.
FURTHER = (
    Technique(
        "Siamese network",
        on=SIAMESE,
        expected_impact=Impact.HIGH,
        expected_note="what the rows below require",
        reference="doi:10.1142/S0218001493000339",
    ),
    Technique(
        "NT-Xent",
        on={"loss.kind": "nt_xent"},
        domains={"loss.temperature": TEMPERATURE},
        requires="Siamese network",
        reference="arXiv:2002.05709",
    ),
    Technique(
        "Cross-entropy and contrastive loss",
        on={"loss.kind": "bce+contrastive"},
        domains={"loss.margin": MARGIN, "loss.weight": WEIGHT},
        requires="Siamese network",
        reference="doi:10.1109/CVPR.2006.100",
    ),
    Technique(
        "Other towers",
        levels={"model.tower.sharing": ("two_tower", "shared_adapter")},
        requires="Siamese network",
        reference="doi:10.1142/S0218001493000339",
    ),
    Technique(
        "Other distances",
        levels={"model.tower.distance": ("cosine", "l2")},
        requires="Siamese network",
        reference="doi:10.1109/CVPR.2006.100",
    ),
    Technique(
        "Siamese network on normalised slots",
        on=SIAMESE | SLOT_NORM,
        reference="arXiv:1607.06450",
    ),
    Technique(
        "Difference on normalised slots",
        on=SLOT_NORM | {"model.features.use_diff": True},
        reference="arXiv:1908.10084",
    ),
    Technique(
        "Unit difference",
        on={"model.features.slot_transform": "unit_diff", "model.features.use_diff": True},
        excludes=("Siamese network", "Siamese network on normalised slots"),
        expected_note="works where concatenated embeddings are at chance",
        reference="arXiv:1908.10084",
    ),
    Technique(
        "Difference and product",
        on={"model.features.use_diff": True, "model.features.use_prod": True},
        reference="arXiv:1705.02364",
    ),
    Technique(
        "Layer normalisation by slot",
        on={"model.features.slot_transform": "slot_layer_norm"},
        reference="arXiv:1607.06450",
    ),
    Technique(
        "Unit embeddings",
        on={"model.features.slot_transform": "unit_norm"},
        reference="arXiv:1704.08063",
    ),
    Technique(
        "Layer normalisation",
        on={"model.mlp.norm": "layer"},
        domains={
            "model.mlp.norm_position": Categorical(("pre_activation", "post_activation")),
        },
        reference="arXiv:1607.06450",
    ),
    Technique(
        "Focal loss",
        on={"loss.kind": "focal"},
        domains={"loss.gamma": Float(0.0, 5.0), "loss.alpha": Float(0.05, 0.95)},
        reference="arXiv:1708.02002",
    ),
    Technique(
        "Balanced negatives",
        on={"data.negatives.ratio": 1.0},
        expected_note="one negative per positive, as the document has them",
        reference="doi:10.1093/oxfordjournals.pan.a004868",
    ),
    Technique(
        "Negatives of similar metadata",
        on={"data.negatives.policy": "similar_metadata"},
        domains={"data.negatives.hard_share": Float(0.1, 1.0)},
        reference="arXiv:2010.04592",
    ),
    Technique(
        "Optimizer",
        levels={"optim.algorithm": ("adam", "sgd")},
        reference="arXiv:1711.05101",
    ),
    Technique(
        "Batch size",
        levels={"optim.batch_size": (16, 128)},
        reference="arXiv:1706.02677",
    ),
    Technique(
        "Early stopping on hard negatives",
        on={"stop.epochs": 12, "stop.patience": 3, "stop.watch": "hard_auroc"},
        reference="doi:10.1007/3-540-49430-8_3",
        family="Early stopping",
    ),
    Technique(
        "Threshold by F0.5",
        stage="post-hoc",
        fit=partial(calibration.fit_threshold, beta=0.5),
        secondary="test_f0_5",
        reference="doi:10.1371/journal.pone.0118432",
    ),
    Technique(
        "Threshold by F2",
        stage="post-hoc",
        fit=partial(calibration.fit_threshold, beta=2.0),
        secondary="test_f2",
        reference="doi:10.1371/journal.pone.0118432",
    ),
    Technique(
        "Platt scaling",
        stage="post-hoc",
        fit=calibration.fit_platt,
        secondary="test_ece",
        reference="arXiv:1706.04599",
        family="Calibration",
    ),
    Technique(
        "Ensemble of seeds",
        stage="post-hoc",
        members=3,
        reference="arXiv:1612.01474",
    ),
)
