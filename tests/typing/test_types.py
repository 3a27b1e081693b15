"""mypy and pyright, both strict, agree with what `reveal.py` says of the public face, and `faults.py` of faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REVEAL = Path(__file__).with_name("reveal.py")
FAULTS = Path(__file__).with_name("faults.py")


def check(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_mypy_sees_the_public_face_as_it_is_meant() -> None:
    assert check("mypy", "--strict", "--follow-imports=silent", str(REVEAL), str(FAULTS)) == ""


@pytest.mark.slow
def test_pyright_sees_the_public_face_as_it_is_meant() -> None:
    assert check("pyright", "--pythonpath", sys.executable, str(REVEAL), str(FAULTS)) == ""
