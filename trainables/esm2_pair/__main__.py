"""Data sets of pairs side by side: ``python -m trainables.esm2_pair --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from search.errors import WinnowError
from trainables.esm2_pair.config import Esm2PairConfig
from trainables.esm2_pair.data_config import DataConfig
from trainables.esm2_pair.generator import preset
from trainables.esm2_pair.isolates import Isolates
from trainables.esm2_pair.real_data import default_embedder, load_isolates
from trainables.esm2_pair.side_by_side import markdown, side_by_side

GENERATED: Final = ("variable", "conserved", "null")
TARGETS: Final = {"random": 0.975, "within lineage": 0.912}


def run(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the tables; the exit status is 2 where a data set is refused."""
    given = _parse(arguments)
    try:
        sets = dict(_data_set(text) for text in given.data)
        rows = []
        for row in side_by_side(sets, range(given.seeds), _say):
            rows.append(row)
            _say(markdown([row], "auroc", {}).splitlines()[-1])
    except WinnowError as error:
        _say(str(error))
        return 2
    targets = TARGETS if given.targets else {}
    text = "\n".join(
        [
            f"Area under the ROC curve, mean ± sd of {given.seeds} splits:\n",
            markdown(rows, "auroc", targets),
            "F1 at probability 1/2:\n",
            markdown(rows, "f1", {}),
        ]
    )
    sys.stdout.write(text)
    if given.output is not None:
        given.output.write_text(text, encoding="utf-8")
    return 0


def _data_set(text: str) -> tuple[str, Isolates | Esm2PairConfig]:
    """Read ``NAME=FOLDER:SLOT,SLOT``, of which only the folder is needed; or a generator's preset.

    Raises
    ------
    DataError
        If the folder holds no isolates.
    """
    if text in GENERATED:
        return f"generated, {text}", Esm2PairConfig(data=DataConfig(generator=preset(text)))
    name, equal, rest = text.partition("=")
    folder, _, slots = (rest if equal else text).partition(":")
    names = tuple(filter(None, slots.split(",")))
    found = load_isolates(Path(folder), slots=names, embedder=default_embedder(tokens=1))
    return (name if equal else f"{Path(folder).name} {'-'.join(found.slots)}"), found


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trainables.esm2_pair", description=__doc__)
    parser.add_argument(
        "data",
        nargs="+",
        help="NAME=FOLDER:SLOT,SLOT (only FOLDER is needed), or variable, conserved, null",
    )
    parser.add_argument("--seeds", type=int, default=3, help="splits of each kind (default: 3)")
    parser.add_argument("--targets", action="store_true", help="with influenza's known figures")
    parser.add_argument("--output", type=Path, help="Markdown file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(run())
