"""Han: the trainable that a study runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from search.trainable import Predictions
from trainables.han import diagnostics
from trainables.han.balance import Balance
from trainables.han.batch import TASKS, Batch, Outputs, flat_targets
from trainables.han.config import HanConfig
from trainables.han.guards import spreads
from trainables.han.inputs import prepared, splits_of
from trainables.han.metrics import evaluate
from trainables.han.network import HanNetwork
from trainables.han.priors import priors
from trainables.han.series import Series
from trainables.han.training import Tally, Trainer
from trainables.techniques.anchored import anchored_value
from trainables.techniques.devices import accelerator, precision
from trainables.techniques.epochs import EpochRun, prefixed
from trainables.techniques.progress import History, Progress
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.splitting import Replication, Sampling

WATCHED = {"skill": "val_skill", "anchored": "val_anchored"}  # by early stopping
EVALUATED_TOGETHER = 128  # windows: few enough for a year of days at the documented size
ANCHOR_CLIP = 3.0  # of a log ratio, as in the source document


class Han(EpochRun):
    """A run of the Multi-Resolution HAN: one step is one epoch.

    Scores and targets of its predictions are the columns of `trainables.han.columns`; its metrics
    are those of `trainables.han.metrics.evaluate`.

    Parameters
    ----------
    config : HanConfig
    seed
        Drives everything random: the panel drawn, first weights, the order of windows, dropout and
        augmentation, each from a stream of its own.
    max_steps
        Epochs of the longest run; schedules are laid out for ``config.stop.epochs``, or for all.
    data : None, Panel or Splits
        None draws a panel from the generator; see `trainables.han.inputs.splits_of`.
    split_seed, replication
        What else a new seed draws anew; see `trainables.techniques.splitting.Sampling`.
    """

    checkpoint = "han.pt"

    def __init__(
        self,
        config: HanConfig,
        *,
        seed: int,
        max_steps: int,
        data: Any = None,
        split_seed: int = 0,
        replication: Replication = "fresh",
    ) -> None:
        self._config, self._device = config, accelerator()
        sampling = Sampling(replication, split_seed)
        splits = splits_of(config.data, data, seed=seed, sampling=sampling)
        ready = prepared(config.data, splits)
        self._dropped = ready.dropped
        self._series = Series(splits, ready.inputs, config.data.windows, self._device)
        init_seed, order_seed, noise_seed = independent_seeds(seed, 3)
        with RandomStream(init_seed, self._device).active():
            network = HanNetwork(self._series.shape, config.model)
        self._network = network.to(self._device)
        statistics = self._series.statistics
        self._network.set_priors(priors(statistics, config.loss))
        self._balance = Balance(config.mtl, config.loss, self._network, statistics)
        self._noise = RandomStream(noise_seed, self._device)
        self._trainer = Trainer(
            self._network,
            self._series,
            self._balance,
            config.data.augment,
            config.optim,
            epochs=config.stop.length(max_steps),
            order_seed=order_seed,
        )
        watched = WATCHED[config.stop.watch]
        minimize = config.stop.watch == "anchored"
        progress = Progress.of(config.stop, max_steps, watched, minimize=minimize)
        self._history = History()
        self._losses: dict[str, dict[str, float]] = {}  # by split, of its predictions
        super().__init__(progress, trainer=self._trainer, noise=self._noise, history=self._history)

    def diagnose(self) -> dict[str, Any]:
        """Return what explains this run, as a study's reports draw it."""
        predictions = self.predict("validation")
        self._network.eval()
        deviations: list[Tensor] = []
        attention: dict[str, list[Tensor]] = {"fusion": [], "aggregation": []}
        for part in torch.split(self._series.anchors("validation"), EVALUATED_TOGETHER):
            said = self._outputs(self._series.batch(part))
            deviations.append(said.anomaly[:, 1])
            if (fusion := said.weights.get("fusion")) is not None:
                attention["fusion"].append(fusion.mean(dim=1))  # over the window's days
            if (aggregation := said.weights.get("aggregation")) is not None:
                attention["aggregation"].append(aggregation[:, -1])  # the last month's
        uncertain = self._config.model.uncertainty != "none"
        scale = self._series.statistics.anomaly_deviation
        evidence = diagnostics.Evidence(
            self._history.columns,
            self._network.components(),
            windows=len(self._series.anchors("train")),
            fusion=_mean(attention["fusion"]),
            sources=[*self._series.shape.daily, *self._series.shape.regional],
            aggregation=_mean(attention["aggregation"]),
            predictions=predictions,
            deviations=_array(torch.cat(deviations)) * scale if uncertain else None,
            dropped=self._dropped,
        )
        return diagnostics.figures(evidence)

    @property
    def _answering(self) -> HanNetwork:
        return self._network

    def _epoch(self) -> dict[str, float]:
        measured = self._trainer.epoch(self._noise) | self._evaluate("validation")
        measured |= _ratios(measured) | self._anchored(measured)
        self._history.add(measured)
        return measured

    def _predict(self, split: str) -> Predictions:
        self._network.eval()
        anchors = self._series.anchors(split)
        scores, targets, losses = [], [], Tally()
        for part in torch.split(anchors, EVALUATED_TOGETHER):
            batch = self._series.batch(part)
            outputs = self._outputs(batch)
            losses.add(self._balance.told(outputs, batch), None, len(part))
            scores.append(self._balance.criterion.to_scores(outputs))
            targets.append(flat_targets(batch.targets))
        self._losses[split] = losses.means("")
        days = anchors.cpu().numpy()
        return Predictions(np.concatenate(scores), np.concatenate(targets), days)

    def _outputs(self, batch: Batch) -> Outputs:
        mixed = self._config.optim.mixed
        with torch.inference_mode(), precision(self._device, mixed=mixed):
            return self._network(batch)  # type: ignore[no-any-return]  # torch's stub

    def _evaluate(self, split: str) -> dict[str, float]:
        predictions = self.predict(split)
        found = evaluate(predictions) | self._losses[split]
        if split == "validation":
            found |= spreads(predictions)
        return prefixed(split, found)

    def _anchored(self, measured: dict[str, float]) -> dict[str, float]:
        """Return the mean log ratio of validation losses to those of the run's first epoch."""
        first = self._history.first or measured
        names = [f"val_loss_{task}" for task in TASKS if f"val_loss_{task}" in measured]
        value = anchored_value(
            {name: measured[name] for name in names},
            {name: first[name] for name in names},
            clip=ANCHOR_CLIP,
        )
        return {"val_anchored": value if names else math.nan}


def _ratios(measured: Mapping[str, float]) -> dict[str, float]:
    """Return validation loss over training loss, ``ratio_<task>``, where there are both."""
    found = {}
    for task in TASKS:
        train, held = measured.get(f"train_loss_{task}"), measured.get(f"val_loss_{task}")
        if train is not None and held is not None:
            found[f"ratio_{task}"] = held / train if train else math.nan
    return found


def _array(values: Tensor) -> NDArray[np.float64]:
    return np.asarray(values.double().cpu().numpy())


def _mean(weights: list[Tensor]) -> NDArray[np.float64] | None:
    """Return the mean over windows, or nothing of no weights."""
    return _array(torch.cat(weights).double().mean(dim=0)) if weights else None
