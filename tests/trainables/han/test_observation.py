"""What columns see of their drivers, in closed form; lags and gaps."""

import numpy as np
import pytest

from trainables.han.generator import GeneratorConfig
from trainables.han.latents import draw_latents
from trainables.han.observation import DAILY, draw_world, observe_daily, silent


@pytest.mark.parametrize("heavy", [0.0, 0.5])
def test_columns_see_their_drivers_late_in_closed_form(heavy):
    config = GeneratorConfig(noise=0.0, missing=0.0, heavy=heavy, lags=10)
    rng = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + np.arange(110)
    latents, world = draw_latents(config, days, rng), draw_world(config)
    found = observe_daily(config, world, latents, 10, rng)
    drivers = np.column_stack(
        [
            latents.intensity,
            latents.shock,
            config.precursor * latents.warning,
            config.conflict * latents.factors,
        ]
    )
    assert {name: values.shape for name, values in found.items()} == {
        name: (100, width) for name, width in DAILY.items()
    }
    for name, width in DAILY.items():
        for column in range(width):
            lag = int(world.lags[name][column])
            seen = drivers[10 - lag : 110 - lag] @ world.loads[name][:, column]
            unit, level = world.units[name][column], world.levels[name][column]
            expected = level + unit * seen
            if name == "strikes" and heavy:
                expected = 150 * unit * np.exp(heavy * (seen - 1))
            assert found[name][:, column] == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("lags", "most"), [(0, 0), (14, 14), (3, 3)])
def test_lags_go_up_to_the_longest(lags, most):
    world = draw_world(GeneratorConfig(lags=lags))
    every = np.concatenate(list(world.lags.values()))
    assert every.min() == 0
    assert every.max() == most


def test_gaps_last_for_days():
    config = GeneratorConfig(informative=0.0)
    rng = np.random.default_rng(0)
    gone = silent(config, "strikes", np.zeros(20000), 2, rng)
    assert gone.mean() == pytest.approx(0.2, abs=0.02)
    again = gone[1:][gone[:-1]].mean()
    assert again > 0.4  # .2 if days had nothing to do with each other
    assert (gone[:, 0] != gone[:, 1]).any()
