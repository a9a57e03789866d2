"""Synthetic embeddings of isolates' proteins, with switchable difficulties.

Lineages have latent centres, and sizes by Zipf's law; an isolate's latent state is its lineage's
centre plus a drift of its own. Each protein's embedding is a linear map of that state plus a large
offset of its slot and noise. Maps of different slots are alike, not equal. Positives are told from
negatives of another lineage by the centre, from those within a lineage by the drift alone: the more
conserved the proteins are, the less there is of it. Concatenated embeddings say nothing linearly;
their difference and product do. The mean of an embedding's tokens is the pooled embedding.

Each difficulty is a *cause*, which should feed certain techniques. `without` switches a cause off;
`preset("null")` is without any, and noisier, lest all be solved.

offsets
    What slot a protein has shows more than anything else. Feeds normalisation by slot.
maps
    Slots see the same state in different directions. Feeds towers that adapt each slot.
lineages
    Negatives of another lineage are easy and common. Off, all isolates are of one kind, equally far
    apart. Feeds hard negatives.
sites
    Two proteins of one isolate agree at a site of each, which is one token, and elsewhere in other
    lineages; the mean over tokens shows none of it. Feeds cross-attention.
outliers
    A few dimensions are many times larger than the others, as transformers have them
    (arXiv:2402.17762). Feeds normalisation of features and layers.
duplicates
    Some isolates share a sequence that circulates in their lineage, in any split. Feeds blocking of
    negatives that occur together, and splits by sequence.
label_noise
    Some train pairs have the other label. Feeds label smoothing and early stopping.

Imbalance is no matter of the proteins: see `pairing.NegativesConfig.ratio`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from search.errors import SpaceError
from trainables.techniques.causes import named, switched_off
from trainables.techniques.limits import at_least, within

SECTION: Final = "data.generator."  # of a configuration


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes and difficulties. The defaults are `preset("variable")`.

    Raises
    ------
    SpaceError
        With every size that is too small, share that is none, and spread that is negative.
    """

    n_train: int = 1000  # isolates: as many positives, where they have two proteins
    n_validation: int = 400
    n_test: int = 1000  # large: its noise would otherwise hide small effects
    n_slots: int = 2  # proteins of an isolate
    n_lineages: int = 40
    zipf: float = 1.0  # exponent of the lineages' sizes
    n_dims: int = 96  # of an embedding; 1280 of the source document's would take as much longer
    n_tokens: int = 8  # of an embedding; 1 for pooled ones alone
    n_latent: int = 48  # dimensions of an isolate's state
    lineage_spread: float = 1.0  # of the centres
    drift: float = 0.45  # of isolates about their centre: 0.15 for conserved proteins
    map_spread: float = 0.35  # of each further slot's map about the first one's
    slot_offset: float = 3.0  # deviations of the embedding that a slot adds
    noise: float = 0.15  # of each protein
    token_noise: float = 0.5  # of each token; its sum over a protein's tokens is zero
    site_effect: float = 1.5  # of what two proteins of an isolate agree on, at one token of each
    outlier_gain: float = 10.0  # of few dimensions: times the others
    duplicates: float = 0.1  # share of isolates that have a sequence that others have too
    metadata_noise: float = 0.1  # share of each metadata field that is not its lineage's
    label_noise: float = 0.05  # share of train pairs with the other label

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SpaceError(problems)

    def _problems(self) -> Iterator[str]:
        yield from at_least(self, 4, "n_train", "n_validation", "n_test", prefix=SECTION)
        yield from at_least(self, 2, "n_slots", prefix=SECTION)
        yield from at_least(self, 1, "n_dims", "n_tokens", "n_latent", prefix=SECTION)
        yield from at_least(self, 5, "n_lineages", prefix=SECTION)  # some for every split
        spreads = ("lineage_spread", "drift", "map_spread", "slot_offset", "noise", "token_noise")
        yield from at_least(self, 0, "zipf", *spreads, "site_effect", prefix=SECTION)
        yield from at_least(self, 1, "outlier_gain", prefix=SECTION)
        shares = ("duplicates", "metadata_noise")
        yield from within(self, 0, 1, *shares, prefix=SECTION)
        yield from within(self, 0, 0.5, "label_noise", prefix=SECTION)


CAUSES: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "offsets": {"slot_offset": 0.0},
        "maps": {"map_spread": 0.0},
        "lineages": {"lineage_spread": 0.0},
        "sites": {"site_effect": 0.0},
        "outliers": {"outlier_gain": 1.0},
        "duplicates": {"duplicates": 0.0},
        "label_noise": {"label_noise": 0.0},
    }
)
"""Each cause with the field values that switch it off."""


def without(config: GeneratorConfig, *causes: str) -> GeneratorConfig:
    """Switch the named causes off.

    Raises
    ------
    ValueError
        If a cause is not one of `CAUSES`.
    """
    return switched_off(config, CAUSES, *causes)


def preset(name: str) -> GeneratorConfig:
    """Return a named configuration.

    Parameters
    ----------
    name : {"variable", "conserved", "null"}
        Surface proteins, which drift fast (HA and NA); polymerase subunits, which hardly do (PB2,
        PB1, PA); surface proteins without any difficulty but noise, so that few techniques have
        anything to act on: difference and product remain what tells positives apart.
    """
    presets = {
        "variable": GeneratorConfig(),
        "conserved": replace(GeneratorConfig(), drift=0.15),
        "null": replace(without(GeneratorConfig(), *CAUSES), noise=0.6),
    }
    return named(presets, name)
