"""The README is true: its code runs, its commands exist with their options, nothing is left out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from search.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join([README, *PAGES])
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, flags=re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
EXAMPLE = PYTHON[0]
COMMANDS = sorted(set(re.findall(r"`(winnow [^`]+)`", TEXT)))
SYSTEMS = ("pi_tft",)


def run_example(folder: Path, *arguments: str) -> str:
    file = folder / "my_study.py"
    file.write_text(EXAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "search.cli", *arguments[:1], str(file), *arguments[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_reference_example_is_the_first_code_and_near_the_top():
    assert README.split("```")[0].count("\n") < 10
    assert 'Technique("Focal loss", on={"focal": True}' in EXAMPLE
    assert README[: README.index(EXAMPLE)].count("\n") <= 30


def test_the_reference_example_searches_on_the_local_engine(tmp_path):
    out = run_example(tmp_path, "search", "--trials", "6", "--engine", "local")
    assert "Best configuration, ready to paste:\nConfig(" in out


@pytest.mark.ray
@pytest.mark.slow  # it is measured on Ray in the fast tests
def test_the_reference_example_searches_on_ray(tmp_path):
    out = run_example(tmp_path, "search", "--trials", "6", "--confirm", "1")
    assert "Best configuration, ready to paste:\nConfig(" in out


@pytest.mark.slow  # as on Ray, which is the default
def test_the_reference_example_is_measured_on_the_local_engine(tmp_path):
    out = run_example(tmp_path, "run", "--profile", "quick", "--engine", "local")
    assert "Focal loss" in out
    assert "False adoptions" in out
    assert (tmp_path / "my-study-report.html").is_file()


@pytest.mark.ray
def test_the_reference_example_is_measured_on_ray(tmp_path):
    out = run_example(tmp_path, "run", "--profile", "quick")
    assert "False adoptions" in out


@pytest.mark.parametrize("code", PYTHON[1:])
def test_every_other_code_block_runs(code):
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_the_readme_exists_with_its_options(command):
    _, name, *words = shlex.split(command)
    found = typer.main.get_command(app).commands
    assert name in found
    known = {option for parameter in found[name].params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_every_command_has_a_line_in_the_readme():
    names = [command.name for command in app.registered_commands]
    assert [name for name in names if f"`winnow {name}" not in README] == []


def test_every_make_target_in_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_a_space_techniques_and_a_study(system):
    assert (ROOT / "spaces" / f"{system}.py").is_file()
    assert (ROOT / "studies" / f"{system}.py").is_file()
    assert f"studies/{system}.py" in README
