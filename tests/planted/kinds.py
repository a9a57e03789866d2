"""Planted studies: a line per technique with its true effect, and what may be said of it.

`sure` holds the verdicts of which one is certain but for less than one study in a million;
the comment behind a line says why. Rates are the business of `test_rates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from search.protocol.registering import Design, Tuning
from search.space import Float, Space
from search.statistics import Verdict
from search.study import Objective, Study
from search.technique import Technique
from tests.planted.world import STEPS, Config, Part, train, train_deaf

STANDARD = (3, 5, 8, 12, 20)
ADOPT = frozenset({Verdict.ADOPT})
WORSE = frozenset({Verdict.HARMFUL, Verdict.REJECT})
ANY = frozenset(Verdict)
NOT_HARMFUL = ANY - {Verdict.HARMFUL}


@dataclass(frozen=True)
class Planted:
    """One technique: what it does, and the verdicts that are sure."""

    does: Mapping[str, Any] = field(default_factory=dict)
    sure: frozenset[Verdict] = ANY
    domains: Mapping[str, Any] = field(default_factory=dict)
    levels: tuple[int, ...] = ()

    def technique(self, place: str) -> Technique:
        """Return it as the technique whose field is `place`."""
        on = {f"{place}.on": True, **{f"{place}.{name}": v for name, v in self.does.items()}}
        domains = {f"{place}.{name}": domain for name, domain in self.domains.items()}
        levels = {f"{place}.level": self.levels} if self.levels else {}
        return Technique(place, on=on, domains=domains, levels=levels)

    def part(self, **changes: Any) -> Part:
        """Return what it does as the world knows it."""
        return Part(on=True, **{**self.does, **changes})


@dataclass(frozen=True)
class Kind:
    """One planted study."""

    name: str
    techniques: tuple[Planted, ...]
    baseline: Mapping[str, Any] = field(default_factory=dict)
    looks: tuple[int, ...] = STANDARD
    delta: float = 1.0
    tuning: Tuning = "none"
    stack: bool = False
    deaf: bool = False

    @property
    def planted(self) -> dict[str, Planted]:
        """The techniques by name."""
        return {f"t{place}": one for place, one in enumerate(self.techniques, 1)}

    @property
    def config(self) -> Config:
        """The baseline."""
        return Config(**self.baseline)

    @property
    def study(self) -> Study:
        """The question."""
        return Study(
            name="planted",
            trainable=train_deaf if self.deaf else train,
            space=Space(baseline=self.config, domains={}),
            techniques=[one.technique(place) for place, one in self.planted.items()],
            objective=Objective("val_score", "maximize"),
            smallest_gain=self.delta,
            max_steps=STEPS,
            retries=0,
        )

    @property
    def design(self) -> Design:
        """How it is measured."""
        return Design(self.looks, self.tuning, trials=8, stack=self.stack)


NULL = Planted()
QUIET = {"own": 0.1}  # a paired difference has sd 0.1: every test sees what there is
KNOB = Planted({"gain": 2.0, "curve": 8.0}, ADOPT, {"knob": Float(0.0, 1.0)})

KINDS = (
    # an adoption among eight nulls happens in 2 % of studies; see the rates
    Kind("eight nulls", (NULL,) * 8),
    # +2 at 20 seeds: t is shifted by 2 × √20 = 8.9, and 3.3 suffice (p < .05 / 8 × .4, df 23);
    # rejecting it at 3 seeds takes a mean 3.3 too low: 5.7 standard errors
    Kind("mixed", (Planted({"gain": 2.0}, ADOPT), Planted({"gain": 1.0}, NOT_HARMFUL), NULL),
         delta=0.5),
    # -3: adopting takes a mean six standard errors off
    Kind("harmful", (Planted({"gain": -3.0}, WORSE), NULL), looks=(3, 6, 12)),
    # sd of the difference .1 and t of some 50 at three seeds: p < .05 / 2 × .15 needs 15
    Kind("redundant", (Planted({"gain": 3.0}, ADOPT), Planted({"gain": 3.0}, ADOPT)),
         {**QUIET, "together": -3.0}, stack=True),
    Kind("synergic", (Planted({"gain": 3.0}, ADOPT), Planted({"gain": 3.0}, ADOPT)),
         {**QUIET, "together": 2.0}, stack=True),
    Kind("late bloomer", (Planted({"gain": 3.0, "late": True}, ADOPT), NULL),
         tuning="once", looks=(3, 6, 12), baseline=QUIET),
    # adopted only if at most a tenth of its runs crash, whatever it gains
    Kind("crashes", (Planted({"gain": 3.0, "crashes": 0.5}), NULL), looks=(3, 6, 12)),
    Kind("always raises", (Planted({"raises": True}, frozenset({Verdict.NOT_MEASURED})),
         Planted({"gain": 3.0}, ADOPT)), QUIET, looks=(3, 6)),
    # sd of the difference √5 = 2.2, and +3: shifted by 6 at 20 seeds; harmful is 8 away
    Kind("noise of different size", (Planted({"gain": 3.0, "spread": 3.0}, NOT_HARMFUL),
         Planted({"gain": 3.0}, ADOPT), NULL), delta=0.5),
    Kind("skewed noise", (Planted({"gain": 3.0, "skewed": True}, ADOPT), Planted({"skewed": True})),
         delta=0.5),
    # of eight stratified values one lies within .25 of .7: 2 - 8 / 16 = 1.5 at least
    Kind("bad default, good when tuned", (KNOB, NULL), QUIET, looks=(3, 6), tuning="once"),
    # untuned it loses 8 × .49 - 2 = 1.9
    Kind("bad default, untuned", (Planted(KNOB.does, WORSE),), QUIET, looks=(3, 6)),
    # the evaluation has sd .1 and no effect: 5 standard errors would have to be exceeded by 30
    Kind("only on validation", (Planted({"only_validation": 3.0}, ANY),), QUIET, looks=(3, 6)),
    Kind("deaf to its seed", (Planted({"gain": 1.0}, frozenset({Verdict.DEGENERATE})), NULL),
         looks=(3, 6), deaf=True),
    Kind("levels with a peak", (Planted({"peak": 2.0}, ADOPT, levels=(1, 3, 5)), NULL),
         QUIET, looks=(3, 6)),
    Kind("level and flat", (Planted({}, levels=(1, 2, 3)), NULL), looks=(3, 6, 12)),
)  # fmt: skip
