"""PiTft: the trainable that a study runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from search.trainable import Predictions
from trainables.pi_tft import diagnostics, metrics
from trainables.pi_tft.batches import Batch, joined, splits_of, to_batch
from trainables.pi_tft.config import PiTftConfig
from trainables.pi_tft.events import Events
from trainables.pi_tft.losses import Criterion, MissScale, active_tasks
from trainables.pi_tft.model import Encoder, PiTftNetwork
from trainables.pi_tft.training import Trainer
from trainables.techniques import binary, pictures
from trainables.techniques.devices import accelerator
from trainables.techniques.epochs import EpochRun, prefixed
from trainables.techniques.progress import Progress
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.splitting import Replication, Sampling
from trainables.techniques.surgery import GradientSurgery

OBJECTIVE = "val_ap"  # what early stopping watches
EVALUATED_TOGETHER = 1024  # events: few enough for the documented size's memory


class PiTft(EpochRun):
    """A run of PI-TFT: one step is one epoch.

    Scores of its predictions are logits: σ(score) is the probability that the final risk is high.

    Parameters
    ----------
    config : PiTftConfig
    seed
        Drives everything random: the events drawn (or the validation split), initialisation, the
        order of events and dropout, each from a stream of its own.
    max_steps
        Epochs of the longest run; learning rates and averaging are laid out for
        ``config.stop.epochs`` of them, or for all.
    data : None, DataFrame or Splits
        None draws events from the generator; see `trainables.pi_tft.batches.splits_of`.
    split_seed, replication
        What else a new seed draws anew; see `trainables.techniques.splitting.Sampling`.
    """

    checkpoint = "pi_tft.pt"

    def __init__(
        self,
        config: PiTftConfig,
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
        self._splits = splits_of(config.data, data, seed=seed, sampling=sampling)
        train = to_batch(self._splits.train, self._device)
        held = to_batch(self._splits.validation, self._device)
        self._held_out = joined(held, to_batch(self._splits.test, self._device))
        init_seed, order_seed, noise_seed = independent_seeds(seed, 3)
        with RandomStream(init_seed, self._device).active():
            self._network = _network(config, train).to(self._device)
        self._noise = RandomStream(noise_seed, self._device)
        self._criterion, surgery = self._tasks(train)
        self._trainer = Trainer(
            self._network,
            train,
            self._criterion,
            surgery,
            config.optim,
            epochs=config.stop.length(max_steps),
            order_seed=order_seed,
        )
        self._train = train
        progress = Progress.of(config.stop, max_steps, OBJECTIVE)
        self._thresholds = (0.0, 0.0)  # logits at which F1 and F2 are greatest on validation
        super().__init__(progress, trainer=self._trainer, noise=self._noise)

    def diagnostics(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays that explain this run; see `trainables.pi_tft.diagnostics`."""
        events = self._splits.validation
        network = self._answering
        return {
            **pictures.calibration(self.predict("validation")),
            **pictures.precision_recall(self.predict("validation")),
            **diagnostics.attention(network, to_batch(events, self._device), events),
            **diagnostics.gradient_cosines(network, self._train, self._criterion),
        }

    def diagnose(self) -> dict[str, Any]:
        """Return what explains this run, as a study's reports draw it."""
        return diagnostics.figures(self.diagnostics())

    @property
    def _answering(self) -> PiTftNetwork:
        return self._trainer.averages.answering(self._network)

    def _tasks(self, train: Batch) -> tuple[Criterion, GradientSurgery]:
        config, network = self._config, self._network
        tasks = active_tasks(config.loss, config.mtl)
        criterion = Criterion(
            config.loss, tasks, MissScale.of(train), self._splits.train.miss_index
        )
        risk, miss = list(network.risk_head.parameters()), list(network.miss_head.parameters())
        of_task = {"risk": risk, "miss": miss, "physics": risk + miss if "miss" in tasks else risk}
        surgery = GradientSurgery(
            config.mtl.aggregator,
            list(network.encoder.parameters()),
            [of_task[task] for task in tasks],
            cagrad_c=config.mtl.cagrad_c,
            gradnorm_alpha=config.mtl.gradnorm_alpha,
        )
        return criterion, surgery

    @property
    def _may_stop(self) -> bool:
        return not self._config.optim.swa or self._averaged > 0

    @property
    def _averaged(self) -> int:
        """How many epochs have been averaged, this one included; 0 or less before averaging."""
        return self._progress.steps + 1 - self._trainer.averaging_from

    def _epoch(self) -> dict[str, float]:
        measured = self._trainer.epoch(self._noise)
        measured |= self._evaluate("validation") | self._evaluate("test")
        measured["generalization_gap"] = measured["val_nll"] - measured["train_nll"]
        if self._config.optim.swa and self._averaged == 1:
            self._progress.restart()  # an averaged model answers, not one from before averaging
        return measured

    def _predict(self, split: str) -> Predictions:
        network = self._answering.eval()
        rows = torch.arange(len(self._held_out), device=self._device)
        with torch.inference_mode():
            logits = [
                network(*self._held_out.take(part).inputs)[0][:, -1]
                for part in torch.split(rows, EVALUATED_TOGETHER)
            ]
        scores = torch.cat(logits).double().cpu().numpy()
        cut = len(self._splits.validation.label)
        for name, part in (("validation", scores[:cut]), ("test", scores[cut:])):
            events: Events = getattr(self._splits, name)
            label = events.label.astype(np.int64)
            self._predicted[name] = Predictions(part, label, events.event_id)
        self._thresholds = binary.tuned_thresholds(self._predicted["validation"])
        return self._predicted[split]

    def _evaluate(self, split: str) -> dict[str, float]:
        predictions = self.predict(split)
        tuned = metrics.evaluate_tuned(
            predictions,
            np.asarray(getattr(self._splits, split).risk, np.float64),
            self._thresholds,
            dex_per_logit=self._config.loss.dex_per_logit,
        )
        found = prefixed(split, binary.evaluate(predictions) | tuned)
        if split == "validation":
            found["prediction_sd"] = float(np.std(predictions.scores))
        return found


def _network(config: PiTftConfig, train: Batch) -> PiTftNetwork:
    model = config.model
    encoder = Encoder(
        train.temporal.shape[-1],
        train.static.shape[-1],
        width=model.width,
        layers=model.layers,
        heads=model.heads,
        dropout=model.dropout,
        gated_selection=model.gated_selection,
        pooling=model.pooling,
        pool_hidden=model.pool_hidden,
    )
    positive = float(train.label.mean())
    return PiTftNetwork(encoder, model.width, prior_logit=float(np.log(positive / (1 - positive))))
