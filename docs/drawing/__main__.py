"""``python -m docs.drawing`` draws the pictures of docs/statistics.md again."""

from __future__ import annotations

from pathlib import Path

from docs.drawing.frames import drawn
from docs.drawing.noise import intervals, one_seed, pairing
from docs.drawing.searches import curse, pruning
from docs.drawing.tables import looks, many, verdicts

FOLDER = Path(__file__).parents[1] / "pictures"
PICTURES = (one_seed, pairing, intervals, many, verdicts, looks, curse, pruning)


def draw(folder: Path) -> None:
    """Draw every picture into a folder."""
    for make in PICTURES:
        picture = make()
        (folder / f"{picture.key}.svg").write_text(drawn(picture), encoding="utf-8")


if __name__ == "__main__":
    draw(FOLDER)
