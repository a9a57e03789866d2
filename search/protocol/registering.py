"""Registration: everything that is fixed before the first run, and what may change afterwards.

Adding a technique amends it: finished runs are reused, and K grows. Changing the yardstick after a
look (delta, alpha, looks, metric, data) starts anew on fresh seeds. Changed code is refused until
somebody says which arms are to be run again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from search.configuration import digest, plain
from search.errors import OptionError, StudyError
from search.protocol.arm_code import codes_of, current_codes
from search.protocol.arms import BASELINE, arm_problems
from search.protocol.changing import Change, change_of, reruns, tried_again
from search.protocol.entries import domain_words, technique_entry
from search.protocol.rerunning import Rerun
from search.protocol.specification import common_specification
from search.statistics import PROFILES
from search.storage.database import Database
from search.storage.registrations import (
    RegistrationRecord,
    add_registration,
    read_registrations,
)
from search.study import Study

Tuning = Literal["none", "once", "per-seed"]
TUNING: Mapping[str, Tuning] = {
    "scout": "none",
    "quick": "none",
    "standard": "once",
    "deep": "per-seed",
}
SURROUNDINGS = ("versions", "machine", "git_commit", "resources")


@dataclass(frozen=True)
class Design:
    """How a study is measured.

    Parameters
    ----------
    looks
        Seeds at each look.
    tuning
        "none" measures the stated settings, "once" the selected configuration, "per-seed" the
        technique, tuned.
    trials
        Tuning budget of every arm.
    alpha
        Familywise rate of false adoptions.
    stack
        Whether adopted techniques are measured together.
    verdicts
        Whether rows are judged; a scout only estimates.
    """

    looks: tuple[int, ...] = PROFILES["standard"]
    tuning: Tuning = "once"
    trials: int = 16
    alpha: float = 0.05
    stack: bool = True
    verdicts: bool = True

    @classmethod
    def of(
        cls,
        profile: str,
        *,
        looks: Sequence[int] = (),
        tuning: Tuning | None = None,
        trials: int = 16,
        stack: bool = True,
    ) -> Design:
        """Return a profile's design, with what was asked otherwise."""
        return cls(
            looks=tuple(looks) or PROFILES[profile],
            tuning=tuning or TUNING[profile],
            trials=trials,
            stack=stack,
            verdicts=profile != "scout",
        )

    @classmethod
    def registered(cls, specification: Mapping[str, Any]) -> Design:
        """Return the design of a registration."""
        return cls(
            looks=tuple(specification["looks"]),
            tuning=specification["tuning"],
            trials=specification["tuning_trials"] or cls.trials,
            alpha=specification["alpha"],
            stack=specification["stack"],
            verdicts=specification["verdicts"],
        )


@dataclass(frozen=True)
class Registered:
    """A registration in force.

    Parameters
    ----------
    record
        As stored.
    seeds
        The seed list, one per replicate up to the last look.
    code, data
        Digests of the trainable's source and of the data.
    """

    record: RegistrationRecord
    seeds: tuple[int, ...]
    code: str
    data: str


def register(
    database: Database,
    study: Study,
    design: Design,
    *,
    seed: int,
    folder: Path,
    data: Path | None,
    rerun: Rerun | None = None,
) -> Registered:
    """Register a study, or find that it is registered already.

    Raises
    ------
    StudyError
        If an arm cannot be configured, or the code has changed and nobody said what to run again.
    OptionError
        If what is to be run again is no arm, or was never measured.
    """
    if problems := [*arm_problems(study), *_design_problems(study, design)]:
        raise StudyError(problems)
    earlier = read_registrations(database, study.name)
    goals = [plain({"metric": g.metric, "direction": g.direction}) for g in study.goals]
    old = earlier[-1].specification["objectives"] if earlier else goals
    if [goal["direction"] for goal in old] != [goal["direction"] for goal in goals]:
        raise StudyError(
            f"the objective of study '{study.name}' has changed its direction; "
            "give the study another name"
        )
    now, data_digest = current_codes(study), data_digest_of(data)
    if rerun is not None:
        rerun.check_arms(list(now))
        if not earlier:
            raise OptionError(f"study '{study.name}' was never measured: `winnow run` comes first")
        if rerun.done(earlier[-1].specification, now):
            rerun = None  # the same command goes on
    specification = _specification(study, design, seed=seed, folder=folder, data=data_digest)
    specification["techniques"] = _with_withdrawn(specification["techniques"], earlier)
    specification["code"] = codes_of(study, earlier, now, rerun)
    seen = earlier[-1].specification["current_code"] if earlier else {}
    specification["current_code"] = {**seen, **now}
    record = earlier[-1] if earlier else None
    specification["reruns"] = reruns(record, specification, rerun)
    change = change_of(record, specification, rerun) if record else Change("first")
    if record is None or change is not None:
        record = _amended(database, study.name, record, specification, change or Change("first"))
    return Registered(record, tuple(record.specification["seeds"]), now[BASELINE], data_digest)


def draw_seeds(seed: int, draw: str, n: int) -> tuple[int, ...]:
    """Return the first `n` seeds of a list; a longer one begins with the same."""
    word = int.from_bytes(hashlib.sha256(f"replicates/{draw}".encode()).digest()[:8])
    state = np.random.SeedSequence([seed, word]).generate_state(n)
    return tuple(int(value) for value in state)


def data_digest_of(path: Path | None) -> str:
    """Return a digest of a file, or of every file in a folder; "" without data."""
    if path is None:
        return ""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()[:16]


def _specification(
    study: Study, design: Design, *, seed: int, folder: Path, data: str
) -> dict[str, Any]:
    common = common_specification(study, seed=seed, folder=folder)
    return {
        **{key: value for key, value in common.items() if key not in SURROUNDINGS},
        "looks": list(design.looks),
        "alpha": design.alpha,
        "tuning": design.tuning,
        "tuning_trials": design.trials if design.tuning != "none" else 0,
        "stack": design.stack,
        "verdicts": design.verdicts,
        "data": data,
        "domains": {path: domain_words(d) for path, d in study.space.domains.items()},
        "draw": "",
        "also_registered": 0,
        "techniques": [technique_entry(study, technique) for technique in study.techniques],
    }


def _with_withdrawn(
    present: Sequence[dict[str, Any]], earlier: Sequence[RegistrationRecord]
) -> list[dict[str, Any]]:
    """Keep in K what was ever registered under the study's name."""
    names = {entry["name"] for entry in present}
    gone: dict[str, dict[str, Any]] = {}
    for record in earlier:
        for entry in record.specification["techniques"]:
            if entry["name"] not in names:
                gone[entry["name"]] = {**entry, "withdrawn": True}
    return [*present, *gone.values()]


def _amended(
    database: Database,
    name: str,
    record: RegistrationRecord | None,
    specification: dict[str, Any],
    change: Change,
) -> RegistrationRecord:
    before = record.specification if record else {}
    looked = bool(record and record.looks)
    specification["draw"] = before.get("draw", "")
    if (change.kind == "new" or change.remade) and record:
        specification["draw"] = digest([specification, record.version])
    # what was tried before a look and is tried again counts as one more technique
    repeated = len(tried_again(change, specification)) if looked else 0
    n_seeds = max(specification["looks"])
    seeds = draw_seeds(specification["seed"], specification["draw"], n_seeds)
    specification["seeds"] = list(seeds)
    anew = specification["code"] if BASELINE in change.anew else change.anew
    version = record.version + 1 if record else 1
    specification["set_anew"] = {**before.get("set_anew", {}), **dict.fromkeys(anew, version)}
    specification["also_registered"] = int(before.get("also_registered", 0)) + repeated
    return add_registration(
        database, name, change.kind, change.reason, specification, anew=change.anew
    )


def _design_problems(study: Study, design: Design) -> list[str]:
    problems = []
    if not study.techniques:
        problems.append(
            f"study '{study.name}' has no techniques: there is nothing to rank; use `winnow search`"
        )
    if len(study.goals) > 1:
        problems.append("several objectives are for searches; a table needs one objective")
    if study.replication == "resplit" and design.tuning != "none":
        problems.append(
            "replication='resplit' redraws the held-out rows per seed, so a tuning run would train "
            "on another seed's held-out rows: use --tuning none"
        )
    return problems
