"""A driver elsewhere: stores a step every while.  python -m tests.faults.writing URL STEPS"""

import sys
import time

from search.storage.database import Database
from search.storage.lock import study_lock
from tests.contracts.records import asked, attempt, complete, open_series, steps

PAUSE_S = 0.5

if __name__ == "__main__":
    url, count = sys.argv[1], int(sys.argv[2])
    database = Database(url)
    with study_lock(database, "demo"):
        series = open_series(database)
        number = series.ask(asked(max_steps=count), {})
        series.start(number, attempt())
        for step in range(1, count + 1):
            series.record(number, 0, steps(step, step))
            print(step, flush=True)  # noqa: T201 - what the test waits for
            time.sleep(PAUSE_S)
        series.record(number, 0, result=complete(step=count))
        series.tell(number, complete(step=count), {})
    database.close()
