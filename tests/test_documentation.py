"""README and pages are true: code runs, commands exist with their options, nothing is left out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from search.cli.app import app
from tests.pages import PAGES, blocks_of, follow

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {"README": README, **PAGES}
TEXT = "\n".join(TEXTS.values())
BLOCKS = [(page, block) for page, text in TEXTS.items() for block in blocks_of(text)]
PYTHON = [(page, block) for page, block in BLOCKS if block.language == "python"]
EXAMPLE = PYTHON[0][1].text
COMMANDS = sorted(
    {
        *re.findall(r"`(winnow [^`]+)`", TEXT),
        *(line for _, block in BLOCKS for line in block.command_lines()),
    }
)
SUBMITTED = ("run", "search")  # `winnow submit` hands their options on
SYSTEMS = ("pi_tft", "han", "esm2_pair", "pat_l", "gen5_prime")


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


@pytest.mark.parametrize(
    ("page", "block"),
    [
        pytest.param(page, block, marks=[pytest.mark.slow] if block.is_slow else [])
        for page, block in PYTHON[1:]
        if not block.title
    ],
)
def test_every_other_code_block_runs(page, block):
    exec(compile(block.text, page, "exec"), {"__name__": page})


@pytest.mark.parametrize(("page", "block"), [found for found in PYTHON if found[1].title])
def test_every_file_of_a_page_is_python_and_one_of_its_commands_uses_it(page, block):
    compile(block.text, block.title, "exec")
    used = [b.text for other, b in BLOCKS if other == page and b.language in ("bash", "python")]
    assert [text for text in used if block.title in text and text != block.text]


def test_every_block_of_a_page_says_how_it_is_tested():
    known = {"python", "bash", "sh", "text"}
    assert {(page, b.language) for page, b in BLOCKS if b.language not in known} <= {("README", "")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", sorted({page for page, block in BLOCKS if block.language == "bash"})
)
def test_doing_what_a_page_says_gives_what_it_shows(page, tmp_path):
    follow(page, tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists_with_its_options(command):
    _, name, *words = shlex.split(command)
    found = typer.main.get_command(app).commands
    assert name in found
    names = (name, *SUBMITTED) if name == "submit" else (name,)
    known = {option for n in names for parameter in found[n].params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_every_command_has_a_line_in_the_readme():
    names = [command.name for command in app.registered_commands]
    assert [name for name in names if f"`winnow {name}" not in README] == []


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text()
    pages = "\n".join(PAGES.values())
    targets = re.findall(r"make ([a-z-]+)", README) + re.findall(r"`make ([a-z-]+)`", pages)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_has_a_space_techniques_a_study_and_a_page(system):
    assert (ROOT / "spaces" / f"{system}.py").is_file()
    assert (ROOT / "studies" / f"{system}.py").is_file()
    assert f"studies/{system}.py" in README
    assert f"<!-- measured: studies/results/{system}.md -->" in PAGES[f"systems/{system}"]
