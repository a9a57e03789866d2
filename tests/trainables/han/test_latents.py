"""What drives a generated conflict: its processes are what they are said to be."""

from dataclasses import replace

import numpy as np
import pytest

from trainables.han.generator import GeneratorConfig
from trainables.han.latents import FACTORS, PRECURSOR_DAYS, autoregressive, draw_latents


def test_a_change_is_preceded_by_a_rising_warning():
    days = np.datetime64("2020-01-01") + np.arange(3000)
    latents = draw_latents(GeneratorConfig(), days, np.random.default_rng(0))
    rise = np.arange(1, PRECURSOR_DAYS + 1) / PRECURSOR_DAYS
    changes = np.flatnonzero(latents.change)
    assert len(changes) > 30
    for day in changes[changes >= PRECURSOR_DAYS]:
        before = latents.warning[day - PRECURSOR_DAYS : day]
        assert (before >= rise - 1e-12).all()
        assert latents.regime[day] != latents.regime[day - 1]
    assert 1.5 < (latents.warning == 1).sum() / len(changes) < 2.5  # as many false alarms


def test_processes_are_stationary_with_variance_one():
    noise = np.random.default_rng(0).standard_normal((200, 4000))
    found = autoregressive(noise, 0.9)
    assert found[0].var() == pytest.approx(1, abs=0.1)
    assert found[-1].var() == pytest.approx(1, abs=0.1)
    assert (found[-1] * found[-2]).mean() == pytest.approx(0.9, abs=0.1)


def test_drivers_vary_about_as_much_as_they_say():
    days = np.datetime64("2020-01-01") + np.arange(20000)
    config = replace(GeneratorConfig(), conflict=1.0)
    drivers = draw_latents(config, days, np.random.default_rng(0)).drivers(config)
    assert drivers.shape == (20000, 3 + FACTORS)
    assert np.delete(drivers.std(axis=0), 2) == pytest.approx(1, abs=0.25)
