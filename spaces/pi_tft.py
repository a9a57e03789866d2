"""PI-TFT: its search space, and the techniques of its source document with what that expects.

Impacts, efforts and their notes are the source document's own words; its settings are taken as
published (gamma 2, alpha 0.75, averaging from 75 % of the epochs).
"""

from dataclasses import replace

from search import Categorical, Effort, Float, Impact, Int, Space, Technique, When
from trainables.pi_tft.config import DataConfig, PiTftConfig
from trainables.pi_tft.generator import GeneratorConfig
from trainables.techniques import calibration

# The source document's 1e-5 to 1e-3 lies below a peak of 3e-4; the peak here is 1e-2.
SWA_LR = Float(1e-4, 1e-2, log=True)
# more events and fewer epochs than the classes' defaults: less noise for the same time
BASELINE = PiTftConfig(DataConfig(GeneratorConfig(n_train=2000, n_validation=1000, n_test=2500)))
SPACE = Space(
    baseline=BASELINE,
    domains={
        "optim.encoder_lr": Float(3e-4, 3e-2, log=True),
        "optim.head_lr": Float(3e-4, 3e-2, log=True),
        "optim.weight_decay": Float(1e-4, 1e-1, log=True),
        "optim.batch_size": Categorical((16, 32, 64, 128)),
        "model.width": Categorical((8, 16, 32)),
        "model.layers": Int(1, 2),
        "model.dropout": Float(0.0, 0.4),
    },
)

# For the best configuration, whichever techniques it takes: everything may vary at once. Weights
# are steps, so that 0 is one of them.
WEIGHTS = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0)
# A search sees one draw of the data: a larger validation split, or it would pick its noise.
SEARCHED = replace(BASELINE, data=DataConfig(replace(BASELINE.data.generator, n_validation=4000)))
SEARCH_SPACE = Space(
    baseline=SEARCHED,
    domains={
        **SPACE.domains,
        "model.pooling": Categorical(("last", "mean", "attention")),
        "model.pool_hidden": When({"model.pooling": "attention"}, Categorical((0, 16, 32, 64))),
        "loss.kind": Categorical(("bce", "wbce", "focal")),
        "loss.pos_weight": When({"loss.kind": "wbce"}, Float(1.0, 200.0, log=True)),
        "loss.gamma": When({"loss.kind": "focal"}, Float(0.0, 5.0)),
        "loss.alpha": When({"loss.kind": "focal"}, Float(0.05, 0.95)),
        "loss.miss_weight": When({"mtl.groups": {"joint", "risk+miss"}}, Categorical(WEIGHTS[1:])),
        "loss.physics_weight": When(
            {"mtl.groups": {"joint", "risk+physics"}}, Categorical(WEIGHTS)
        ),
        "optim.accum_steps": Categorical((1, 2, 4, 8)),
        "optim.swa": Categorical((False, True)),
        "optim.swa_start": When({"optim.swa": True}, Float(0.5, 0.9)),
        "optim.swa_lr": When({"optim.swa": True}, SWA_LR),
        "optim.swa_anneal": When({"optim.swa": True}, Int(1, 10)),
        "optim.swa_schedule": When({"optim.swa": True}, Categorical(("constant", "cyclic"))),
        "optim.cycle_len": When({"optim.swa": True, "optim.swa_schedule": "cyclic"}, Int(1, 5)),
        "optim.ema": Categorical((False, True)),
        "optim.ema_decay": When({"optim.ema": True}, Float(0.9, 0.9999)),
        "mtl.aggregator": When(
            {"mtl.groups": {"joint", "risk+miss", "risk+physics"}},
            Categorical(("sum", "mean", "pcgrad", "gradvac", "cagrad", "gradnorm")),
        ),
        "mtl.gradnorm_alpha": When({"mtl.aggregator": "gradnorm"}, Float(0.0, 3.0)),
        "mtl.cagrad_c": When({"mtl.aggregator": "cagrad"}, Float(0.1, 0.9)),
        "mtl.groups": Categorical(("joint", "risk_only", "risk+miss", "risk+physics")),
    },
    # the source document's own advice, all of it at once
    points=[{"loss.kind": "focal", "optim.swa": True, "model.pooling": "attention"}],
)

# The summary table of the source document, in its order, and two rows of its text.
TECHNIQUES = (
    Technique(
        "Optimal threshold search",
        expected_impact=Impact.HIGH,
        expected_note="directly improves reported F1",
        effort=Effort.LOW,
        effort_note="10 lines of code",
        reference="Saito & Rehmsmeier 2015, doi:10.1371/journal.pone.0118432",
        stage="post-hoc",
        fit=calibration.fit_threshold,
        secondary="test_f1",
    ),
    Technique(
        "Focal loss",
        on={"loss.kind": "focal"},
        domains={"loss.gamma": Float(0.0, 5.0), "loss.alpha": Float(0.05, 0.95)},
        expected_impact=Impact.HIGH,
        expected_note="addresses class imbalance directly",
        effort=Effort.LOW,
        effort_note="swap loss function",
        reference="arXiv:1708.02002",
    ),
    Technique(
        "SWA",
        on={"optim.swa": True},
        domains={
            "optim.swa_start": Float(0.5, 0.9),
            "optim.swa_lr": SWA_LR,
            "optim.swa_anneal": Int(1, 10),
            "optim.swa_schedule": Categorical(("constant", "cyclic")),
            "optim.cycle_len": When({"optim.swa_schedule": "cyclic"}, Int(1, 5)),
        },
        expected_impact=Impact.MEDIUM,
        expected_note="better generalization",
        effort=Effort.LOW,
        effort_note="PyTorch built-in",
        reference="arXiv:1803.05407",
    ),
    Technique(
        "Attention pooling",
        on={"model.pooling": "attention"},
        domains={"model.pool_hidden": Categorical((0, 16, 32, 64, 128))},
        expected_impact=Impact.MEDIUM,
        expected_note="better sequence aggregation",
        effort=Effort.MEDIUM,
        effort_note="architecture change",
        reference="arXiv:1703.03130",
    ),
    Technique(
        "Reduce physics weight",
        on={"loss.physics_weight": 0.02},
        expected_impact=Impact.MEDIUM,
        expected_note="if gradient interference exists",
        effort=Effort.LOW,
        effort_note="change one hyperparameter",
        reference="arXiv:1905.07553",
    ),
    Technique(
        "Temperature scaling",
        expected_impact=Impact.LOW,
        expected_note="low on AUC-PR, high on calibration",
        effort=Effort.LOW,
        effort_note="post-hoc, no retraining",
        reference="arXiv:1706.04599",
        stage="post-hoc",
        fit=calibration.fit_temperature,
        secondary="test_ece",
        family="Calibration",
    ),
    Technique(
        "Gradient accumulation",
        on={"optim.accum_steps": 4},
        expected_impact=Impact.LOW_MEDIUM,
        expected_note="depends on current batch size",
        effort=Effort.LOW,
        effort_note="training loop change",
        reference="arXiv:1706.02677",
    ),
    Technique(
        "Reduce auxiliary weight",
        on={"loss.miss_weight": 0.1},
        reference="arXiv:1905.07553",
    ),
    Technique(
        "Gradient surgery",
        on={"mtl.aggregator": "pcgrad"},
        reference="arXiv:2001.06782",
    ),
)

# What the source document's text names besides; studies/pi_tft_further.py asks about them.
FURTHER = (
    Technique(
        "Class weighting",
        on={"loss.kind": "wbce"},
        domains={"loss.pos_weight": Float(1.0, 200.0, log=True)},
        reference="King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868",
        family="Class weights",
    ),
    Technique("Mean pooling", on={"model.pooling": "mean"}, reference="arXiv:1703.03130"),
    Technique(
        "Physics weight",
        levels={"loss.physics_weight": (0.0, 0.001, 0.01, 0.05, 1.0)},
        reference="arXiv:1905.07553",
    ),
    Technique(
        "Auxiliary weight",
        levels={"loss.miss_weight": (0.001, 0.01, 0.1, 1.0)},
        reference="arXiv:1905.07553",
    ),
    Technique(
        "Accumulated batches",
        levels={"optim.accum_steps": (2, 4, 8)},
        reference="arXiv:1706.02677",
    ),
    Technique("Mean of gradients", on={"mtl.aggregator": "mean"}, reference="arXiv:2001.06782"),
    Technique("GradVac", on={"mtl.aggregator": "gradvac"}, reference="arXiv:2010.05874"),
    Technique(
        "CAGrad",
        on={"mtl.aggregator": "cagrad"},
        domains={"mtl.cagrad_c": Float(0.1, 0.9)},
        reference="arXiv:2110.14048",
    ),
    Technique(
        "GradNorm",
        on={"mtl.aggregator": "gradnorm"},
        domains={"mtl.gradnorm_alpha": Float(0.0, 3.0)},
        reference="arXiv:1711.02257",
    ),
    Technique("Risk alone", on={"mtl.groups": "risk_only"}, reference="arXiv:1905.07553"),
    Technique("Risk and miss", on={"mtl.groups": "risk+miss"}, reference="arXiv:1905.07553"),
    Technique("Risk and physics", on={"mtl.groups": "risk+physics"}, reference="arXiv:1905.07553"),
    Technique(
        "EMA",
        on={"optim.ema": True},
        domains={"optim.ema_decay": Float(0.9, 0.9999)},
        reference="arXiv:1803.05407",
    ),
)
