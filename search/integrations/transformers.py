"""The callback for Hugging Face's Trainer: a step is an evaluation.

``pip install winnow[transformers]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback

from search.handshake import report

PREFIX = "eval_"
SPLITS = ("val_", "test_")
NOT_REPORTED = ("epoch", "runtime", "samples_per_second", "steps_per_second")  # not the model's


class Report(TrainerCallback):
    """Reports every evaluation of a ``transformers.Trainer``.

    The Trainer's ``eval_loss`` becomes ``val_loss``. Several data sets,
    ``eval_dataset={"val": …, "test": …}``, whose metrics it calls ``eval_val_loss`` and
    ``eval_test_loss``, become one step's ``val_loss`` and ``test_loss``: a held-out metric is
    reported without a search seeing it. Say ``eval_strategy="epoch"`` or ``"steps"``.

    Outside a study it does nothing. `search.Pruned` ends ``train`` as an interrupt does.

    Examples
    --------
    ::

        @search.reporting
        def train(config, *, seed):
            arguments = TrainingArguments(…, seed=seed, eval_strategy="epoch")
            Trainer(model, arguments, …, callbacks=[Report()]).train()
    """

    def __init__(self) -> None:
        self._step = 0
        self._gathered: dict[str, float] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the Trainer's
        """Count from 1 again."""
        self._step, self._gathered = 0, {}

    def on_evaluate(
        self,
        args: Any,  # noqa: ARG002 - the Trainer's
        state: Any,  # noqa: ARG002 - the Trainer's
        control: Any,  # noqa: ARG002 - the Trainer's
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,  # noqa: ARG002 - the Trainer's
    ) -> None:
        """Gather a data set's metrics: there may be another one, of which nobody tells."""
        self._gathered |= _renamed(metrics or {})

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the Trainer's
        """Report the evaluation at the end of the epoch before."""
        self._report()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the Trainer's
        """Report the evaluation after the step before."""
        self._report()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the Trainer's
        """Report the last evaluation."""
        self._report()

    def _report(self) -> None:
        if self._gathered:
            found, self._gathered = self._gathered, {}
            self._step += 1
            report(self._step, **found)


def _renamed(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as winnow calls them: of validation, unless they are called test's."""
    found = {}
    for name, value in metrics.items():
        bare = name.removeprefix(PREFIX)
        split = next((split for split in SPLITS if bare.startswith(split)), None)
        if bare.removeprefix(split or "") not in NOT_REPORTED and isinstance(value, int | float):
            found[bare if split else f"val_{bare}"] = float(value)
    return found
