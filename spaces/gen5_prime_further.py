"""Gen5-Prime: variants of its techniques, and what its document does not name."""

from functools import partial

from search import Impact, Technique
from spaces.gen5_prime import DROPPED, PAIRED, SHUFFLED, TEMPERATURE, TURNED, WEIGHT
from trainables.techniques import calibration

FURTHER = (
    Technique(
        "Six channels",
        on=PAIRED,
        expected_impact=Impact.HIGH,
        expected_note="what rows below require",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Unpaired rotations",
        on=TURNED | {"data.augmentation.paired": False},
        requires="Six channels",
        expected_note="a negative control: stamp minus control loses its meaning",
        reference="arXiv:1503.07077",
    ),
    Technique(
        "Six channels, one scale per pair",
        on={"data.norm.kind": "joint_pair"},
        requires="Six channels",
        reference="doi:10.1080/01621459.1993.10476408",
    ),
    Technique(
        "Six channels against controls",
        on={"data.negatives.source": "ctrl"},
        requires="Six channels",
        expected_note="usages A and B",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Copies as controls of controls",
        on={"data.negatives.partner": "copy"},
        requires=("Six channels", "Six channels against controls"),
        expected_note="differences of zero tell every negative: a negative control",
        reference="arXiv:2004.07780",
    ),
    Technique(
        "Nine channels",
        on={"data.mode": "paired6_plus_diff"},
        expected_note="stamp, control, and their difference",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Both kinds of negatives",
        on={"data.negatives.source": "mix", "data.negatives.ratio": 2.0},
        expected_note="controls beside explicit negatives",
        reference="arXiv:1802.06066",
    ),
    Technique(
        "Supervised contrast",
        on={"loss.contrast": "supervised"},
        domains={"loss.temperature": TEMPERATURE, "loss.weight": WEIGHT},
        excludes=("Six channels", "Nine channels"),
        reference="arXiv:2004.11362",
    ),
    Technique(
        "Asinh stretch",
        on={"data.norm.stretch": "asinh"},
        reference="arXiv:astro-ph/0312483",
    ),
    Technique(
        "Core dropout and hard negatives",
        on=DROPPED | SHUFFLED,
        expected_note="together, as in the document's repository",
        reference="arXiv:2004.07780",
    ),
    Technique(
        "Hard negatives with shuffled controls",
        on=SHUFFLED | {"data.shortcut.shuffle_ctrl": True},
        requires="Six channels",
        reference="arXiv:2004.07780",
    ),
    Technique(
        "Other schedules",
        levels={"optim.schedule": ("constant", "one_cycle")},
        reference="arXiv:1708.07120",
        family="Learning-rate schedule",
    ),
    Technique(
        "SGD",
        on={"optim.algorithm": "sgd"},
        reference="doi:10.1214/aoms/1177729586",
    ),
    Technique(
        "Batch size",
        levels={"optim.batch_size": (16, 64)},
        reference="arXiv:1706.02677",
    ),
    Technique(
        "Early stopping on area",
        on={"stop.epochs": 12, "stop.patience": 4, "stop.watch": "auroc"},
        expected_note="the repository's best area came while the loss had long been rising",
        reference="doi:10.1007/3-540-49430-8_3",
        family="Early stopping",
    ),
    Technique(
        "Early stopping with hidden cores",
        on={"stop.epochs": 12, "stop.patience": 4, "stop.watch": "core_masked_auroc"},
        expected_note="chooses the epoch by what is around the core",
        reference="doi:10.1007/3-540-49430-8_3",
        family="Early stopping",
    ),
    Technique(
        "Width",
        levels={"model.width": (4, 16)},
        reference="arXiv:1605.07146",
    ),
    Technique(
        "Stem of stride 2 without a pool",
        on={"model.stem": "3x3s2"},
        expected_note="the repository's, for 64 pixels, has stride 1: eight times the time",
        reference="arXiv:1512.03385",
    ),
    Technique(
        "Group norm",
        on={"model.norm": "group"},
        reference="arXiv:1803.08494",
    ),
    Technique(
        "Dropout",
        on={"model.dropout": 0.3},
        reference="arXiv:1207.0580",
    ),
    Technique(
        "Isotonic calibration",
        stage="post-hoc",
        fit=calibration.fit_isotonic,
        secondary="test_ece",
        reference="doi:10.1145/775047.775151",
        family="Calibration",
    ),
    Technique(
        "Threshold by F2",
        stage="post-hoc",
        fit=partial(calibration.fit_threshold, beta=2.0),
        secondary="test_f2",
        reference="doi:10.1371/journal.pone.0118432",
    ),
    Technique(
        "Ensemble of seeds",
        stage="post-hoc",
        members=3,
        reference="arXiv:1612.01474",
    ),
)
