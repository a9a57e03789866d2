"""Synthetic conjunctions whose risk follows the exact formula, with switchable difficulties.

One event is one close approach. Its true miss vector lies in the encounter plane (radial y,
horizontal x). Orbit determinations (ODs) give unbiased estimates of it whose errors have
independent increments, so a newer OD makes every older one redundant. A message reports the
estimate, the covariance, and what follows from them exactly: `risk`, `max_risk_estimate`,
`max_risk_scaling` (`physics`), `miss_distance` = |relative_position|, `relative_speed` =
|relative_velocity|, relative_position · relative_velocity = 0, and the three-dimensional
`mahalanobis_distance`. Both objects have the same speed, so the horizontal axis makes the same
angle with both tracks and the encounter axes are principal axes.

Each difficulty is a *cause*, which should feed certain techniques. `without` switches a cause off;
`preset("null")` is the default without any, so that no technique has anything to act on.

imbalance
    Few true misses are near, 2-4 % of the events are high risk. Feeds threshold search, and a focal
    loss or class weighting in decisions at 0.5 (hardly in the order of the events).
od_jumps
    Most messages repeat a stale OD with propagation noise; the informative message is the last OD
    jump (its `c_time_lastob_end` is 0), not the last row. Off, all inputs of an event repeat one
    OD without noise: every row is as informative as the last. Feeds attention pooling, delta
    features.
covariance_realism
    Reported sigmas miss the true ones by a log-normal factor, so the reported risk misleads. Feeds
    weight averaging, a smaller physics weight, gradient surgery.
missing_covariance
    The chaser's covariance is absent from some messages. Feeds physics terms, auxiliary tasks.
mission_bias
    A mission that only the test split holds has biased inputs. Feeds delta features.
label_noise
    Some final risks of the train split are wrong, against their own physics. Feeds weight
    averaging, a smaller physics weight, gradient surgery; works against a focal loss.
selection
    The train split keeps events whose messages end days before the closest approach, validation
    and test do not. Feeds threshold search and temperature scaling.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from search.errors import SpaceError
from trainables.techniques.causes import named, switched_off
from trainables.techniques.limits import at_least, within

SECTION: Final = "data.generator."  # of a configuration


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes and difficulties. The defaults are `preset("default")`.

    Raises
    ------
    SpaceError
        With every size that is too small, share that is none, and noise that is negative.
    """

    n_train: int = 1500
    n_validation: int = 750
    n_test: int = 3000  # large: its noise would otherwise hide small effects
    near_share: float = 0.05  # share of events whose true miss is drawn near; sets the prevalence
    od_update_probability: float = 0.35  # chance that a message brings a new OD
    stale_noise: float = 3.0  # noise of a stale message, in standard deviations of its OD
    covariance_realism: float = 0.35  # log standard deviation of reported over true sigma
    missing_covariance: float = 0.05  # share of messages without the chaser's covariance
    biased_share: float = 0.15  # share of test events that belong to the held-out mission
    mission_bias: float = 1.0  # its offset of the estimate, in standard deviations
    label_noise: float = 0.05  # share of train events with a wrong final risk
    truncated_share: float = 0.30  # share of train events whose messages end 1 to 5 days ahead

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        yield from at_least(self, 1, "n_train", "n_validation", "n_test", prefix=SECTION)
        shares = ("near_share", "od_update_probability", "missing_covariance", "biased_share")
        yield from within(self, 0, 1, *shares, "label_noise", "truncated_share", prefix=SECTION)
        yield from at_least(self, 0, "stale_noise", "covariance_realism", prefix=SECTION)


CAUSES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "imbalance": {"near_share": 1.0},
        "od_jumps": {"od_update_probability": 0.0, "stale_noise": 0.0},
        "covariance_realism": {"covariance_realism": 0.0},
        "missing_covariance": {"missing_covariance": 0.0},
        "mission_bias": {"biased_share": 0.0, "mission_bias": 0.0},
        "label_noise": {"label_noise": 0.0},
        "selection": {"truncated_share": 0.0},
    }
)
"""Each cause with the field values that switch it off."""


def without(config: GeneratorConfig, *causes: str) -> GeneratorConfig:
    """Switch the named causes off.

    Raises
    ------
    ValueError
        If a cause is not one of `CAUSES`.
    """
    return switched_off(config, CAUSES, *causes)


def preset(name: str) -> GeneratorConfig:
    """Return "default" (all causes on) or "null" (all off: no technique has anything to act on)."""
    presets = {"default": GeneratorConfig(), "null": without(GeneratorConfig(), *CAUSES)}
    return named(presets, name)
