"""Which runs a look needs: every arm that is still undecided, paired with the baseline by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.configuration import flatten, override, unplain
from search.protocol.arms import BASELINE, Arm, trained_arms
from search.protocol.registering import Registered
from search.ranking import Priority
from search.ranking.priority import look_of, statistics_registration
from search.statistics import certain_to_go_on
from search.storage.records import Asked
from search.study import Study


@dataclass(frozen=True)
class Settings:
    """What each arm is measured with: (arm, place in the seed list) to the fields it sets.

    Parameters
    ----------
    arms
        By name.
    chosen
        What tuning chose, by arm, or by (arm, place) when it is tuned per seed.
    """

    arms: Mapping[str, Arm]
    chosen: Mapping[tuple[str, int | None], Mapping[str, Any]]

    @classmethod
    def stated(cls, study: Study) -> Settings:
        """Return every arm's stated settings."""
        return cls({arm.name: arm for arm in trained_arms(study)}, {})

    def of(self, arm: str, place: int) -> Mapping[str, Any]:
        """Return the fields an arm sets in its run on a seed."""
        for key in ((arm, place), (arm, None)):
            if key in self.chosen:
                return self.chosen[key]
        return self.arms[arm].settings


def needed_seeds(priority: Priority) -> dict[str, int]:
    """Return how many seeds each trained column needs for the next look; the baseline the most."""
    return _by_column(priority, dict(priority.table.needs))


def needed_ahead(priority: Priority) -> dict[str, int]:
    """Return how many seeds columns need at the look after the one under way, as far as certain."""
    specification = priority.specification
    certain = certain_to_go_on(
        statistics_registration(specification, priority.bugs),
        priority.measured.replicates(),
        [look_of(look) for look in priority.registration.looks],
    )
    return _by_column(priority, certain)


def _by_column(priority: Priority, needs: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in priority.specification["techniques"]:
        n = needs.get(entry["name"], 0)
        if not n:
            continue
        trained = entry["stage"] == "training"
        for column in (entry["levels"] or [entry["name"]]) if trained else entry["voters"] or ():
            found[column] = max(n, found.get(column, 0))
    if needs:
        found[BASELINE] = max(needs.values())
    return found


def runs_for(
    study: Study,
    registered: Registered,
    settings: Settings,
    needs: Mapping[str, int],
) -> list[Asked]:
    """Return the runs of a look, seed by seed, so that pairs are finished together."""
    owners = owners_of(registered.record.specification)
    return [
        asked_run(study, registered, arm, owners[arm], settings.of(arm, place), seed)
        for place, seed in enumerate(registered.seeds)
        for arm, n in _baseline_first(needs)
        if place < n
    ]


def asked_run(
    study: Study,
    registered: Registered,
    arm: str,
    owner: str,
    changes: Mapping[str, Any],
    seed: int,
) -> Asked:
    """Return one measured run."""
    baseline = study.space.baseline
    config = override(baseline, unplain(baseline, changes))
    specification = registered.record.specification
    return Asked(
        arm=arm,
        seed=seed,
        configuration=flatten(config),
        changes=dict(changes),
        max_steps=study.max_steps,
        code=str(specification["code"].get(owner, registered.code)),
        data=registered.data,
    )


def owners_of(specification: Mapping[str, Any]) -> dict[str, str]:
    """Return the technique that each column belongs to."""
    owners = {BASELINE: BASELINE}
    for entry in specification["techniques"]:
        owners |= dict.fromkeys(entry["levels"] or [entry["name"]], entry["name"])
    return owners


def _baseline_first(needs: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    yield BASELINE, needs.get(BASELINE, 0)
    yield from ((arm, n) for arm, n in needs.items() if arm != BASELINE)


def missing(priority: Priority, runs: Sequence[Asked]) -> list[Asked]:
    """Return the runs that do not count yet."""
    have = {key: run.asked.key for key, run in priority.measured.runs.items()}
    return [run for run in runs if have.get((run.arm, run.seed)) != run.key]
