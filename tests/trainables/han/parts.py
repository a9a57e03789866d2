"""The parts of a run, put together as the trainable does, where a test must reach one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from search.configuration import override
from tests.contracts.han import SMALL
from trainables.han.balance import Balance
from trainables.han.batch import Batch
from trainables.han.config import HanConfig
from trainables.han.generated import generate
from trainables.han.generator import GeneratorConfig
from trainables.han.inputs import series_of
from trainables.han.losses import TaskLosses
from trainables.han.network import HanNetwork
from trainables.han.priors import priors
from trainables.han.series import Series
from trainables.han.training import Trainer
from trainables.han.windows import Splits, WindowConfig
from trainables.techniques.randomness import RandomStream

CPU = torch.device("cpu")
WINDOWS = WindowConfig(days=10, months=3, stride=4)
FULLY_KNOWN = GeneratorConfig(
    n_train=40,
    n_validation=20,
    n_test=20,
    change=0.2,
    casualty_known=1.0,
    anomaly_known=1.0,
    missing=0.0,
)
HARD_TO_KNOW = replace(FULLY_KNOWN, casualty_known=0.4, anomaly_known=0.3, missing=0.2)
CALM = {"model.dropout": 0.0, "mtl.weighting.kind": "uniform"}


def drawn(generator: GeneratorConfig = FULLY_KNOWN, **changes: Any) -> Splits:
    return generate(generator, replace(WINDOWS, **changes), seed=0)


@dataclass(frozen=True, eq=False)
class Parts:
    """A series, and a network that has learned nothing."""

    config: HanConfig
    series: Series
    network: HanNetwork
    balance: Balance

    @property
    def train(self) -> Batch:
        return self.series.batch(self.series.anchors("train"))

    def losses(self, batch: Batch) -> tuple[TaskLosses, torch.Tensor]:
        """Return losses and the state that they share."""
        outputs = self.network(batch)
        return self.balance.criterion(outputs, batch), outputs.state

    def gradients(self) -> dict[str, torch.Tensor | None]:
        return {
            name: None if parameter.grad is None else parameter.grad.clone()
            for name, parameter in self.network.named_parameters()
        }

    def trainer(self, *, epochs: int = 1) -> Trainer:
        augment, optim = self.config.data.augment, self.config.optim
        return Trainer(
            self.network, self.series, self.balance, augment, optim, epochs=epochs, order_seed=0
        )


def parts(splits: Splits | None = None, **changes: Any) -> Parts:
    config = override(HanConfig(), {**SMALL, **CALM, **changes})
    series = series_of(config.data, splits or drawn(), CPU)
    with RandomStream(0, CPU).active():
        network = HanNetwork(series.shape, config.model)
    network.set_priors(priors(series.statistics, config.loss))
    balance = Balance(config.mtl, config.loss, network, series.statistics)
    return Parts(config, series, network, balance)


def noise() -> RandomStream:
    return RandomStream(1, CPU)
