"""What is said of a study's pairs before anything runs: all that leaks between splits."""

from __future__ import annotations

from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.inputs import splits_of
from trainables.esm2_pair.leakage import describe
from trainables.esm2_pair.pairs import Splits
from trainables.techniques.reference_lines import Given, on_splits

PLAIN = Esm2PairConfig()


@on_splits(splits_of, PLAIN)
def preflight(given: Given[Esm2PairConfig, Splits]) -> list[str]:
    """Return a sentence for everything that leaks, or one that says that nothing was found."""
    names = ("train", "validation", "test")
    pairs = ", ".join(f"{len(getattr(given.splits, name))} {name}" for name in names)
    leaks = describe(given.splits.leakage) or ["splits share neither sequences nor clusters"]
    return [f"pairs: {pairs}; split by {given.config.data.split}", *leaks]
