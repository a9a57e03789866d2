"""A driver to be killed: ``python driver.py STUDY_FILE URL DATA ENGINE TRIALS [ADDRESS]``."""

import os
import sys
from pathlib import Path

from search.engine.stream import Limits
from search.loading import load_study
from search.protocol.searching import Options, run_search

if __name__ == "__main__":
    file, url, data, engine, trials, *rest = sys.argv[1:]
    workers = int(os.environ.get("WINNOW_TEST_WORKERS", "2"))  # 0: as many as there is room for
    options = Options(
        url,
        artifacts=Path(data).parent / "artifacts",
        engine=engine,
        address=rest[0] if rest else None,
        workers=workers or None if engine == "ray" else None,
        data=Path(data),
    )
    run_search(load_study(Path(file)), options, trials=int(trials), limits=Limits(), confirm=0)
