"""Generated splits on disk, for the trials of a study and their processes to share.

Where the environment variable WINNOW_CACHE names a folder, splits that were drawn once are read
from it, from files of the same schema that recorded pairs have. A thousand pairs take 100 MB, so
that nothing is written unless a folder is named.

A folder of splits appears at once, complete, or not at all; it is called by a digest of all that it
depends on, the simulator's own code among it, so that an old one never answers for a new one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from search.errors import DataError
from search.plain import digest
from trainables.gen5_prime.generated import generate
from trainables.gen5_prime.generator import GeneratorConfig
from trainables.gen5_prime.stamp_files import read_stamps, write_stamps
from trainables.gen5_prime.stamps import ROLES, Splits
from trainables.techniques.splitting import EVERY_SEED_AFRESH, Sampling

VARIABLE: Final = "WINNOW_CACHE"
FOLDER: Final = "gen5_prime"  # within it
SIMULATOR: Final = (
    "arcs",
    "bricks",
    "contaminants",
    "exposures",
    "generated",
    "generator",
    "lensing",
    "negatives",
    "optics",
    "profiles",
    "scenes",
    "stamp_bytes",
    "stamp_files",
    "stamps",
)


def cached(config: GeneratorConfig, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH) -> Splits:
    """Return the splits of a seed: from the cache if they are there, and to it if there is one.

    Raises
    ------
    DataError
        If a file of the cache is damaged.
    TrainableError
        If generated data are to be split again.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return generate(config, seed=seed, sampling=sampling)
    folder = Path(named) / FOLDER / key(config, seed=seed, sampling=sampling)
    if folder.is_dir():
        return read_splits(folder)
    splits = generate(config, seed=seed, sampling=sampling)
    write_splits(folder, splits)
    return splits


def key(config: GeneratorConfig, *, seed: int, sampling: Sampling = EVERY_SEED_AFRESH) -> str:
    """Return what a folder of splits is called."""
    return digest([asdict(config), seed, sampling.test_seed, _code()])


def write_splits(folder: Path, splits: Splits) -> None:
    """Write splits into a folder that appears at once; one that is there already stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for role, part in splits.parts.items():
            write_stamps(unfinished / f"{role}.parquet", part)
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process was faster, with the same splits
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_splits(folder: Path) -> Splits:
    """Read what `write_splits` wrote.

    Raises
    ------
    DataError
        If a file is missing, or a row of it is damaged.
    """
    parts = {}
    for role in ROLES:
        file = folder / f"{role}.parquet"
        parts[role], report = read_stamps(file)
        if report.n_skipped:
            raise DataError(f"{file} is damaged ({report}): delete {folder}, and it is drawn again")
    return Splits.of(parts)


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a digest of the simulator's code."""
    files = [Path(__file__).with_name(f"{module}.py") for module in SIMULATOR]
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
