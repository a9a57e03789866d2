"""Pat: the trainable that a study runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from search.errors import TrainableError, near_miss
from search.trainable import Predictions
from trainables.pat.config import PatConfig
from trainables.pat.heads import PatClassifier, PatHead
from trainables.pat.initial import make_encoder, start
from trainables.pat.inputs import Inputs, Rows, inputs_of, splits_of
from trainables.pat.training import Trainer
from trainables.techniques import binary, pictures
from trainables.techniques.devices import accelerator, precision
from trainables.techniques.progress import Progress, Stateful, load_parts, save_parts
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.splitting import Replication, Sampling

OBJECTIVE = "val_auroc"  # what early stopping watches
CHECKPOINT = "pat.pt"
SPLITS = ("validation", "test")
EVALUATED_TOGETHER = 256  # windows: few enough for a week of minutes in size L


class Pat:
    """A run of PAT: one step is one epoch of fine-tuning.

    Scores of its predictions are logits: σ(score) is the probability of a depression.

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
        self._progress = Progress.of(config.stop, max_steps, OBJECTIVE)
        self._predicted: dict[str, Predictions] = {}  # by the weights as they are

    @property
    def done(self) -> bool:
        """Whether the run is over: stopped early, or at its full length."""
        return self._progress.done

    @property
    def inputs(self) -> Inputs:
        """The scaled splits."""
        return self._inputs

    def step(self) -> dict[str, float]:
        """Train one epoch and evaluate validation; at the run's last step, the test split too.

        With early stopping, the last step restores the best epoch's weights and answers with that
        epoch's metrics.

        Raises
        ------
        TrainableError
            If the run is over.
        """
        self._progress.check()
        self._predicted.clear()
        measured = self._trainer.epoch(self._noise) | self._evaluate("validation")
        measured["generalization_gap"] = measured["val_nll"] - measured["train_nll"]
        self._trainer.observe(measured[OBJECTIVE])
        measured = self._progress.observe(measured, self._network)
        if self._progress.restored:
            self._predicted.clear()  # the best epoch's weights answer from now on
        return measured | self._evaluate("test") if self.done else measured

    def predict(self, split: str) -> Predictions:
        """Return logits, labels and participants of "validation" or "test".

        Raises
        ------
        TrainableError
            If there is no such split.
        """
        if split not in SPLITS:
            raise TrainableError(f"Pat has no split '{split}'{near_miss(split, SPLITS)}")
        if split not in self._predicted:
            self._predicted[split] = self._predict(getattr(self._inputs, split))
        return self._predicted[split]

    def diagnose(self) -> dict[str, Any]:
        """Return what explains this run, as a study's reports draw it."""
        validation = self.predict("validation")
        arrays = {**pictures.calibration(validation), **pictures.precision_recall(validation)}
        return pictures.figures(arrays)

    def save(self, directory: Path) -> None:
        """Write a checkpoint: tensors and plain values only."""
        save_parts(Path(directory) / CHECKPOINT, **self._parts)

    def load(self, directory: Path) -> None:
        """Continue from a checkpoint, on whichever device this run has."""
        load_parts(Path(directory) / CHECKPOINT, self._device, **self._parts)
        self._progress.resume(self._network)
        self._predicted.clear()

    @property
    def _parts(self) -> dict[str, Stateful]:
        return {"trainer": self._trainer, "noise": self._noise, "progress": self._progress}

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

    def _predict(self, rows: Rows) -> Predictions:
        self._network.eval()
        with torch.inference_mode(), precision(self._device, mixed=self._config.optim.mixed):
            parts = torch.split(rows.activity, EVALUATED_TOGETHER)
            logits: Tensor = torch.cat([self._network(part).float() for part in parts])
        labels = rows.label.cpu().numpy().astype(np.int64)
        return Predictions(logits.double().cpu().numpy(), labels, rows.participant)

    def _evaluate(self, split: str) -> dict[str, float]:
        predictions = self.predict(split)
        prefix = "val_" if split == "validation" else "test_"
        found = {prefix + name: value for name, value in binary.evaluate(predictions).items()}
        if split == "validation":
            found["prediction_sd"] = float(np.std(predictions.scores))
        return found
