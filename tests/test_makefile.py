"""Setting up on a machine whose Python cannot make virtual environments."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo python3.99-venv ;;
    *ensurepip*) test -e HERE/mended ;;
    *"-m venv"*)
        for folder; do :; done
        mkdir -p "$folder/bin"
        test -e HERE/mended && exec cp HERE/works "$folder/bin/python"
        cp HERE/broken "$folder/bin/python"
        exit 1 ;;
esac
"""


@pytest.fixture
def here(tmp_path):
    """A folder with the Makefile, a python3 without venv, and an apt-get that may mend it."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    programs = {
        "works": "#!/bin/sh\nexit 0\n",
        "broken": "#!/bin/sh\nexit 1\n",
        "bin/python3": PYTHON,
        "bin/id": '#!/bin/sh\ncat "HERE/user"\n',
        "bin/apt-get": '#!/bin/sh\necho "$@" >> HERE/asked\ntouch HERE/mended\n',
    }
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / name).write_text(text.replace("HERE", str(tmp_path)))
        (tmp_path / name).chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make_setup(here, user):
    """Run ``make setup`` as root (0) or as somebody."""
    (here / "user").write_text(f"{user}\n")
    return subprocess.run(
        ["make", "setup"],
        cwd=here,
        env={"PATH": f"{here / 'bin'}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_who_may_not_install_venv_is_told_so_and_nothing_is_left(here):
    done = make_setup(here, user=1000)
    assert done.returncode != 0
    assert "install python3.99-venv" in done.stdout
    assert not (here / ".venv").exists()
    assert not (here / "asked").exists()


def test_root_gets_venv_installed_and_half_an_environment_is_replaced(here):
    (here / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(here / "broken", here / ".venv" / "bin" / "python")  # it has no pip
    done = make_setup(here, user=0)
    assert done.returncode == 0, done.stderr
    assert "install -y -qq python3.99-venv" in (here / "asked").read_text()
    assert (here / ".venv" / ".installed").exists()
    (here / "pyproject.toml").touch()
    (here / "mended").unlink()
    assert make_setup(here, user=1000).returncode == 0  # what has pip is kept
