"""Everything in every system's spaces can be built."""

from types import ModuleType
from typing import Any

import optuna
import pytest

from search.configuration import flatten, override
from search.parameters import Parameters, ask_trial
from spaces import esm2_pair, gen5_prime, gen5_prime_further, han, pat_l, pi_tft
from spaces.han_architecture import ARCHITECTURE
from spaces.han_further import FURTHER

TABLES = [
    (pi_tft, (*pi_tft.TECHNIQUES, *pi_tft.FURTHER)),
    (pat_l, (*pat_l.TECHNIQUES, *pat_l.FURTHER)),
    (han, (*han.TECHNIQUES, *FURTHER, *ARCHITECTURE)),
    (esm2_pair, esm2_pair.TECHNIQUES),
    (esm2_pair, esm2_pair.FURTHER),
    (gen5_prime, gen5_prime.TECHNIQUES),
    (gen5_prime, gen5_prime_further.FURTHER),
]
EVERYWHERE = [  # knobs whose every choice turns up among random configurations
    (pi_tft, "model.width"),
    (pi_tft, "mtl.groups"),
    (pat_l, "optim.mode"),
    (pat_l, "model.patch_embed"),
    (han, "mtl.weighting.kind"),
    (han, "model.width"),
    (esm2_pair, "model.arch"),
    (esm2_pair, "data.negatives.policy"),
    (gen5_prime, "data.mode"),
    (gen5_prime, "optim.schedule"),
]


@pytest.mark.parametrize(("system", "techniques"), TABLES)
def test_every_arm_can_be_built(system: ModuleType, techniques: Any):
    plain = flatten(system.BASELINE)
    on = {technique.name: dict(technique.on) for technique in techniques}
    for technique in techniques:
        if not technique.searched:
            continue
        required = {path: v for name in technique.requires for path, v in on[name].items()}
        for value in next(iter(technique.levels.values()), [None]):
            changes = required | on[technique.name] | dict.fromkeys(technique.levels, value)
            built = flatten(override(system.BASELINE, changes))
            assert {path for path in built if built[path] != plain[path]} == changes.keys()


@pytest.mark.parametrize(("system", "path"), EVERYWHERE)
def test_every_random_configuration_can_be_built(system: ModuleType, path: str):
    parameters = Parameters.of(system.SEARCH_SPACE, ())
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    built = [
        flatten(
            override(system.BASELINE, parameters.decode(parameters.suggest(ask_trial(study.ask()))))
        )
        for _ in range(200)
    ]
    (domain,) = (p.domain for p in parameters.parameters if p.name == path)
    assert {configuration[path] for configuration in built} == set(domain.choices)
