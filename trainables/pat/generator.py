"""Synthetic actigraphy of people with and without a depression, with switchable difficulties.

Every person has a latent severity, standard normal, higher by `latent_shift` standard deviations in
depressed people. It delays the activity of the day, lowers it, breaks it up, and stirs the night;
each of these also varies between people for other reasons. Counts of a minute are a circadian bump
(phase and level jitter from day to day) times slow and fast bursts; the night is sparse. Nothing
but severity tells depressed people apart, so the best score possible is that of severity itself:
its AUC is Φ(`latent_shift` / √2). By default that is 0.92, with little else between people, for a
small network to learn something from a few hundred of them in seconds; in `preset("survey")` 0.65,
about what networks of this kind reach on the survey (arXiv:2411.15240).

Each difficulty is a *cause*, which should feed certain techniques. `without` switches a cause off;
`preset("null")` is the default without any. That gain, imbalance and pretraining feed theirs is
measured (the slow tests of the causes). Texture, label noise and non-wear are there to be found by
larger networks and more people: size S on 160 to 300 people shows no gain of a convolution, of
early stopping or of imputing that goes away with them.

texture
    Severity makes people switch faster between more and less active minutes, at equal totals. Sums
    over a patch of 9 or 18 minutes hardly show it; a convolution over minutes does. Feeds the
    convolutional patch embedding.
scale
    Counts are in the hundreds. Off, they have a mean of about 2.5 and a deviation of about 2, so
    that even fixed constants normalise them. Feeds normalisation fitted on the train split.
gain
    The same movement gives one person several times the counts of another (devices, limbs, straps),
    which hides how active they are. Feeds normalisation by window, log1p.
imbalance
    One person in five is depressed; off, half of them. Feeds class weighting.
pretraining
    A larger unlabelled cohort lives by the same rhythms. Off, its minutes are shuffled, so there is
    nothing to learn from them. Feeds masked pre-training.
device_shift
    The unlabelled cohort wore its device at the hip: fewer counts, and slight movements are missed.
    Works against pre-training with a frozen encoder; feeds fine-tuning of the whole network.
label_noise
    Some depressed people of the train split are labelled healthy, and as many healthy ones
    depressed. Feeds early stopping and regularisation.
nonwear
    Devices are taken off for hours, which gives zeros. Feeds the handling of non-wear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from search.errors import SpaceError
from trainables.techniques.causes import named, switched_off
from trainables.techniques.limits import at_least, positive, within

MAX_DAYS: Final = 7

SECTION: Final = "data.generator."  # of a configuration


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes and difficulties. The defaults are `preset("default")`.

    Raises
    ------
    SpaceError
        With every size that is too small, share that is none, and spread that is negative.
    """

    n_train: int = 400  # participants, of one window each
    n_validation: int = 200
    n_test: int = 1000  # large: its noise would otherwise hide small effects
    n_unlabelled: int = 600  # for pre-training; 0 for none
    days: int = 1  # of a window: 1 to 7; the survey's protocol is 7
    prevalence: float = 0.2  # twice the survey's, for a few hundred people to suffice
    latent_shift: float = 2.0  # of severity, in standard deviations: an AUC of 0.92 at best
    phase_effect: float = 0.45  # hours later per standard deviation of severity
    phase_spread: float = 0.5  # hours between people, for other reasons
    phase_jitter: float = 0.5  # hours between days of a person
    level_effect: float = 0.12  # share of activity lost per standard deviation of severity
    level_jitter: float = 0.15  # of the logarithm, between days of a person
    night_effect: float = 0.4  # of the log rate of movements at night, per standard deviation
    night_spread: float = 0.25  # of that logarithm between people, for other reasons
    texture_effect: float = 1.2  # of the logit of switching per minute, per standard deviation
    texture_spread: float = 0.35  # of that logit between people, for other reasons
    counts: float = 300.0  # typical counts per minute when awake
    gain_spread: float = 0.4  # of the log gain between people: one in six has two thirds
    nonwear_share: float = 0.08  # of days with 1 to 4 hours without the device
    label_noise: float = 0.1  # share of depressed train participants whose label is exchanged
    device_gain: float = 0.4  # counts of the unlabelled cohort's device per count of the other
    device_threshold: float = 25.0  # counts that its device misses
    shared_rhythm: float = 1.0  # share of the unlabelled cohort that lives by the same rhythms

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        splits = ("n_train", "n_validation", "n_test")
        yield from at_least(self, 2, *splits, prefix=SECTION)  # one of each label
        yield from at_least(self, 0, "n_unlabelled", prefix=SECTION)
        yield from within(self, 1, MAX_DAYS, "days", prefix=SECTION)
        shares = ("prevalence", "nonwear_share", "label_noise", "shared_rhythm")
        yield from within(self, 0, 1, *shares, prefix=SECTION)
        yield from within(self, 0, 0.9, "level_effect", prefix=SECTION)
        spreads = ("phase_spread", "night_spread", "texture_spread", "gain_spread")
        jitters = ("phase_jitter", "level_jitter")
        yield from at_least(self, 0, *spreads, *jitters, "device_threshold", prefix=SECTION)
        yield from positive(self, "counts", "device_gain", prefix=SECTION)


CAUSES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "texture": {"texture_effect": 0.0},
        "scale": {"counts": 4.7},
        "gain": {"gain_spread": 0.0},
        "imbalance": {"prevalence": 0.5},
        "pretraining": {"shared_rhythm": 0.0},
        "device_shift": {"device_gain": 1.0, "device_threshold": 0.0},
        "label_noise": {"label_noise": 0.0},
        "nonwear": {"nonwear_share": 0.0},
    }
)
"""Each cause with the field values that switch it off."""

_SURVEY: Final = GeneratorConfig(
    n_train=2240,  # 2,800 people of the paper, a fifth of them for validation
    n_validation=560,
    n_test=2000,
    n_unlabelled=2000,
    days=7,
    prevalence=0.1,
    latent_shift=0.55,
    phase_spread=1.0,
    night_spread=0.4,
    texture_effect=0.8,
    texture_spread=0.6,
    gain_spread=0.6,
)


def without(config: GeneratorConfig, *causes: str) -> GeneratorConfig:
    """Switch the named causes off.

    Raises
    ------
    ValueError
        If a cause is not one of `CAUSES`.
    """
    return switched_off(config, CAUSES, *causes)


def preset(name: str) -> GeneratorConfig:
    """Return a named configuration.

    Parameters
    ----------
    name : {"default", "null", "survey"}
        All causes on; all off, so that no technique has anything to act on; all on, as large, as
        long and as hard as the survey.
    """
    presets = {
        "default": GeneratorConfig(),
        "null": without(GeneratorConfig(), *CAUSES),
        "survey": _SURVEY,
    }
    return named(presets, name)
