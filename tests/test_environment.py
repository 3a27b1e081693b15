"""The environment that `make` makes: what is missing is named with its remedy, and nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "requirements" / "environment.py"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An environment from before, with something in it."""
    made = tmp_path / "venv"
    made.mkdir()
    (made / "kept").touch()
    return made


def test_an_old_python_is_told_before_anything_is_touched(folder: Path) -> None:
    code = (
        f"import sys, runpy; sys.version_info = (3, 10, 4); sys.argv = ['environment.py', {str(folder)!r}]; "
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    done = run(sys.executable, "-c", code)
    assert done.returncode == 1
    assert "Python 3.11 or later is needed, and this is 3.10." in done.stderr
    assert "make run PYTHON=" in done.stderr
    assert (folder / "kept").exists()


@pytest.mark.slow
def test_without_a_network_the_remedy_is_told_and_the_environment_stays(folder: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    done = run(sys.executable, str(SCRIPT), str(folder), PIP_FIND_LINKS="", PIP_EXTRA_INDEX_URL="", **nowhere)
    assert done.returncode == 1
    assert done.stdout.startswith(f"Making the environment in {folder}: a minute or two, once.\n")
    assert "It needs a network: is there one?" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert (folder / "kept").exists()
    assert [each.name for each in folder.parent.iterdir()] == ["venv"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_make_names_a_python_that_is_not_there(folder: Path) -> None:
    done = run("make", "run", "PYTHON=python3.99", f"VENV={folder}")
    assert done.returncode != 0
    assert "python3.99 is not here: install Python 3.11 or later" in done.stdout + done.stderr
    assert (folder / "kept").exists()
