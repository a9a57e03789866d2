"""Lightning's callback: a step is an epoch (``pip install winnow[lightning]``)."""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:  # the same library under its older name
    from pytorch_lightning import Callback

from search.handshake import report


class Report(Callback):
    """Reports what a Lightning module has logged, at the end of every epoch.

    Everything in ``trainer.callback_metrics`` is reported, under the names that the module gave
    to ``self.log``. With ``check_val_every_n_epoch=n`` a step is n epochs: those after which
    nothing was validated are left out. What a module logs in its own ``on_train_epoch_end`` comes
    too late, as that is called after callbacks are. A run is one process: ``devices=1``.

    Outside a study it does nothing. `search.Pruned` ends ``fit`` as an interrupt does: the trainer
    tears down first.

    Examples
    --------
    ::

        @search.reporting
        def train(config, *, seed, max_steps):
            trainer = Trainer(max_epochs=max_steps, callbacks=[Report()])
            trainer.fit(Net(config, seed), Data(seed))
    """

    def __init__(self) -> None:
        self._step = 0
        self._validated = False

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Count from 1 again."""
        self._step, self._validated = 0, False

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Note that this epoch was validated; the check before the first does not count."""
        self._validated = self._validated or not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - Lightning's
        """Report the epoch."""
        if trainer.enable_validation and not self._validated:
            return
        self._validated = False
        self._step += 1
        found = {name: float(value) for name, value in trainer.callback_metrics.items()}
        report(self._step, **found)
