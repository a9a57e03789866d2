"""What a run of the pair classifier trains and is judged on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

from trainables.esm2_pair.generator import GeneratorConfig
from trainables.esm2_pair.pairing import NegativesConfig
from trainables.esm2_pair.reading import Access
from trainables.esm2_pair.splitting import SplitMode
from trainables.techniques.limits import one_of

PROTOCOL = NegativesConfig("within_lineage", hard_share=0.5, ratio=1.5)


@dataclass(frozen=True)
class DataConfig:
    """Which pairs a run trains on, and which ones judge it."""

    generator: GeneratorConfig = field(default_factory=GeneratorConfig)  # where no data is given
    negatives: NegativesConfig = field(default_factory=NegativesConfig)  # of the train split
    held_out: NegativesConfig = PROTOCOL  # of the others: half of them hard; part of the protocol
    split: SplitMode = "isolate"  # part of the protocol, too: never a matter of search
    access: Access = "mapped"  # or every item by itself; the same numbers, see `reading`


def data_problems(data: DataConfig) -> Iterator[str]:
    """Yield which words are unknown."""
    yield from one_of(data, "split", get_args(SplitMode), prefix="data.")
    yield from one_of(data, "access", get_args(Access), prefix="data.")
