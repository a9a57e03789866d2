"""What the losses of the tasks depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

from trainables.han.consistency import ConsistencyConfig, consistency_problems
from trainables.techniques.limits import at_least, below_one, one_of, positive, within

CasualtyKind = Literal["zinb", "focal", "log1p"]
TransitionKind = Literal["bce", "focal", "weighted"]
AnomalyKind = Literal["mse", "nll"]
TargetUnit = Literal["raw", "standardised", "log1p"]
FloorKind = Literal["max", "flooding"]
SECTION: Final = "loss."


@dataclass(frozen=True)
class RegimeLoss:
    """Cross-entropy of the four regimes, and what is to keep it from collapsing."""

    class_balance: float = 0.0  # β of the effective number of examples; 0 for equal weights
    label_smoothing: float = 0.0  # .1 in the source document
    focal_gamma: float = 0.0  # 0 for cross-entropy
    entropy_weight: float = 0.0  # of how sure each forecast is; .3 there
    diversity_weight: float = 0.0  # of KL(mean forecast ‖ training frequencies); .3 there


@dataclass(frozen=True)
class CasualtyLoss:
    """Likelihood of the count of casualties."""

    kind: CasualtyKind = "zinb"  # focal on "any at all"; normal likelihood of log(1 + count)
    focal_alpha: float = 0.5  # weight of counts above zero; zeros weigh the rest
    focal_gamma: float = 2.0
    theta_min: float = 0.01  # least θ
    cap: float = 0.0  # 0 for none


@dataclass(frozen=True)
class TransitionLoss:
    """Loss of the forecast of a change of regime, which is rare."""

    kind: TransitionKind = "bce"
    focal_alpha: float = 0.75  # weight of positives; .25 in the source document, to their detriment
    focal_gamma: float = 2.0
    pos_weight: float = 10.0  # of positives, where weighted


@dataclass(frozen=True)
class AnomalyLoss:
    """Loss of the anomaly score."""

    kind: AnomalyKind = "mse"  # "nll": of a normal distribution with the network's deviation
    variance_weight: float = 0.0  # of forecasts that vary too little; .1 in the source document
    target_ratio: float = 0.5  # of their variance to the targets', below which that is too little


@dataclass(frozen=True)
class ForecastLoss:
    """Squared error of both forecasts, and limits on their outputs."""

    unit: TargetUnit = "standardised"  # what the network forecasts; log1p is signed
    cap: float = 0.0  # on the squared error; 10 in the source document, 0 for none
    l2_weight: float = 0.0  # of squared outputs
    smooth_weight: float = 0.0  # of squared steps between the days of the daily forecast


@dataclass(frozen=True)
class LossConfig:
    """The losses of all tasks."""

    regime: RegimeLoss = RegimeLoss()
    casualty: CasualtyLoss = CasualtyLoss()
    transition: TransitionLoss = TransitionLoss()
    anomaly: AnomalyLoss = AnomalyLoss()
    forecast: ForecastLoss = ForecastLoss()
    consistency: ConsistencyConfig = field(default_factory=ConsistencyConfig)
    floor: float = 0.0  # under every task's loss; .05 to .1 in the source document, 0 for none
    floor_kind: FloorKind = "max"  # flooding turns the gradient round below it


def unshaped(loss: LossConfig) -> LossConfig:
    """Return the same losses without floors and caps: how a task does, whatever it trains on."""
    return replace(
        loss,
        floor=0.0,
        casualty=replace(loss.casualty, cap=0.0),
        forecast=replace(loss.forecast, cap=0.0),
    )


def loss_problems(loss: LossConfig) -> Iterator[str]:
    """Yield what is wrong with it."""
    yield from at_least(loss, 0, "floor", prefix=SECTION)
    yield from one_of(loss, "floor_kind", get_args(FloorKind), prefix=SECTION)
    yield from _regime_problems(loss.regime, f"{SECTION}regime.")
    yield from _casualty_problems(loss.casualty, f"{SECTION}casualty.")
    yield from _transition_problems(loss.transition, f"{SECTION}transition.")
    anomaly = f"{SECTION}anomaly."
    yield from one_of(loss.anomaly, "kind", get_args(AnomalyKind), prefix=anomaly)
    yield from at_least(loss.anomaly, 0, "variance_weight", "target_ratio", prefix=anomaly)
    forecast = f"{SECTION}forecast."
    yield from one_of(loss.forecast, "unit", get_args(TargetUnit), prefix=forecast)
    yield from at_least(loss.forecast, 0, "cap", "l2_weight", "smooth_weight", prefix=forecast)
    yield from consistency_problems(loss.consistency, prefix=f"{SECTION}consistency.")


def _regime_problems(regime: RegimeLoss, prefix: str) -> Iterator[str]:
    yield from below_one(regime, "class_balance", "label_smoothing", prefix=prefix)
    weights = ("focal_gamma", "entropy_weight", "diversity_weight")
    yield from at_least(regime, 0, *weights, prefix=prefix)


def _casualty_problems(casualty: CasualtyLoss, prefix: str) -> Iterator[str]:
    yield from one_of(casualty, "kind", get_args(CasualtyKind), prefix=prefix)
    yield from within(casualty, 0, 1, "focal_alpha", prefix=prefix)
    yield from at_least(casualty, 0, "focal_gamma", "cap", prefix=prefix)
    yield from positive(casualty, "theta_min", prefix=prefix)


def _transition_problems(transition: TransitionLoss, prefix: str) -> Iterator[str]:
    yield from one_of(transition, "kind", get_args(TransitionKind), prefix=prefix)
    yield from within(transition, 0, 1, "focal_alpha", prefix=prefix)
    yield from at_least(transition, 0, "focal_gamma", prefix=prefix)
    yield from positive(transition, "pos_weight", prefix=prefix)
