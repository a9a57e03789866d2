"""``kill -9`` of drivers and workers at random instants, then an account of every trial.

The storms are those of the fault tests: a search is started, killed and started again at once,
and extended when it ends, until it has been killed often enough; then it is let go to its end.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

from search.protocol.searching import EngineName
from tests.benchmarks.accounts import Account, account_for
from tests.benchmarks.table import Result, Row
from tests.faults.storm import Storm

ENGINES: tuple[EngineName, EngineName] = ("local", "ray")
STORM = 10  # kills of one search
TRIALS = 12  # of one search, before it is extended
LIMIT_S = 600  # for the rest of a search
Say = Callable[[str], None]


@dataclass
class Tally:
    """What one engine has been through, and how its searches ended."""

    kills: Counter[str] = field(default_factory=Counter)
    trials: int = 0
    searches: int = 0
    account: Account = field(default_factory=Account)
    problems: list[str] = field(default_factory=list)


def benchmark_kills(kills: int, say: Say) -> Result:
    """Return the table of faults: half of the kills on each engine."""
    rows: list[Row] = []
    problems: list[str] = []
    for engine, wanted in zip(ENGINES, (kills // 2, kills - kills // 2), strict=True):
        tally = Tally()
        while (left := wanted - tally.kills.total()) > 0:
            with tempfile.TemporaryDirectory(
                prefix="winnow-kills-", ignore_cleanup_errors=True
            ) as folder:
                weather(engine, Path(folder), min(left, STORM), tally)
            say(f"{engine}: {tally.kills.total()} of {wanted} kills, {tally.searches} searches")
        rows += fault_rows(engine, tally)
        problems += [f"{engine}: {problem}" for problem in tally.problems]
    return Result("kill -9 at random instants", tuple(rows), tuple(problems), "sum")


def weather(engine: EngineName, folder: Path, kills: int, tally: Tally) -> None:
    """Kill one search so many times, let it end, and add what became of it to a tally.

    Raises
    ------
    RuntimeError
        If the search fails by itself, with the end of what it said.
    """
    url, home = f"sqlite:///{folder / 'study.db'}", folder / "storm"
    storm = Storm(home, url, engine, trials=TRIALS, seed=tally.searches)
    storm.rage(kills)
    if status := storm.finish(LIMIT_S):
        said = (home / "said.txt").read_text()[-3000:]
        raise RuntimeError(f"{engine}: the search failed by itself ({status}):\n{said}")
    tally.kills.update(storm.killed)
    tally.searches += 1
    tally.trials += storm.trials
    tally.account += account_for(url, "storm/search", storm.trials)
    try:
        storm.check()
    except AssertionError as error:
        tally.problems.append(str(error).strip() or "a trial is not as it should be")


def fault_rows(engine: EngineName, tally: Tally) -> Iterator[Row]:
    """Yield what was done to an engine, and what became of its trials."""
    for victim, count in sorted(tally.kills.items()):
        yield Row(f"{engine}: {victim}s killed", (count,), "", count)
    trials = f"{engine}: trials, in {tally.searches} searches"
    yield Row(trials, (tally.trials,), "", tally.trials)
    for fault, count in zip(fields(Account), astuple(tally.account), strict=True):
        name = fault.name.replace("_", " ")
        yield Row(f"{engine}: trials {name}", (count,), "", count, target="0", met=not count)
    wrong, name = len(tally.problems), f"{engine}: searches with a wrong step or state"
    yield Row(name, (wrong,), "", wrong, target="0", met=not wrong)
