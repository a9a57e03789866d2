"""ESM-2 pairs: what reading embeddings costs, as the source document's first version read them.

A table of its own: everything in it reads every item from HDF5 by itself, but for the technique.
Its numbers are those of the mapped array, bit for bit, so that its verdict is "no effect", as good
but cheaper; how much cheaper stands in the column of costs.
"""

from dataclasses import replace

from search import Effort, Impact, Space, Technique
from spaces.esm2_pair import BASELINE, DOMAINS
from trainables.esm2_pair.data_config import DataConfig

CACHE_SPACE = Space(baseline=replace(BASELINE, data=DataConfig(access="item")), domains=DOMAINS)

CACHE = (
    Technique(
        "Embedding cache",
        on={"data.access": "mapped"},
        expected_impact=Impact.MEDIUM,
        expected_note="significantly faster training",
        effort=Effort.MEDIUM,
        effort_note="medium, 3 hours",
        effort_hours=3.0,
        cheaper=True,
    ),
)
