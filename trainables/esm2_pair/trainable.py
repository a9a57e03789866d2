"""Esm2Pair: the trainable that a study runs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch

from search.errors import DataError
from search.trainable import Predictions
from trainables.esm2_pair import diagnostics
from trainables.esm2_pair.batches import Embeddings, PairRows
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.distances import fit_logits
from trainables.esm2_pair.features import slot_statistics
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.leakage import tell
from trainables.esm2_pair.losses import Criterion
from trainables.esm2_pair.metrics import evaluate, hard_negatives
from trainables.esm2_pair.network import PairNetwork
from trainables.esm2_pair.pairs import Splits
from trainables.esm2_pair.training import Trainer
from trainables.techniques.calibration import Affine
from trainables.techniques.devices import accelerator, precision
from trainables.techniques.epochs import PREFIXES, EpochRun, prefixed
from trainables.techniques.progress import History, Progress
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.splitting import Replication, Sampling, require_both

WATCHED: Final = {  # by early stopping and a plateau schedule
    "loss": "val_nll",
    "f1": "val_f1",
    "auroc": "val_auroc",
    "ap": "val_ap",
    "hard_auroc": "val_hard_auroc",
}
EVALUATED_TOGETHER: Final = 2048  # pairs: 20 MB of pooled embeddings of the documented size


class Esm2Pair(EpochRun):
    """A run of the pair classifier: one step is one epoch.

    Scores of its predictions are logits, groups the strata of `trainables.esm2_pair.pairs.Pairs`;
    its metrics are those of `trainables.esm2_pair.metrics.evaluate`. Where a loss fits distances
    only, they become logits by the validation split, with one line for all splits.

    Parameters
    ----------
    config : Esm2PairConfig
    seed
        Drives everything random: the pairs drawn, first weights, the order of pairs and dropout,
        each from a stream of its own.
    max_steps
        Epochs of the longest run; schedules are laid out for ``config.stop.epochs``, or for all.
    data : None, Isolates or Splits
        None draws isolates from the generator; see `trainables.esm2_pair.inputs.splits_of`.
    split_seed, replication
        What else a new seed draws anew; see `trainables.techniques.splitting.Sampling`.

    Raises
    ------
    DataError
        If a split lacks positives or negatives, a held-out one negatives within a lineage, or
        attention is wanted over a single token.
    """

    checkpoint = "esm2_pair.pt"

    def __init__(
        self,
        config: Esm2PairConfig,
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
        check_splits(splits)
        self._leakage = dict(splits.leakage)
        tell(self._leakage)
        embeddings = Embeddings(
            splits.embeddings, pool=config.model.pools, access=config.data.access
        )
        self._rows = {
            name: PairRows(
                embeddings,
                getattr(splits, name),
                self._device,
                distinct=config.model.reads_one_by_one,
            )
            for name in ("train", *PREFIXES)
        }
        init_seed, order_seed, noise_seed = independent_seeds(seed, 3)
        self._network = self._started(splits, init_seed)
        self._noise = RandomStream(noise_seed, self._device)
        self._criterion = Criterion(config.loss, splits.train)
        self._line = Affine(1.0, 0.0)  # from distances to logits
        self._trainer = Trainer(
            self._network,
            self._rows["train"],
            self._criterion,
            config.optim,
            epochs=config.stop.length(max_steps),
            order_seed=order_seed,
        )
        self._watched, self._minimize = WATCHED[config.stop.watch], config.stop.watch == "loss"
        progress = Progress.of(config.stop, max_steps, self._watched, minimize=self._minimize)
        self._history = History()
        super().__init__(progress, trainer=self._trainer, noise=self._noise, history=self._history)

    def diagnose(self) -> dict[str, Any]:
        """Return what explains this run, as a study's reports draw it."""
        return diagnostics.figures(self.predict("validation"), self._history.columns, self._leakage)

    @property
    def _answering(self) -> PairNetwork:
        return self._network

    def _started(self, splits: Splits, seed: int) -> PairNetwork:
        embeddings = Embeddings(splits.embeddings, pool=self._config.model.pools)
        n_slots = 1 + max(int(rows.pairs.slots.max()) for rows in self._rows.values())
        statistics = slot_statistics(embeddings, splits.train, n_slots)
        with RandomStream(seed, self._device).active():
            network = PairNetwork(self._config.model, embeddings.n_tokens, statistics)
        return network.to(self._device)

    def _epoch(self) -> dict[str, float]:
        measured = self._trainer.epoch(self._noise) | self._evaluate("validation")
        if "train_nll" in measured:
            measured["generalization_gap"] = measured["val_nll"] - measured["train_nll"]
        self._history.add(measured)
        self._trainer.observe(measured[self._watched] * (-1 if self._minimize else 1))
        return measured

    def _predict(self, split: str) -> Predictions:
        raw = self._scored(split)
        if not self._criterion.of_distances:
            return raw
        if split == "validation":
            self._line = fit_logits(raw)
        else:
            self.predict("validation")  # fits the line to the weights as they are
        return self._line(raw)

    def _scored(self, split: str) -> Predictions:
        """Return the network's own logits."""
        self._network.eval()
        rows, mixed = self._rows[split], self._config.optim.mixed
        with torch.inference_mode(), precision(self._device, mixed=mixed):
            parts = [
                self._network(batch.tokens, batch.slots).logits.float()
                for batch in rows.in_order(EVALUATED_TOGETHER)
            ]
        logits = torch.cat(parts).double().cpu().numpy()
        return Predictions(logits, rows.pairs.label, rows.pairs.strata)

    def _evaluate(self, split: str) -> dict[str, float]:
        predictions = self.predict(split)
        found = prefixed(split, evaluate(predictions))
        if split == "validation":
            with np.errstate(invalid="ignore"):  # of a run that diverges
                found["prediction_sd"] = float(np.std(predictions.scores))
        return found


def check_splits(splits: Splits) -> None:
    """Refuse splits that nothing can be learned from, or that do not know the objective.

    Raises
    ------
    DataError
        With the split's name.
    """
    for name in ("train", *PREFIXES):
        pairs = getattr(splits, name)
        require_both(name, pairs.label == 1, "pairs of one isolate")
        held_out = Predictions(np.zeros(len(pairs)), pairs.label, pairs.strata)
        if name != "train" and not hard_negatives(held_out).any():
            raise DataError(
                f"the {name} split holds no negatives within a lineage, which hard_auroc is about: "
                "draw some of them with data.held_out.policy='within_lineage'"
            )
