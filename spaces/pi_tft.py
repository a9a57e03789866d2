"""PI-TFT: its search space, and the techniques of its source document with what that expects.

Impacts, efforts and their notes are the source document's own words; its settings are taken as
published (gamma 2, alpha 0.75, averaging from 75 % of the epochs).
"""

from search import Categorical, Effort, Float, Impact, Int, Space, Technique, When
from trainables.pi_tft.config import DataConfig, PiTftConfig
from trainables.pi_tft.generator import GeneratorConfig
from trainables.techniques import calibration

SPACE = Space(
    # more events and fewer epochs than the classes' defaults: less noise for the same time
    baseline=PiTftConfig(DataConfig(GeneratorConfig(n_train=3000, n_validation=1500))),
    domains={
        "optim.encoder_lr": Float(3e-4, 3e-2, log=True),
        "optim.head_lr": Float(3e-4, 3e-2, log=True),
        "optim.weight_decay": Float(1e-4, 1e-1, log=True),
        "model.width": Categorical((8, 16, 32)),
        "model.layers": Int(1, 2),
        "model.dropout": Float(0.0, 0.4),
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
            "optim.swa_lr": Float(1e-4, 1e-2, log=True),
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
        domains={"model.pool_hidden": Categorical((0, 16, 32, 64))},
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
    ),
    Technique("Mean pooling", on={"model.pooling": "mean"}, reference="arXiv:1703.03130"),
    Technique("No physics loss", on={"loss.physics_weight": 0.0}, reference="arXiv:1905.07553"),
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
