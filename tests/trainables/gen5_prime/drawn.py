"""Small generated splits, for tests of the lens finder's parts."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.stamps import METADATA, TEXTS, Splits, Stamps

SMALL = GeneratorConfig(
    n_train=40, n_validation=12, n_test=16, n_shift=20, n_bricks=5, n_held_out_bricks=3
)


@lru_cache(maxsize=4)
def small(seed: int = 0, **changes: Any) -> Splits:
    """Return splits that are drawn in a moment, once."""
    return generate(replace(SMALL, **changes), seed=seed)


def noise(n: int, *, bricks: tuple[str, ...] = ("0001p000",), seed: int = 0) -> Stamps:
    """Return pairs of nothing but noise, every other one with an arc by its metadata alone."""
    rng = np.random.default_rng(seed)
    stamp, ctrl = rng.normal(size=(2, n, 3, 64, 64)).astype(np.float32)
    metadata: dict[str, Any] = {name: np.zeros(n) for name in METADATA}
    metadata |= {name: np.full(n, "", dtype="<U20") for name in TEXTS}
    metadata["brickname"] = np.array(bricks)[np.arange(n) % len(bricks)]
    metadata["psf_fwhm"] = 1.0 + 0.1 * (np.arange(n) % len(bricks))
    metadata["is_control"] = (np.arange(n) // len(bricks) % 2).astype(float)
    metadata["theta_e_arcsec"] = 1.5 * (1 - metadata["is_control"])
    return Stamps(stamp, ctrl, metadata)
