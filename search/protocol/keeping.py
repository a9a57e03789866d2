"""Runs whose weights are kept: a configuration trained once more, to be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from search.configuration import override
from search.engine.checkpoints import write_checkpoint
from search.engine.job import Task
from search.engine.run import ENDED, start_run
from search.engine.worker import load_data
from search.errors import OptionError
from search.protocol.training_once import Recipe
from search.storage.records import Checkpoint
from search.trainable import inspect_trainable

Told = Callable[[int, Mapping[str, Any]], None]


def train_and_keep(task: Task, recipe: Recipe, folder: Path, told: Told) -> Checkpoint:
    """Train a recipe to its end in this process, and write what its `save` writes.

    Parameters
    ----------
    task
        What all runs of a study share.
    recipe
        The run.
    folder
        Created; a run that was stopped there goes on from what it had saved.
    told
        Called with step and metrics.

    Returns
    -------
    Checkpoint
        The last one; its checksums lie beside it.

    Raises
    ------
    OptionError
        If the trainable is a generator, which has nothing to save.
    """
    contract = inspect_trainable(task.trainable)
    if contract.kind != "class":
        raise OptionError("--checkpoint needs a class trainable with save(): a generator has none")
    arguments = contract.arguments(
        seed=recipe.seed,
        max_steps=recipe.max_steps,
        data=load_data(task),
        split_seed=task.split_seed,
        replication=task.replication,
    )
    config = override(task.baseline, recipe.changes)
    with threadpool_limits(task.threads):
        run = start_run(task.trainable, contract, config, arguments, folder)
        step = run.start_step
        try:
            while step < recipe.max_steps and (metrics := run.step()) is not ENDED:
                step += 1
                told(step, metrics)
            return write_checkpoint(run.save, folder / "kept", step)
        finally:
            run.close()
