"""Gen5Prime: the trainable that a study runs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch

from search.errors import DataError
from search.trainable import Predictions, ProcessGroup
from trainables.gen5_prime import diagnostics
from trainables.gen5_prime.channels import channels
from trainables.gen5_prime.config import Gen5Config
from trainables.gen5_prime.gallery import gallery, surest
from trainables.gen5_prime.grad_cam import grad_cam, on_arc
from trainables.gen5_prime.inputs import splits_of
from trainables.gen5_prime.metrics import clean, evaluate, groups_of
from trainables.gen5_prime.network import LensNetwork
from trainables.gen5_prime.preflight_warnings import tell
from trainables.gen5_prime.probes import core_masked_auroc
from trainables.gen5_prime.rows import Prepared, Rows, fitted, make_rows
from trainables.gen5_prime.stamps import ROLES, Floats, Images, Splits, Whole
from trainables.gen5_prime.training import Trainer
from trainables.gen5_prime.verdicts import Held, held_out
from trainables.techniques.devices import accelerator, precision
from trainables.techniques.epochs import EpochRun, prefixed
from trainables.techniques.process_group import join, leave, whole_batch_norm
from trainables.techniques.progress import History, Progress
from trainables.techniques.randomness import RandomStream, independent_seeds
from trainables.techniques.splitting import Replication, Sampling, require_both

WATCHED: Final = {  # by early stopping
    "loss": "val_nll",
    "auroc": "val_auroc",
    "core_masked_auroc": "val_core_masked_auroc",
}
PARTS: Final = {"validation": ("validation",), "test": ("test", "shift")}  # of each held-out split
EVALUATED_TOGETHER: Final = 64  # pairs: what fits a processor's cache
LOOKED_AT: Final = 32  # validation arcs whose maps are made


class Gen5Prime(EpochRun):
    """A run of the lens finder: one step is one epoch.

    Scores of its predictions are logits: σ(score) is the probability of an arc. The held-out split
    "test" has the clean pairs and, after them, those of "shift"; groups tell them apart, and tell
    bricks (`trainables.gen5_prime.metrics.groups_of`). So its metrics are ``val_…``, ``test_…`` of
    clean pairs and ``test_shift_…``, and post-hoc techniques are judged on all of them.

    Parameters
    ----------
    config : Gen5Config
    seed
        Drives everything random: the pairs drawn, negatives, first weights, the order of pairs and
        augmentation, each from a stream of its own.
    max_steps
        Epochs of the longest run; schedules are laid out for ``config.stop.epochs``, or for all.
    data : None, Recorded or Splits
        None draws pairs from the generator; see `trainables.gen5_prime.inputs.splits_of`.
    split_seed, replication
        What else a new seed draws anew; see `trainables.techniques.splitting.Sampling`.
    group : ProcessGroup or None
        Processes that train together; see `trainables.techniques.process_group`.

    Raises
    ------
    DataError
        If there is no train pair with an arc, or a held-out split lacks a class.
    """

    checkpoint = "gen5_prime.pt"

    def __init__(
        self,
        config: Gen5Config,
        *,
        seed: int,
        max_steps: int,
        data: Any = None,
        split_seed: int = 0,
        replication: Replication = "fresh",
        group: ProcessGroup | None = None,
    ) -> None:
        join(group)
        self._config, self._device = config, accelerator()
        sampling = Sampling(replication, split_seed)
        self._splits = splits_of(config.data, data, seed=seed, sampling=sampling)
        check_splits(self._splits)
        tell(config.data, self._splits)
        self._scaler = fitted(config.data.norm, self._splits.train)
        self._rows = {
            role: make_rows(self._scaler, self._splits.parts[role], self._device) for role in ROLES
        }
        init_seed, order_seed, noise_seed = independent_seeds(seed, 3)
        with RandomStream(init_seed, self._device).active():
            network = LensNetwork(config.model, config.data.mode)
        self._network = whole_batch_norm(network, group).to(self._device)
        self._noise = RandomStream(noise_seed, self._device)
        self._epochs = config.stop.length(max_steps)
        self._trainer = Trainer(
            self._network,
            self._rows["train"],
            Prepared(config.data, contrasted=config.loss.contrast != "none"),
            config.loss,
            config.optim,
            epochs=self._epochs,
            order_seed=order_seed,
            group=group,
        )
        watched, minimize = WATCHED[config.stop.watch], config.stop.watch == "loss"
        progress = Progress.of(config.stop, max_steps, watched, minimize=minimize)
        self._history = History()
        super().__init__(progress, trainer=self._trainer, noise=self._noise, history=self._history)

    @property
    def splits(self) -> Splits:
        """The pairs of this run, unscaled."""
        return self._splits

    def close(self) -> None:
        """Part from the processes that it trained with."""
        leave()

    def diagnose(self) -> dict[str, Any]:
        """Return what explains this run, as a study's reports draw it."""
        validation, stamps = self.predict("validation"), self._splits.validation
        rows = surest(validation).rows
        pictures = gallery(stamps, validation, rows, self.maps(rows))
        return diagnostics.figures(validation, stamps, self._history.columns) | {
            "gallery": pictures
        }

    def answer(self, rows: Rows) -> Floats:
        """Return the logits of some scaled pairs.

        Parameters
        ----------
        rows : Rows

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        self._network.eval()
        mode, mixed = self._config.data.mode, self._config.optim.mixed
        with torch.inference_mode(), precision(self._device, mixed=mixed):
            parts = [
                self._network(channels(mode, part.stamp, part.ctrl)).logits
                for part in rows.in_order(EVALUATED_TOGETHER)
            ]
        return np.asarray(torch.cat(parts).double().cpu().numpy())

    def maps(self, rows: Whole) -> Images:
        """Return Grad-CAM maps of some validation pairs.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)

        Returns
        -------
        ndarray of float32, shape (n, 64, 64)
        """
        some = self._rows["validation"].batch(torch.as_tensor(rows, device=self._device))
        self._network.eval()
        images = channels(self._config.data.mode, some.stamp, some.ctrl)
        return np.asarray(grad_cam(self._network, images).cpu().numpy())

    @property
    def _answering(self) -> LensNetwork:
        return self._network

    def _epoch(self) -> dict[str, float]:
        measured = self._trainer.epoch(self._noise) | self._evaluate("validation")
        measured["generalization_gap"] = measured["val_nll"] - measured["train_nll"]
        if self._config.stop.watch == "core_masked_auroc":
            area = core_masked_auroc(self.answer, self._rows["validation"])
            measured["val_core_masked_auroc"] = area
        if self._config.evaluation.attention and self._looks():
            measured["val_on_arc"] = self._on_arc()
        self._history.add(measured)
        return measured

    def _on_arc(self) -> float:
        """Return how far the maps of the first validation arcs are on the arc; 0 without arcs."""
        stamps = self._splits.validation
        known = (stamps.label == 1) & (stamps.theta_e > 0) & np.isfinite(stamps.psf_fwhm)
        rows = np.flatnonzero(known)[:LOOKED_AT]
        if not len(rows):
            return 0.0
        return float(on_arc(self.maps(rows), stamps.theta_e[rows], stamps.psf_fwhm[rows]).mean())

    def _looks(self) -> bool:
        """Whether maps are made after this epoch: at a fifth, at half and at the end of a run."""
        looks = {max(1, round(share * self._epochs)) for share in (0.2, 0.5, 1.0)}
        return self._progress.steps + 1 in looks

    def _predict(self, split: str) -> Predictions:
        parts = [(role, self._splits.parts[role]) for role in PARTS[split]]
        logits = np.concatenate([self.answer(self._rows[role]) for role, _ in parts])
        label = np.concatenate([stamps.label for _, stamps in parts])
        groups = [groups_of(stamps.brick, shifted=role == "shift") for role, stamps in parts]
        return Predictions(logits, label, np.concatenate(groups))

    def _evaluate(self, split: str) -> dict[str, float]:
        predictions = self.predict(split)
        found = prefixed(split, evaluate(predictions))
        if split == "validation":
            with np.errstate(invalid="ignore"):  # of a run that diverges
                found["prediction_sd"] = float(np.std(predictions.scores))
            return found
        held = Held(self._splits, self._rows, self._scaler, self.answer)
        return found | prefixed(
            split, held_out(held, clean(predictions), self._config, evaluate(predictions))
        )


def check_splits(splits: Splits) -> None:
    """Refuse splits that nothing can be learned from or judged on.

    Training on positives alone is allowed: it is the source document's own design, and what it
    leads to is among the questions.

    Raises
    ------
    DataError
        With the split's name.
    """
    if not splits.train.label.any():
        raise DataError("the train split has no pair with an arc")
    for role in ROLES[1:]:
        require_both(role, splits.parts[role].label == 1, "pairs with an arc")
