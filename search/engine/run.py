"""One run of a trainable, generator and class behind the same few calls."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from search.engine.checkpoints import forget_beyond, intact_checkpoints, read_notes
from search.handshake import as_generator
from search.storage.places import Place
from search.trainable import Contract, Predictions, Split

ENDED = object()  # what a step gives when the run has ended by itself
logger = logging.getLogger(__name__)


class Run(Protocol):
    """A started run."""

    start_step: int
    saves: bool
    notes: Mapping[str, Any]
    """The engine's own, from the checkpoint that the run goes on from."""

    def step(self) -> Any:
        """Train one step and return its metrics, or `ENDED`."""

    def save(self, directory: Path) -> None:
        """Write what resuming needs."""

    def close(self) -> None:
        """Free what the next trial in this process needs."""


class GeneratorRun:
    """A generator: always from step 0, pruned by being closed."""

    start_step = 0
    saves = False

    def __init__(self, trainable: Any, config: Any, arguments: Mapping[str, Any]) -> None:
        self.notes: Mapping[str, Any] = {}
        self._iterator: Iterator[Mapping[str, Any]] = trainable(config, **arguments)

    def step(self) -> Any:
        """Return what the generator yields next."""
        return next(self._iterator, ENDED)

    def save(self, directory: Path) -> None:
        """Do nothing: a generator has no state to write, and is never asked to."""

    def close(self) -> None:
        """Close the generator: its ``finally`` blocks run."""
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()


class ClassRun:
    """A class: from its newest intact checkpoint that loads, else from step 0."""

    saves = True

    def __init__(
        self, trainable: Any, config: Any, arguments: Mapping[str, Any], folder: Place
    ) -> None:
        self._model: Any = None
        self.notes: Mapping[str, Any] = {}
        self.start_step = 0
        for step, path in intact_checkpoints(folder):
            self._model = trainable(config, **arguments)
            try:
                notes = read_notes(path)
                self._model.load(path)
            except Exception as error:  # noqa: BLE001 - a user's load may fail in any way
                logger.warning("checkpoint %s does not load (%s); using an older one", path, error)
                self.close()
                self._model = None
            else:
                self.start_step, self.notes = step, notes
                break
        if self._model is None:
            self._model = trainable(config, **arguments)
        forget_beyond(folder, self.start_step)  # a later attempt must not jump over these steps

    def step(self) -> Any:
        """Train one step, unless the model said that it is done."""
        return ENDED if getattr(self._model, "done", False) else self._model.step()

    def predict(self, split: Split) -> Predictions:
        """Return what the model says about a split."""
        found: Predictions = self._model.predict(split)
        return found

    def diagnose(self) -> Any:
        """Return what explains the run; None where the model has no ``diagnose``."""
        diagnose = getattr(self._model, "diagnose", None)
        return None if diagnose is None else diagnose()

    def save(self, directory: Path) -> None:
        """Let the model write its own files."""
        self._model.save(directory)

    def close(self) -> None:
        """Let the model free what it holds, if it has a ``close``."""
        close = getattr(self._model, "close", None)
        if close is not None:
            close()


def start_run(
    trainable: Any, contract: Contract, config: Any, arguments: Mapping[str, Any], folder: Place
) -> Run:
    """Start a run, or go on with it from its newest checkpoint."""
    if contract.kind == "generator":
        return GeneratorRun(as_generator(trainable), config, arguments)
    return ClassRun(trainable, config, arguments, folder)
