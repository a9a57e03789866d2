"""Small panels for tests, and arrays with gaps."""

import numpy as np

from trainables.han.panel import Panel, month_of_day

FIRST = np.datetime64("2020-01-15")


def with_gaps(rng, shape, share=0.2):
    values = rng.standard_normal(shape).astype(np.float32)
    values[rng.random(shape) < share] = np.nan
    return values


def targets(rng, n_days):
    known = rng.random((4, n_days)) < 0.7
    drawn = [
        rng.integers(0, 4, n_days),
        rng.poisson(3.0, n_days),
        rng.standard_normal(n_days),
        rng.integers(0, 2, n_days),
    ]
    names = ("regime", "casualty", "anomaly", "transition")
    return {
        name: np.where(mask, values, np.nan)
        for name, values, mask in zip(names, drawn, known, strict=True)
    }


def small_panel(n_days=400, *, seed=0, **changes):
    rng = np.random.default_rng(seed)
    n_months = int(month_of_day(FIRST + np.arange(n_days))[-1]) + 1
    parts = {
        "first_day": FIRST,
        "daily": {"a": with_gaps(rng, (n_days, 3)), "b": with_gaps(rng, (n_days, 2))},
        "regional": {"r": with_gaps(rng, (n_days, 4, 5), 0.05)},
        "monthly": {"m": with_gaps(rng, (n_months, 2))},
        "distances": np.zeros((4, 4)),
        "targets": targets(rng, n_days),
        "features": {
            "a": ("x", "y", "z"),
            "b": ("u", "v"),
            "r": ("1", "2", "3", "4", "5"),
            "m": ("p", "q"),
        },
    }
    return Panel(**{**parts, **changes})
