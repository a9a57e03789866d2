"""A synthetic conflict: one long daily series, with switchable difficulties.

A latent regime (four classes, a sticky Markov chain that moves one step up or down) sets the level
of a slow autoregressive intensity, on which the season of the year acts, too. Four daily sources
and a regional one see the intensity, other slow factors of their own and a short-lived shock, each
column with a lag; four monthly sources see monthly means. What is to be foretold is written in
`panel.Panel`. Which column sees what is fixed by `world`, the same for every seed.

Time: a lead-in without windows, the training period, the validation period, a second lead-in, and
the test period. What happens from the second lead-in on is drawn from a stream of its own and owes
nothing to the years before, so that a study may hold it fixed while the rest is drawn afresh.

Each difficulty is a *cause*, which should feed certain techniques. `without` switches a cause off.
In `preset("null")` all targets are independent of all inputs, at the same marginals.

scale
    Units of the columns that are forecast differ by decades: the forecast's raw loss is nearly all
    of the sum of losses. Feeds the weighting of tasks, and scaled or logarithmic targets.
conflict
    The columns that are forecast follow factors which say nothing about the regime and move more
    than it does: a narrow shared state that serves the forecast has no room for the regime. Feeds
    gradient surgery and the weighting of tasks.
heavy
    Columns of one daily source have fat tails in the hundreds and above. Feeds compression.
zeros
    Casualties have more zeros than counting explains. Feeds the zero-inflated likelihood.
unlabelled
    Casualties are known on two days of five, anomalies on fewer than one of five. Feeds gating by
    availability.
rare
    Few days see the regime change. Off, one day in five does. Feeds focal loss and class weights.
precursor
    For some days before a change, columns of one daily source rise, as they do at other times for
    no reason. Without, nobody can know of a change.
informative
    Gaps are more frequent where the intensity is high. Feeds learned tokens, masks.
lags
    Columns tell of a day up to two weeks ago. Feeds long kernels and attention.
shortcut
    A monthly source, "rainfall", is pure season, as the intensity partly is; after the training
    period its phase drifts, to the opposite in the test period. Feeds source dropout.
duplicates
    Four of the ten columns of the regional source repeat others. Feeds filter and components.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from trainables.techniques.causes import named, switched_off
from trainables.techniques.limits import at_least, below_one, positive, within

SECTION: Final = "data.generator."
SHORTCUT: Final = "rainfall"  # the monthly source that misleads


@dataclass(frozen=True)
class GeneratorConfig:
    """Size of the series and strength of its difficulties; a strength of 0 is none."""

    n_train: int = 640  # windows; 644 in the source document
    n_validation: int = 240
    n_test: int = 800
    world: int = 0  # which column sees what
    noise: float = 0.7  # deviation of each column's own noise; what it sees has about 1
    label_noise: float = 0.05  # share of days whose regime is reported as another one
    change: float = 0.018  # probability of the regime to change, each day
    precursor: float = 2.0  # deviations by which columns rise before a change
    season: float = 1.0  # of the intensity, and of the direction of changes
    shortcut: float = 1.0  # of the season in "rainfall"
    scale: float = 2.5  # decades between the units of the columns that are forecast
    conflict: float = 1.5  # deviation of the factors that are no matter of the regime
    heavy: float = 0.5  # exponent of the columns with a fat tail
    zeros: float = 0.3  # share of days without casualties whatever the intensity
    casualty_known: float = 0.4
    anomaly_known: float = 0.15  # below the source document's threshold of availability, .2
    missing: float = 0.2  # share of days on which a source is silent, half to twice as often
    informative: float = 1.0  # how much that depends on the intensity
    lags: int = 14  # days, at most
    duplicates: float = 0.98  # correlation of the repeated columns with the original
    spatial_km: float = 150.0  # over which regions resemble one another
    spare: int = 0  # further regional sources, which know nothing of the conflict
    independent: bool = False  # all targets of all inputs


CAUSES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "scale": {"scale": 0.0},
        "conflict": {"conflict": 0.0},
        "heavy": {"heavy": 0.0},
        "zeros": {"zeros": 0.0},
        "unlabelled": {"casualty_known": 1.0, "anomaly_known": 1.0},
        "rare": {"change": 0.2},
        "precursor": {"precursor": 0.0},
        "informative": {"informative": 0.0},
        "lags": {"lags": 0},
        "shortcut": {"shortcut": 0.0},
        "duplicates": {"duplicates": 0.0},
    }
)
"""Each cause with the field values that switch it off."""


def generator_problems(generator: GeneratorConfig) -> Iterator[str]:
    """Yield what is wrong with a generator's configuration."""
    sizes = ("n_train", "n_validation", "n_test")
    yield from at_least(generator, 1, *sizes, prefix=SECTION)
    strengths = ("noise", "precursor", "season", "shortcut", "conflict", "heavy", "informative")
    yield from at_least(generator, 0, "world", "scale", "spare", *strengths, prefix=SECTION)
    yield from positive(generator, "spatial_km", prefix=SECTION)
    shares = ("label_noise", "change", "zeros", "missing", "duplicates")
    yield from below_one(generator, *shares, prefix=SECTION)
    yield from within(generator, 0, 1, "casualty_known", "anomaly_known", prefix=SECTION)
    yield from within(generator, 0, 60, "lags", prefix=SECTION)


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
    name : {"causes", "null"}
        All causes on; or the same sources and targets, having nothing to do with each other.
    """
    presets = {
        "causes": GeneratorConfig(),
        "null": replace(GeneratorConfig(), independent=True),
    }
    return named(presets, name)
