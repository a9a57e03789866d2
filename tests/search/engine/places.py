"""Study files of this folder in a foreign one, with a database and a witness folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.contracts.conftest import Place

FOREIGN = Path(__file__).with_name("foreign")


class EnginePlace(Place):
    """A `Place` with the study files of the engine's own tests."""

    def __init__(self, folder: Path, engine: str, address: str | None = None) -> None:
        super().__init__(folder, engine, address)
        shutil.copytree(FOREIGN, folder / "elsewhere", dirs_exist_ok=True)

    def steps(self, study: str, kind: str) -> list[int]:
        """Return the steps that were really made by trials of a kind, in their order."""
        return [event["step"] for event in self.found(study).told("step", kind=kind)]
