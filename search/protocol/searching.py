"""The command ``search``: the joint search, then its best configuration on fresh seeds."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.engine import URL

from search.configuration import flatten, override, unplain
from search.engine.job import Task
from search.engine.leaving import attended, grace
from search.engine.local import run_local
from search.engine.policy import Policy
from search.engine.process import local_gpus, threads_of
from search.engine.samplers import derive_seed
from search.engine.stream import Limits, Listener, Stream
from search.engine.trials import Trials
from search.engine.worker import load_data
from search.environment import git_commit, trials_secrets
from search.errors import OptionError, StudyError
from search.loading import LoadedStudy
from search.plain import plain
from search.protocol.fixed_runs import FixedRuns
from search.protocol.joint_search import JointSearch
from search.protocol.ownership import warn_of_strangers
from search.protocol.specification import clashes, common_specification, search_specification
from search.protocol.warm_start import check_same, priors_of, warm_start_entry
from search.storage.database import Database
from search.storage.journal import study_log
from search.storage.ledger import Series
from search.storage.lock import study_lock
from search.storage.places import Place, Remote, check_reachable, cloud_variables, here, place
from search.storage.reader import read_series, series_names
from search.storage.records import Asked, Result
from search.storage.url import parse_storage, sqlite_path
from search.study import Study

EngineName = Literal["ray", "local"]
CONFIRM_SEEDS = 10_000  # fresh seeds are derived from here on, far from trial numbers


@dataclass(frozen=True)
class Options:
    """Where and how a command runs.

    Parameters
    ----------
    storage
        URL of the study database.
    artifacts
        Folder of the checkpoints, or ``s3://…``; None: beside the SQLite file.
    engine
        "ray" or "local".
    address
        Of a running Ray cluster; None starts one here.
    workers
        Trials at a time; None: as many as there is room for.
    data
        What the study's loader reads.
    seed
        Of the search.
    """

    storage: str
    artifacts: Path | None = None
    engine: EngineName = "ray"
    address: str | None = None
    workers: int | None = None
    data: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class SearchOutcome:
    """How a search ended; `best` is None when no trial was completed."""

    best: tuple[int, Asked, Result] | None
    outcomes: Mapping[str, int]
    steps_saved: float
    ended_by: str | None


def run_search(
    loaded: LoadedStudy,
    options: Options,
    *,
    trials: int,
    limits: Limits,
    confirm: int,
    warm_start: str | None = None,
    listener: Listener | None = None,
) -> SearchOutcome:
    """Search until `trials` trials exist; the same call again goes on, or does nothing.

    Parameters
    ----------
    loaded
        The study, from its file.
    options
        Where and how.
    trials
        Trials in all; a larger number later extends the search.
    limits
        What ends it earlier.
    confirm
        Fresh seeds on which the best configuration and the baseline are run afterwards.
    warm_start
        ``STUDY[@STORAGE]``: a similar search that the sampler learns from.
    listener
        Called after every event.

    Raises
    ------
    OptionError
        If an option does not fit the study.
    StudyLocked
        If another driver holds the study.
    """
    check_options(loaded.study, options)
    loaded = replace(loaded, study=on_data(loaded.study, options))
    database = Database(options.storage)
    try:
        warn_of_strangers(database, loaded.study.name)
        with study_lock(database, loaded.study.name):
            searched = open_search(database, loaded, options, trials=trials, warm_start=warm_start)

            def stages() -> Iterator[Sequence[Trials]]:
                if confirm and searched.best is not None:
                    yield [_confirming(database, loaded, options, searched.best, confirm)]

            following = stages()
            stream = Stream([searched], limits, listener, lambda: next(following, ()))
            if stream.begin():
                with open_engine(loaded, options) as engine:
                    engine(stream)
        counts = searched.counts
        return SearchOutcome(searched.best, dict(counts.outcomes), counts.saved, stream.ended_by)
    finally:
        database.close()


def open_search(
    database: Database,
    loaded: LoadedStudy,
    options: Options,
    *,
    trials: int,
    warm_start: str | None = None,
) -> Trials:
    """Open a study's search, or go on with it."""
    study, folder = loaded.study, loaded.path.parent
    specification = search_specification(study, n_trials=trials, seed=options.seed, folder=folder)
    specification["warm_start"] = _warm_start(database, study, warm_start)
    directions = [goal.direction for goal in study.goals]
    series = Series(database, f"{study.name}/search", "search", directions, specification)
    before = read_series(database, series.study, steps=False).specification
    if problems := list(clashes(before, plain(specification))):
        raise StudyError(
            f"the search of study '{study.name}' in {database.name} cannot go on, since {problem}; "
            "give the study another name, or undo the change"
            for problem in problems
        )
    series.specify(specification)
    priors = [(p.params, p.values) for p in priors_of(specification["warm_start"])]
    policy = JointSearch(study, series, n_trials=trials, seed=options.seed, priors=priors)
    return open_trials(loaded, options, series, policy)


def _warm_start(database: Database, study: Study, text: str | None) -> dict[str, Any] | None:
    """Return what a search begins with: what it has begun with, once it has."""
    name = f"{study.name}/search"
    if name in series_names(database, study.name):
        before = read_series(database, name, steps=False).specification.get("warm_start")
        check_same(before, text)
        return before
    return None if text is None else warm_start_entry(text, study, database)


def _confirming(
    database: Database,
    loaded: LoadedStudy,
    options: Options,
    best: tuple[int, Asked, Result],
    seeds: int,
) -> Trials:
    study = loaded.study
    number, asked, _ = best
    fresh = [derive_seed(options.seed, CONFIRM_SEEDS + i) for i in range(seeds)]
    arm = f"trial {number}"
    arms = {"baseline": {}, arm: asked.changes} if asked.changes else {"baseline": {}}
    runs = [_run(study, name, changes, seed) for seed in fresh for name, changes in arms.items()]
    specification = {
        **common_specification(study, seed=options.seed, folder=loaded.path.parent),
        "best_arm": arm if asked.changes else "baseline",
        "seeds": fresh,
        "reference_lines": reference_lines(study, options, fresh),
    }
    directions = [goal.direction for goal in study.goals]
    series = Series(database, f"{study.name}/confirm", "confirm", directions, specification)
    series.specify(specification)
    return open_trials(loaded, options, series, FixedRuns(runs))


def _run(study: Study, arm: str, changes: Mapping[str, Any], seed: int) -> Asked:
    baseline = study.space.baseline
    config = override(baseline, unplain(baseline, changes))
    return Asked(arm, seed, flatten(config), dict(changes), study.max_steps)


def reference_lines(
    study: Study, options: Options, seeds: Sequence[int]
) -> dict[str, dict[str, Mapping[str, float]]]:
    """Return every reference line's metrics by name and seed; functions are called here."""
    found: dict[str, dict[str, Mapping[str, float]]] = {}
    for name, line in study.reference_lines.items():
        if not callable(line):
            found[name] = {str(seed): dict(line) for seed in seeds}
            continue
        extra = offered(study, options, inspect.signature(line).parameters)
        found[name] = {str(seed): dict(line(seed, **extra)) for seed in seeds}
    return found


def offered(study: Study, options: Options, names: Collection[str]) -> dict[str, Any]:
    """Return what a function of a study may take by keyword, out of what it names."""
    everything: dict[str, Any] = {
        "config": study.space.baseline,
        "split_seed": study.split_seed,
        "replication": study.replication,
    }
    found = {name: value for name, value in everything.items() if name in names}
    return found | ({"data": load_data(make_task(study, options))} if "data" in names else {})


def open_trials(loaded: LoadedStudy, options: Options, series: Series, policy: Policy) -> Trials:
    """Open a series of a study, or go on with it."""
    study = loaded.study
    commit = git_commit(loaded.path.parent)
    return Trials(
        series,
        policy,
        objectives=study.goals,
        score_at=study.score_at,
        baseline=study.space.baseline,
        artifacts=artifacts_place(series.database, options),
        retries=study.retries,
        attributes={"git_commit": commit} if commit else {},
        keeps=study.keep_checkpoints,
    )


def artifacts_place(database: Database, options: Options) -> Place:
    """Return where checkpoints lie: as asked, else beside the SQLite file."""
    return artifacts_beside(database.url, options)


def artifacts_folder(database: Database, options: Options) -> Path:
    """Return the folder of the checkpoints, for what moves and deletes folders.

    Raises
    ------
    OptionError
        If they lie in an object store.
    """
    found = artifacts_place(database, options)
    if isinstance(found, Path):
        return found
    raise OptionError(f"--artifacts takes a folder here, got {found}; use the store's own tools")


def artifacts_beside(url: URL, options: Options) -> Place:
    """Return where checkpoints lie, from the database's URL."""
    if options.artifacts is not None:
        found = place(options.artifacts)
        return found.absolute() if isinstance(found, Path) else found
    path = sqlite_path(url)
    if path is None:
        return Path("winnow-artifacts").absolute()
    return path.with_name(f"{path.name}-artifacts").absolute()


def make_task(study: Study, options: Options) -> Task:
    """Return what all jobs of a study share."""
    return Task(
        trainable=study.trainable,
        baseline=study.space.baseline,
        objectives=tuple(goal.metric for goal in study.goals),
        loader=study.data,
        data_path=options.data.absolute() if options.data else None,
        threads=threads_of(study.resources),
        guards=tuple(study.guards),
        goals=study.goals,
        split_seed=study.split_seed,
        replication=study.replication,
        share_data=study.share_data,
        step_limit_s=study.step_limit_s,
        keep_checkpoints=study.keep_checkpoints,
    )


def on_data(study: Study, options: Options) -> Study:
    """Return a study as its options run it: given data are finite, no seed draws them afresh."""
    if options.data is None or study.replication != "fresh":
        return study
    return replace(study, replication="fixed")


def check_options(study: Study, options: Options) -> None:
    """Refuse options that do not fit the study.

    Raises
    ------
    OptionError
        With the rule and the value.
    """
    if options.data is not None and study.data is None:
        raise OptionError(
            f"--data {options.data}: study '{study.name}' has no loader; give it Study(data=…)"
        )
    if options.data is not None and not options.data.exists():
        raise OptionError(f"--data {options.data}: there is no such file or folder")
    if options.artifacts is not None and isinstance(remote := place(options.artifacts), Remote):
        check_reachable(remote)
    grace()
    if options.workers is not None and options.workers < 1:
        raise OptionError(f"--workers must be at least 1, got {options.workers}")
    if options.engine == "local" and (options.workers or 1) > 1:
        raise OptionError("the local engine runs one trial at a time; --workers needs --engine ray")
    if options.engine == "local" and options.address:
        raise OptionError("--address is a Ray cluster's; it needs --engine ray")


def ray_is_installed() -> bool:
    """Return whether the Ray engine can be used here."""
    return find_spec("ray") is not None


@contextmanager
def open_engine(loaded: LoadedStudy, options: Options) -> Iterator[Any]:
    """Yield a function that serves a stream."""
    study, task = loaded.study, make_task(loaded.study, options)
    grace_s = grace() if study.contract.kind == "class" else 0.0
    if options.engine == "local":
        local = replace(task, gpus=local_gpus(study.resources))
        with _logged(study, options):
            yield attended(lambda stream: run_local(stream, local), grace_s)
        return
    from search.engine.cluster import ray_session
    from search.engine.tune import run_ray

    cloud = cloud_variables(artifacts_beside(parse_storage(options.storage), options))
    there = replace(
        task,
        folders=(loaded.path.parent.absolute(),),
        variables={**cloud, **trials_secrets(), **loaded.variables},
    )
    session = ray_session(address=options.address, module=loaded.module)
    with _logged(study, options), session as connected:

        def serve(stream: Stream) -> None:
            if connected.ran_before:
                _publish(stream, connected.dashboard)
            run_ray(stream, there, study.resources, workers=options.workers)

        yield attended(serve, grace_s)


def _logged(study: Study, options: Options) -> AbstractContextManager[None]:
    """Write the study's log beside its artifacts while a block runs."""
    url = parse_storage(options.storage)
    return study_log(here(artifacts_beside(url, options)) / study.name, study.name, url)


def _publish(stream: Stream, dashboard: str | None) -> None:
    """Publish a stream's metrics on the cluster, and say where its dashboard is."""
    from search.engine.metrics import Metrics

    stream.listen(Metrics())
    if dashboard is not None:
        stream.notice = f"Ray dashboard: {dashboard}"
