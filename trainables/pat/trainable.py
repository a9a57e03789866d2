"""Pat: the trainable that a study runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from search.trainable import Predictions
from trainables.pat.config import PatConfig
from trainables.pat.heads import PatClassifier, PatHead
from trainables.pat.initial import make_encoder, start
from trainables.pat.inputs import Inputs, Rows, inputs_of, splits_of
from trainables.pat.training import Trainer
from trainables.techniques import binary, pictures
from trainables.techniques.devices import accelerator, precision
from trainables.techniques.epochs import EpochRun, prefixed
from trainables.techniques.progress import Progress
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.splitting import Replication, Sampling

OBJECTIVE = "val_auroc"  # what early stopping watches
EVALUATED_TOGETHER = 256  # windows: few enough for a week of minutes in size L


class Pat(EpochRun):
    """A run of PAT: one step is one epoch of fine-tuning.

    Scores of its predictions are logits: σ(score) is the probability of a depression. Groups are
    participants.

    Parameters
    ----------
    config : PatConfig
    seed
        Drives everything random but pre-training: the people drawn (or who validates), first
        weights, the order of windows and dropout, each from a stream of its own.
    max_steps
        Epochs of the longest run. A run has ``config.stop.epochs`` of them at most.
    data : None, Recordings or Splits
        None draws people from the generator; see `trainables.pat.inputs.splits_of`.
    split_seed, replication
        What else a new seed draws anew; see `trainables.techniques.splitting.Sampling`.
    """

    checkpoint = "pat.pt"

    def __init__(
        self,
        config: PatConfig,
        *,
        seed: int,
        max_steps: int,
        data: Any = None,
        split_seed: int = 0,
        replication: Replication = "fresh",
    ) -> None:
        self._config = config
        self._device = accelerator()
        sampling = Sampling(replication, split_seed)
        splits = splits_of(config.data, data, seed=seed, sampling=sampling)
        self._inputs = inputs_of(config.data, splits, self._device)
        init_seed, order_seed, noise_seed = independent_seeds(seed, 3)
        self._network = self._started(init_seed, recorded=data is not None)
        self._noise = RandomStream(noise_seed, self._device)
        self._trainer = Trainer(
            self._network,
            self._inputs.train,
            config.optim,
            config.loss,
            epochs=config.stop.length(max_steps),
            order_seed=order_seed,
        )
        progress = Progress.of(config.stop, max_steps, OBJECTIVE)
        super().__init__(progress, trainer=self._trainer, noise=self._noise)

    @property
    def inputs(self) -> Inputs:
        """The scaled splits."""
        return self._inputs

    def diagnose(self) -> dict[str, Any]:
        """Return what explains this run, as a study's reports draw it."""
        validation = self.predict("validation")
        arrays = {**pictures.calibration(validation), **pictures.precision_recall(validation)}
        return pictures.figures(arrays)

    @property
    def _answering(self) -> PatClassifier:
        return self._network

    def _started(self, seed: int, *, recorded: bool) -> PatClassifier:
        config, inputs = self._config, self._inputs
        with RandomStream(seed, self._device).active():
            encoder = make_encoder(config.model)
            head = PatHead(
                encoder.size.width,
                config.model.head,
                config.model.dropout,
                config.model.head_pool,
            )
            network = PatClassifier(encoder, head).to(self._device)
        unlabelled = inputs.train.activity if inputs.unlabelled is None else inputs.unlabelled
        start(
            network.encoder,
            config.init,
            config.data,
            config.model,
            unlabelled if recorded else None,
        )
        return network

    def _epoch(self) -> dict[str, float]:
        measured = self._trainer.epoch(self._noise) | self._evaluate("validation")
        measured["generalization_gap"] = measured["val_nll"] - measured["train_nll"]
        self._trainer.observe(measured[OBJECTIVE])
        return measured

    def _predict(self, split: str) -> Predictions:
        rows: Rows = getattr(self._inputs, split)
        self._network.eval()
        with torch.inference_mode(), precision(self._device, mixed=self._config.optim.mixed):
            parts = torch.split(rows.activity, EVALUATED_TOGETHER)
            logits: Tensor = torch.cat([self._network(part).float() for part in parts])
        labels = rows.label.cpu().numpy().astype(np.int64)
        return Predictions(logits.double().cpu().numpy(), labels, rows.participant)

    def _evaluate(self, split: str) -> dict[str, float]:
        predictions = self.predict(split)
        found = prefixed(split, binary.evaluate(predictions))
        if split == "validation":
            found["prediction_sd"] = float(np.std(predictions.scores))
        return found
