"""Versions: what a constraints file pins, what a study needs of it, where a cluster differs."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from search.submission.pins import (
    different,
    installed,
    listed,
    missing,
    needed,
    pins_of,
    read_pins,
    to_install,
)


def test_only_exact_pins_of_this_system_count():
    text = """
    # a comment
    NumPy==2.4.6
    torch>=2.6
    typing_extensions==4.16.0  # why
    pywin32==300 ; sys_platform == "win32"
    -r other.txt
    scipy
    """
    assert read_pins(text) == {"numpy": "2.4.6", "typing-extensions": "4.16.0"}


def test_what_winnow_needs_is_pinned_and_what_its_tests_need_is_not(tmp_path):
    (tmp_path / "constraints.txt").write_text("optuna==5.0.0\npytest==9.9.9\nsqlalchemy==2.0.99\n")
    found = pins_of(tmp_path)
    assert (found["optuna"], found["sqlalchemy"]) == ("5.0.0", "2.0.99")
    assert found["alembic"] == version("alembic")  # Optuna needs it; nobody pins it
    assert "pytest" not in found
    assert "winnow" not in found


def test_what_the_tree_s_own_project_needs_is_pinned_too(tmp_path):
    assert "networkx" in needed(["torch"])
    needs = """["hypothesis>=6", "ruff ; python_version < '3'"]"""
    (tmp_path / "pyproject.toml").write_text(f"[project]\ndependencies = {needs}\n")
    found = pins_of(tmp_path)
    assert found["hypothesis"] == version("hypothesis")
    assert "ruff" not in found


def test_extras_are_followed_only_where_they_are_asked_for():
    assert "aiohttp" in needed(["ray[default]"])
    assert "aiohttp" not in needed(["ray"])


def test_ray_is_never_installed_into_a_cluster():
    assert to_install({"ray": "2.60.0", "numpy": "2.4.6", "winnow": "1"}) == ["numpy==2.4.6"]


def test_what_a_cluster_lacks_or_has_otherwise():
    wanted = {"numpy": "2.4.6", "torch": "2.13.0", "pandas": "3.1.1"}
    there = {"numpy": "2.4.1", "torch": "2.13.0+cu130"}
    assert missing(wanted, there) == ["pandas"]
    assert different(wanted, there) == ["numpy 2.4.1 instead of 2.4.6"]
    assert installed(["numpy", "no-such-package"]) == {"numpy": version("numpy")}


@pytest.mark.parametrize(("count", "ending"), [(8, "w7"), (11, "w7 and 3 more")])
def test_a_long_list_is_cut(count, ending):
    assert listed(f"w{i}" for i in range(count)).endswith(ending)
