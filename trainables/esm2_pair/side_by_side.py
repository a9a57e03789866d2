"""Data sets, splits and negatives side by side: one table of areas, models beside reference lines.

The same pairs may look easy or hard, by what a split lets models remember and by what negatives
differ in. Every cell is the mean over seeds, and each seed draws all splits anew; in a row all
models have the same pairs. Areas are against the row's own negatives, half of the test pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean, stdev
from types import MappingProxyType
from typing import Any, Final

from search.configuration import override
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.isolates import Isolates
from trainables.esm2_pair.pairing import NegativesConfig
from trainables.esm2_pair.pairs import Splits
from trainables.esm2_pair.reference import concatenation, difference, nearest_neighbour
from trainables.esm2_pair.splitting import SplitMode
from trainables.esm2_pair.trainable import Esm2Pair
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

NEGATIVES: Final[Mapping[str, NegativesConfig]] = MappingProxyType(
    {
        "random": NegativesConfig("random", ratio=1.0),
        "within lineage": NegativesConfig("within_lineage", hard_share=1.0, ratio=1.0),
    }
)
MODES: Final[tuple[SplitMode, ...]] = ("isolate", "sequence")
TRAINING: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "model.mlp.hidden_dims": "256-64",
        "optim.batch_size": 64,
        "stop.epochs": 20,
        "stop.patience": 5,
        "stop.watch": "auroc",
    }
)
COMPARING: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "model.features.slot_transform": "slot_norm",
        "model.features.use_diff": True,
        "model.features.use_prod": True,
    }
)
METRICS: Final = ("auroc", "f1")

Measure = Callable[[Splits, int], Mapping[str, float]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One data set, split in one way, with one kind of negatives.

    Parameters
    ----------
    data, split, negatives
        Their names.
    scores : mapping of model to mapping of metric to values
        One value per seed, of the test split.
    """

    data: str
    split: str
    negatives: str
    scores: Mapping[str, Mapping[str, tuple[float, ...]]]


def trained(changes: Mapping[str, Any]) -> Measure:
    """Return what trains a pair classifier on splits and gives its metrics."""

    def measure(splits: Splits, seed: int) -> Mapping[str, float]:
        config = override(Esm2PairConfig(), {**TRAINING, **changes})
        run = Esm2Pair(config, seed=seed, max_steps=config.stop.epochs, data=splits)
        measured: Mapping[str, float] = {}
        while not run.done:
            measured = run.step()
        return measured

    return measure


def reference(line: Callable[..., Mapping[str, float]]) -> Measure:
    """Return what fits a reference line on splits and gives its metrics."""
    return lambda splits, seed: line(seed, data=splits)


MODELS: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "MLP on both": trained({}),
        "MLP on difference and product": trained(COMPARING),
        "Siamese network": trained(
            {"model.arch": "siamese", "model.features.slot_transform": "slot_norm"}
        ),
        "Logistic regression on both": reference(concatenation),
        "Logistic regression on the difference": reference(difference),
        "Nearest neighbour": reference(nearest_neighbour),
    }
)


def side_by_side(
    sets: Mapping[str, Isolates | Esm2PairConfig],
    seeds: Sequence[int],
    say: Say,
    *,
    models: Mapping[str, Measure] = MODELS,
) -> Iterator[Row]:
    """Yield a row for each data set, mode of splitting and kind of negatives.

    Parameters
    ----------
    sets : mapping of name to Isolates or Esm2PairConfig
        A configuration stands for the isolates that it generates.
    seeds
        At least one.
    say
        Told what is going on.
    models : mapping of name to Measure

    Raises
    ------
    DataError
        If a data set is too small for a split.
    """
    for (name, data), mode, (kind, how) in product(sets.items(), MODES, NEGATIVES.items()):
        say(f"{name}, {mode} split, negatives {kind}: {len(seeds)} seeds of {len(models)} models")
        found: dict[str, dict[str, list[float]]] = {
            model: {metric: [] for metric in METRICS} for model in models
        }
        for seed in seeds:
            splits = _splits(data, mode, how, seed)
            for model, measure in models.items():
                measured = measure(splits, seed)
                for metric in METRICS:
                    found[model][metric].append(measured[f"test_{metric}"])
        scores = {
            model: {metric: tuple(values) for metric, values in by_metric.items()}
            for model, by_metric in found.items()
        }
        yield Row(name, mode, kind, scores)


def _splits(
    data: Isolates | Esm2PairConfig, mode: SplitMode, how: NegativesConfig, seed: int
) -> Splits:
    """Return splits whose held-out pairs are all new to every seed."""
    config = data if isinstance(data, Esm2PairConfig) else Esm2PairConfig()
    section = replace(config.data, split=mode, negatives=how, held_out=how)
    if isinstance(data, Esm2PairConfig):
        return splits_of(section, None, seed=seed, sampling=EVERY_SEED_AFRESH)
    return splits_of(section, data, seed=seed, sampling=Sampling("resplit"))


def markdown(rows: Sequence[Row], metric: str, targets: Mapping[str, float]) -> str:
    """Return a table: a line for each row, a column for each model.

    Parameters
    ----------
    rows
        At least one; all of the same models.
    metric
        One of `METRICS`.
    targets : mapping of kind of negatives to a figure
        A last column; without any there is none.
    """
    names = ("data", "split", "negatives", *rows[0].scores, *(("target",) if targets else ()))
    lines = ["| " + " | ".join(names) + " |", "|" + ":--|" * 3 + "--:|" * (len(names) - 3)]
    for row in rows:
        cells = [row.data, row.split, row.negatives]
        cells += [_figure(by_metric[metric]) for by_metric in row.scores.values()]
        if targets:
            known = targets.get(row.negatives)
            cells.append("" if known is None else f"{known:.3f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _figure(values: tuple[float, ...]) -> str:
    """Return mean and standard deviation.

    Examples
    --------
    >>> _figure((0.5, 0.7))
    '0.600 ± 0.141'
    """
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")
