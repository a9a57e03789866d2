"""Studies as jobs on a loopback cluster of three nodes: killed, stopped, refused, gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy

from search.errors import StorageError
from search.storage.database import Database
from search.storage.reader import read_series, series_names
from tests.clusters import Node, free_ports, loopback_cluster
from tests.postgres import PASSWORD

pytestmark = [pytest.mark.ray, pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(900)]
DESIGN = ("--looks", "3", "--tuning", "none")
WAIT_S = 400.0
FORMS = {PASSWORD, quote(PASSWORD, safe=""), quote_plus(PASSWORD), quote(PASSWORD, safe=" +")}
MEASURED = ("effect", "ci_low", "ci_high", "shrunken_effect", "q_value", "p_adjusted")
JUDGED = (
    "technique",
    "rank",
    "rank_low",
    "rank_high",
    "verdict",
    "worth_it",
    "n_seeds",
    "n_failed",
)
STUDY = '''
"""Do the toy's techniques help?"""
from dataclasses import dataclass
import os
import random
import time
from search import Effort, Objective, Resources, Space, Study, Technique

@dataclass(frozen=True)
class Config:
    a: float = 0.0
    b: float = 0.0

def train(config, *, seed):
    shared = random.Random(seed)
    own = random.Random(f"{seed} {config}")
    limit = 10 + shared.gauss(0, 1) + 0.1 * own.gauss(0, 1) + config.a + config.b
    for step in range(9):
        time.sleep(PAUSE if step < 4 else 0)
        while step == 5 and os.path.exists("HOLD"):
            time.sleep(0.1)
        score = limit * (1 - 0.7 ** (step + 1))
        yield {"val_score": score, "test_score": score + 0.5}

PAUSE = float(os.environ.get("WINNOW_TEST_PAUSE", "0.5"))  # until it has been heard of
STUDY = Study(
    name="toy",
    trainable=train,
    space=Space(baseline=Config()),
    techniques=[Technique("A", on={"a": 1.0}), Technique("B", on={"b": 1e-12})],
    objective=Objective("val_score", "maximize"),
    smallest_gain=0.2,
    max_steps=9,
    resources=Resources(cpus=CPUS),
)
'''


@pytest.fixture(scope="module")
def cluster():
    """A head that runs no trials, and two nodes that do."""
    with loopback_cluster(cpus=0) as started:
        for _ in range(2):
            started.add_node(cpus=1)
        yield started


@pytest.fixture
def hold(tmp_path):
    """A file: as long as it is there, every run on the cluster stays in its middle."""
    return tmp_path / "hold"


@pytest.fixture
def project(tmp_path, hold):
    """A project with a study, and with what must not be uploaded."""
    folder = tmp_path / "project"
    (folder / "studies").mkdir(parents=True)
    text = STUDY.replace("HOLD", str(hold))
    (folder / "studies" / "toy.py").write_text(text.replace("CPUS", "1.0"))
    large = text.replace("CPUS", "64.0").replace('"toy"', '"large"')
    (folder / "studies" / "large.py").write_text(large)
    (folder / ".env").write_text("SECRET=do-not-upload\n")
    return folder


@pytest.fixture
def winnow(cluster, project):
    """Start the command line as a person does who knows the cluster's token."""

    def start(*arguments: object, storage: str | None = None, **variables: str):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "WINNOW_"))}
        environment |= cluster.client_environment | variables
        environment |= {"WINNOW_STORAGE": storage} if storage else {}
        return subprocess.Popen(
            [sys.executable, "-m", "search.cli", *map(str, arguments)],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture
def submit(winnow, cluster):
    def start(file: str = "studies/toy.py", *options: object, storage: str):
        where = ("--address", cluster.address, "--tree", ".")
        return winnow("submit", file, *where, *DESIGN, *options, storage=storage)

    return start


@pytest.fixture
def undisturbed(winnow, tmp_path):
    """The table of a local run with the same seeds."""
    storage = f"sqlite:///{tmp_path / 'local.db'}"
    local = winnow(
        *("run", "studies/toy.py", "--engine", "local", *DESIGN),
        storage=storage,
        WINNOW_TEST_PAUSE="0",
    )
    status, out = finish(local)
    assert status == 0, out
    return table(winnow, storage)


def finish(process) -> tuple[int, str]:
    out, _ = process.communicate(timeout=WAIT_S)
    return process.returncode, out


def until(condition: Callable[[], Any], process=None) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def table(winnow, storage) -> list[dict[str, object]]:
    status, out = finish(winnow("report", "toy", "--format", "json", storage=storage))
    assert status == 0, out
    rows: list[dict[str, object]] = json.loads(out[out.index("{") :])["rows"]
    return rows


def assert_same(rows, expected) -> None:
    assert [[row[key] for key in JUDGED] for row in rows] == [
        [row[key] for key in JUDGED] for row in expected
    ]
    for row, other in zip(rows, expected, strict=True):
        for key in MEASURED:
            assert row[key] == pytest.approx(other[key], rel=1e-9), key


def trials(storage):
    """All measured runs of the toy, and that of its determinism check."""
    database = Database(storage, create=False)
    try:
        names = series_names(database, "toy")
        return [run for name in names for run in read_series(database, name).trials]
    finally:
        database.close()


def at_work(cluster, storage) -> list[Node]:
    """Nodes that are in the middle of a run."""
    try:
        found = trials(storage)
    except StorageError:  # nothing was run yet
        return []
    last = [run.attempts[-1] for run in found if run.steps and run.result is None]
    pids = {attempt.pid for attempt in last if attempt.ended is None}
    return [node for node in cluster.nodes if node.pids & pids]


def assert_kept(cluster, storage, *, told: str) -> None:
    """Assert that no password or token stands in what was said, logged, uploaded or stored."""
    files = [path for path in cluster.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files
    for path in files:
        contents = path.read_bytes()
        assert not [form for form in FORMS if form.encode() in contents], path
        assert path == cluster.token_file or cluster.token.encode() not in contents, path
        assert b"do-not-upload" not in contents, path
    engine = sqlalchemy.create_engine(storage)
    with engine.connect() as connection:
        for name in sqlalchemy.inspect(engine).get_table_names():
            told += str(connection.exec_driver_sql(f"SELECT * FROM {name}").all())
    engine.dispose()
    assert not [secret for secret in (*FORMS, cluster.token, "do-not-upload") if secret in told]


def test_a_node_that_is_killed_changes_nothing(
    cluster, winnow, submit, hold, undisturbed, postgres_url
):
    hold.touch()
    job = submit(storage=postgres_url)
    until(lambda: at_work(cluster, postgres_url), job)[0].kill()
    hold.unlink()
    status, out = finish(job)
    assert status == 0, out
    assert "Checked: 3 nodes, 2 CPUs, 0 GPUs" in out
    assert "! left out: .env (it may be a secret)" in out
    assert_same(table(winnow, postgres_url), undisturbed)
    runs = trials(postgres_url)
    assert {run.result.outcome for run in runs} == {"complete"}
    assert [run for run in runs if any(attempt.end == "lost" for attempt in run.attempts)]
    listing = subprocess.run(
        [Path(sys.executable).parent / "ray", "job", "list", "--address", cluster.address],
        env=os.environ | cluster.client_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "WINNOW_SEALED" in listing.stdout + listing.stderr  # everybody sees what is sealed
    assert_kept(cluster, postgres_url, told=out + listing.stdout + listing.stderr)


def test_a_job_is_left_alone_stopped_and_gone_on_with(
    cluster, winnow, submit, hold, undisturbed, postgres_url
):
    where = ("--address", cluster.address)
    hold.touch()
    follower = submit(storage=postgres_url)
    said = ""
    while "running" not in said:
        line = follower.stdout.readline()
        assert line, said
        said += line
    follower.send_signal(signal.SIGINT)
    status, out = finish(follower)
    assert status == 3
    assert "Detached; job toy-" in out
    name = next(word for word in out.split() if word.startswith("toy-"))
    assert f"winnow logs {name} --address {cluster.address}" in out
    until(lambda: at_work(cluster, postgres_url))
    status, out = finish(submit(storage=postgres_url))
    assert (status, f"being run by job {name}" in out) == (2, True), out
    status, out = finish(winnow("stop", "toy", *where))
    assert (status, out.startswith(f"{name} stopped; nothing is lost.")) == (0, True), out
    status, out = finish(winnow("logs", name, *where))
    assert status == 3
    assert "stopped; nothing is lost" in out  # the driver's own words: it was not killed
    assert [run for run in trials(postgres_url) if run.attempts and run.result is None]

    hold.unlink()
    job = submit("studies/toy.py", "--no-wait", storage=postgres_url)
    status, out = finish(job)
    assert (status, "Submitted: toy-" in out) == (0, True), out
    status, out = finish(winnow("logs", "toy", *where))
    assert status == 0, out
    assert_same(table(winnow, postgres_url), undisturbed)
    again = [run for run in trials(postgres_url) if len(run.attempts) > 1]
    assert again  # those that were under way kept their numbers, and no other was run twice
    assert len(again) <= len(cluster.nodes)
    status, out = finish(winnow("jobs", *where))
    assert [line.split()[3] for line in out.splitlines() if line.startswith("toy-")][:2] == [
        "succeeded",
        "stopped",
    ]
    assert_kept(cluster, postgres_url, told=out)


def test_what_a_cluster_lacks_is_told_at_once_and_nothing_is_started(cluster, winnow, submit):
    status, out = finish(submit("studies/large.py", storage=f"sqlite:///{cluster.folder}/x.db"))
    assert status == 2
    assert "an SQLite file lies on one node's disk" in out
    assert "a trial needs 64 CPU on one node, for which the cluster's" in out
    assert "large" not in finish(winnow("jobs", "--address", cluster.address))[1]


def test_a_database_that_the_cluster_cannot_reach_is_told_without_its_password(postgres, submit):
    (port,) = free_ports(1)
    for storage, reason in (
        (postgres.url("study", port=port), "refused"),
        (postgres.url("study", password="wrong-pass@word"), "authentication failed"),
    ):
        status, out = finish(submit(storage=storage))
        assert status == 2
        assert "error: from the cluster: study database postgresql+psycopg://winnow:***@" in out
        assert reason in out
        assert not [form for form in (*FORMS, "wrong-pass", "pass%40word") if form in out]


def test_trials_get_secrets_and_the_database_knows_the_commit(
    cluster, winnow, project, postgres_url
):
    file = project / "studies" / "toy.py"
    more = '"PGPASSWORD" in os.environ), "secret": float(os.environ["HUB_NUMBER"])}'
    text = file.read_text().replace("score + 0.5}", f'score + 0.5, "sees": float({more}')
    file.write_text(text)
    job = winnow(
        *("submit", "studies/toy.py", "--address", cluster.address, "--tree", "."),
        *("--command", "search", "--trials", 1, "--confirm", 0),
        *("--secret", "HUB_NUMBER", "--secret", "PGPASSWORD", "--no-check"),
        storage=postgres_url,
        HUB_NUMBER="4711",
        PGPASSWORD=PASSWORD,
        WINNOW_GIT_COMMIT="0123456789ab+",  # as git would say it
        WINNOW_TEST_PAUSE="0",
    )
    status, out = finish(job)
    assert status == 0, out
    assert "4711" not in out
    database = Database(postgres_url, create=False)
    found = read_series(database, "toy/search")
    database.close()
    assert found.specification["git_commit"] == "0123456789ab+"
    assert [step.metrics["secret"] for step in found.trials[0].steps] == [4711.0] * 9
    assert {step.metrics["sees"] for step in found.trials[0].steps} == {0.0}
