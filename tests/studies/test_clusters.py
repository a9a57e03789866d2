"""The templates for clusters: valid, without secrets, closed to the world."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from search.cli.app import app
from search.engine.checkpoints import intact_checkpoints, write_checkpoint

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "studies" / "clusters"
LAUNCHED = ("aws", "gcp", "on_premises")
FILES = sorted(path for path in FOLDER.iterdir() if path.is_file())
RAY = next(
    line.partition("==")[2]
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line.startswith("ray==")
)

POD = {"type": "object", "required": ["spec"], "properties": {"metadata": {}, "spec": {}}}
WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
HEAD = {
    "type": "object",
    "required": ["template", "rayStartParams"],
    "additionalProperties": False,
    "properties": {
        "serviceType": {"enum": ["ClusterIP"]},
        "rayStartParams": WORDS,
        "template": POD,
    },
}
WORKERS = {
    "type": "object",
    "required": ["groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"],
    "additionalProperties": False,
    "properties": {
        "groupName": {"type": "string"},
        "replicas": COUNT,
        "minReplicas": COUNT,
        "maxReplicas": COUNT,
        "rayStartParams": WORDS,
        "template": POD,
    },
}
CLUSTER = {
    "type": "object",
    "required": ["rayVersion", "headGroupSpec", "workerGroupSpecs", "authOptions"],
    "additionalProperties": False,
    "properties": {
        "rayVersion": {"const": RAY},
        "authOptions": {
            "type": "object",
            "required": ["mode", "secretName"],
            "additionalProperties": False,
            "properties": {"mode": {"const": "token"}, "secretName": {"type": "string"}},
        },
        "headGroupSpec": HEAD,
        "workerGroupSpecs": {"type": "array", "minItems": 1, "items": WORKERS},
    },
}
# The fields of KubeRay's RayJob (ray.io/v1) that the template uses, as its reference lists them; no
# package has the definition itself.
RAY_JOB = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "required": ["entrypoint", "rayClusterSpec"],
            "additionalProperties": False,
            "properties": {
                "entrypoint": {"type": "string"},
                "backoffLimit": COUNT,
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "ttlSecondsAfterFinished": COUNT,
                "rayClusterSpec": CLUSTER,
            },
        },
    },
}


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return found


def ray_job() -> dict[str, dict[str, Any]]:
    documents = yaml.safe_load_all((FOLDER / "rayjob.yaml").read_text())
    return {document["kind"]: document for document in documents}


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the words, from the command on, of every line that starts winnow, continued or not."""
    for line in re.sub(r"\\\n[\s#]*", " ", text).splitlines():
        found = re.match(r"[#\s]*(?:(?:entrypoint: )?winnow|sbatch .*slurm\.sh) +(.+)", line)
        if found:
            yield shlex.split(found[1], comments=True)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    text = (resources.files("ray") / "autoscaler" / "ray-schema.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("name", LAUNCHED)
def test_rays_own_schema_accepts_the_template(name, schema):
    jsonschema.validate(read(name), schema)


def test_rays_schema_refuses_what_it_does_not_know(schema):
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        jsonschema.validate(read("aws") | {"max_worker": 3}, schema)


@pytest.mark.parametrize("name", LAUNCHED)
def test_every_node_asks_for_the_token_and_the_dashboard_stays_on_loopback(name):
    template = read(name)
    heads, workers = (template[f"{kind}_start_ray_commands"] for kind in ("head", "worker"))
    starts = [line for line in (*heads, *workers) if "ray start" in line]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token" in line for line in starts)
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert template["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "0.0.0.0" not in json.dumps(template)


@pytest.mark.parametrize("name", LAUNCHED)
def test_nodes_install_what_is_pinned_and_nothing_private_is_copied(name):
    template = read(name)
    install = [line for line in template["setup_commands"] if "pip install" in line]
    assert len(install) == 1
    assert "--constraint ~/winnow/constraints.txt" in install[0]
    assert {".git", ".venv", ".env*"} <= set(template["rsync_exclude"])
    assert template["rsync_filter"] == [".gitignore"]


def test_every_aws_type_names_its_security_group():
    # Ray makes one where none is named, whose port 22 everybody may reach
    types = read("aws")["available_node_types"]
    assert all(found["node_config"]["SecurityGroupIds"] for found in types.values())
    assert read("aws")["provider"]["use_internal_ips"] is True


def test_no_gcp_type_has_a_public_address():
    # Ray gives one where no interface is named
    for found in read("gcp")["available_node_types"].values():
        (interface,) = found["node_config"]["networkInterfaces"]
        assert "accessConfigs" not in interface
    assert read("gcp")["provider"]["use_internal_ips"] is True


@pytest.mark.parametrize("name", ["aws", "gcp"])
def test_the_size_is_fixed_and_the_head_runs_no_trials(name):
    types = read(name)["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0}
    assert types["worker"]["min_workers"] == types["worker"]["max_workers"]
    assert read(name)["max_workers"] == types["worker"]["max_workers"]


def test_the_ray_job_has_the_fields_of_its_kind():
    jsonschema.validate(ray_job()["RayJob"], RAY_JOB)


def test_the_parts_of_the_ray_job_belong_together():
    parts = ray_job()
    assert set(parts) == {
        *("PersistentVolumeClaim", "Service", "NetworkPolicy", "StatefulSet", "RayJob"),
    }
    cluster = parts["RayJob"]["spec"]["rayClusterSpec"]
    claim = parts["PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for pod in (group["template"]["spec"] for group in pods):
        (volume,) = pod["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        (mount,) = pod["containers"][0]["volumeMounts"]
        assert mount["name"] == volume["name"]
        assert mount["mountPath"] in parts["RayJob"]["spec"]["entrypoint"]
    labels = parts["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert parts["Service"]["spec"]["selector"] == labels
    assert parts["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    storage = variables(cluster["headGroupSpec"])["WINNOW_STORAGE"]["value"]
    assert f"@{parts['Service']['metadata']['name']}/" in storage


def variables(group: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (container,) = group["template"]["spec"]["containers"]
    return {variable["name"]: variable for variable in container["env"]}


def test_the_database_password_comes_from_a_secret_and_reaches_no_worker():
    parts = ray_job()
    cluster = parts["RayJob"]["spec"]["rayClusterSpec"]
    head = variables(cluster["headGroupSpec"])
    server = variables(parts["StatefulSet"]["spec"])
    reference = {"secretKeyRef": {"name": "winnow-database", "key": "password"}}
    assert head["PGPASSWORD"] == {"name": "PGPASSWORD", "valueFrom": reference}
    assert server["POSTGRES_PASSWORD"]["valueFrom"] == reference
    (workers,) = cluster["workerGroupSpecs"]
    assert set(variables(workers)) == {"OMP_NUM_THREADS"}
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_holds_a_secret(path):
    text = path.read_text()
    assert not re.search(r"://[^/\s:@]+:[^/\s@…]+@", text), "a password in a URL"
    assert not re.search(r"(?i)(password|token|secret)[\"']?\s*[:=]\s*[\"']?[0-9a-f]{16,}", text)
    assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_that_is_named_exists_with_its_options(path):
    commands = typer.main.get_command(app).commands
    options = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in commands.items()
    }
    options["submit"] |= options["run"] | options["search"]
    for command, *words in commands_in(path.read_text()):
        assert command in commands
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= options[command], words
        for study in (word for word in words if word.endswith("pi_tft.py")):
            assert (ROOT / study.removeprefix("winnow/")).is_file()


def test_commands_are_found_in_the_files():
    found = [words[0] for path in FILES for words in commands_in(path.read_text())]
    assert {"submit", "jobs", "logs", "stop", "run"} <= set(found)


def test_a_folder_that_was_renamed_in_part_is_not_trusted(tmp_path):
    # as a mounted bucket leaves it, which copies and deletes a folder's files one by one
    def save(folder: Path) -> None:
        (folder / "model.pt").write_bytes(b"weights")
        (folder / "optimizer.pt").write_bytes(b"momenta")

    whole = Path(write_checkpoint(save, tmp_path / "attempt", 3).path)
    for files in (["model.pt"], ["model.pt", "winnow-manifest.json"]):
        part = whole.with_name("step-00000006")
        part.mkdir()
        for name in files:
            shutil.copy(whole / name, part)
        assert [path for _, path in intact_checkpoints(tmp_path)] == [whole]
        shutil.rmtree(part)
