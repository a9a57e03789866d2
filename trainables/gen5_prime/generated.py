"""Drawing pairs of stamps from the generator, split by split.

Every split has a random stream and bricks of its own: no size moves another split.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from trainables.gen5_prime.bricks import Bricks, draw_bricks
from trainables.gen5_prime.contaminants import draw_contaminants
from trainables.gen5_prime.exposures import Exposures, Scene, expose
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.negatives import neighbours
from trainables.gen5_prime.scenes import Galaxies, Rng, draw_arcs, draw_galaxies, draw_leak
from trainables.gen5_prime.stamps import NUMBERS, ROLES, Column, Splits, Stamps, Whole
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

HELD_OUT: Final = ("test", "shift")  # which "fixed" draws once for all seeds


def generate(
    config: GeneratorConfig, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH
) -> Splits:
    """Draw all splits.

    Parameters
    ----------
    config : GeneratorConfig
    seed
        Drives everything random.
    sampling : Sampling
        Where it is "fixed", its `split_seed` draws test and shift instead.

    Raises
    ------
    TrainableError
        If generated data are to be split again.
    """
    own = np.random.SeedSequence(seed).spawn(len(ROLES))
    fixed = sampling.test_seed
    shared = own if fixed is None else np.random.SeedSequence(fixed).spawn(len(ROLES))
    parts = {}
    for place, role in enumerate(ROLES):
        stream = (shared if role in HELD_OUT else own)[place]
        parts[role] = draw_split(config, role, np.random.default_rng(stream))
    return Splits.of(parts)


def draw_split(config: GeneratorConfig, role: str, rng: Rng) -> Stamps:
    """Draw the pairs of one split.

    Parameters
    ----------
    config : GeneratorConfig
    role : {"train", "validation", "test", "shift"}
    rng
        Drives everything random.
    """
    things, noise = rng.spawn(2)
    n, shift = int(getattr(config, f"n_{role}")), role == "shift"
    bricks = draw_bricks(
        config.n_bricks if role == "train" else config.n_held_out_bricks,
        things,
        bad=config.bad_bricks,
        known_bad=role == "train",
        seeing=config.shift_seeing if shift else 1.0,
        depth=config.shift_depth if shift else 0.0,
        background=config.background,
    )
    scene, kind = draw_scene(config, n, len(bricks), things, shift=shift)
    exposures = expose(scene, bricks, noise, same_noise=config.same_noise and not shift)
    task = np.array([f"{role}-{number:06d}-{what}" for number, what in enumerate(kind)])
    metadata = {"task_id": task, **_metadata(scene, bricks, exposures, things)}
    ctrl = exposures.ctrl
    if shift and config.no_control:
        ctrl = ctrl[neighbours(scene.brick, things)]
    return Stamps(exposures.stamp, ctrl, metadata)


def draw_scene(
    config: GeneratorConfig, n: int, n_bricks: int, rng: Rng, *, shift: bool
) -> tuple[Scene, list[str]]:
    """Draw galaxies, half of them with arcs; return what each stamp shows besides its galaxy."""
    galaxies = draw_galaxies(config, n, rng)
    label = rng.permutation(np.arange(n) % 2)
    positive, negative = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    lensing = _some(galaxies, positive)
    share = config.contaminants if shift else 0.0
    other = np.sort(rng.permutation(negative)[: round(share * len(negative))])
    images, flux, names = draw_contaminants(config, _some(galaxies, other), rng)
    arcs, leak = draw_arcs(config, lensing, rng), draw_leak(config, lensing, rng)
    leak = np.zeros_like(leak) if shift else leak
    brick = rng.permutation(np.arange(n) % n_bricks)
    kind = np.where(label == 1, "arc", "plain").astype(object)
    kind[other] = names
    scene = Scene(galaxies, brick, arcs, positive, leak, images, flux, other)
    return scene, kind.tolist()


def _some(galaxies: Galaxies, rows: Whole) -> Galaxies:
    return Galaxies(galaxies.shape.take(rows), galaxies.flux[rows])


def _metadata(scene: Scene, bricks: Bricks, exposures: Exposures, rng: Rng) -> dict[str, Column]:
    n, positive = len(scene), scene.positive
    found: dict[str, Column] = {name: np.zeros(n) for name in NUMBERS}
    for name, column in scene.arcs.metadata.items():
        found[name][positive] = column
    readable = ~bricks.bad[scene.brick]
    found["arc_snr"], found["arc_snr_sum"] = exposures.peak * readable, exposures.total
    found["is_control"] = np.ones(n)
    found["is_control"][positive] = 0
    found["psf_fwhm"] = bricks.fwhm[scene.brick, 1]
    names = bricks.name[scene.brick]
    found["ra"] = np.array([int(text[:4]) / 10 for text in names]) + rng.uniform(0, 0.25, n)
    found["dec"] = np.array([_declination(text) for text in names]) + rng.uniform(0, 0.25, n)
    return {"brickname": names, **found}


def _declination(brick: str) -> float:
    return int(brick[5:]) / 10 * (-1 if brick[4] == "m" else 1)
