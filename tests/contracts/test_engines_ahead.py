"""A look's last runs do not keep workers waiting: arms that these cannot settle go on."""

import json

from search.protocol.registering import Design
from search.protocol.running import run_study
from search.protocol.searching import Options
from search.reports import priority_report
from search.reports.priority_json import as_json
from search.storage.database import Database
from tests.contracts.conftest import Place

LOOKS = (3, 6)


def measure(place):
    options = Options(
        place.url,
        engine=place.engine,
        address=place.address,
        workers=2 if place.engine == "ray" else None,
    )
    design = Design(looks=LOOKS, tuning="none", stack=False)
    return run_study(place.load("ahead"), options, design)


def table(place):
    database = Database(place.url)
    found = as_json(priority_report(database, "ahead"))
    database.close()
    del found["registration"]
    for row in found["rows"]:
        del row["compute_ratio"], row["memory_ratio"], row["flags"]
    return json.dumps(found)


def test_idle_workers_are_given_the_next_looks_certain_runs(new_place, tmp_path):
    place = new_place()
    priority = measure(place).priority
    looks = {seed: place_ < LOOKS[0] for place_, seed in enumerate(priority.seeds)}
    trials = place.found("ahead/replicate").series.trials
    first_over = max(trial.result.finished for trial in trials if looks[trial.asked.seed])
    ahead = [t for t in trials if not looks[t.asked.seed] and t.created < first_over]
    if place.engine == "local":
        assert not ahead  # one after the other: nobody idles
    else:
        assert ahead
        assert {trial.asked.arm for trial in ahead} <= {"baseline", "one", "two"}
    # the slow arm is settled at the first look, and no worker was spent on more seeds of it
    counts = {arm: sum(t.asked.arm == arm for t in trials) for arm in ("one", "two", "slow")}
    assert counts == {"one": 6, "two": 6, "slow": 3}
    other = Place(tmp_path / "other", "local")
    measure(other)
    assert table(place) == table(other)
