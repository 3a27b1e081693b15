"""The two commands of the README do what it says. `test_code_blocks.py` runs its blocks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", ["run", "test"])
def test_the_make_targets_exist(target: str) -> None:
    assert run(["make", "--dry-run", "--assume-old=.venv", target])


def test_make_run_shows_what_was_bought_and_refused() -> None:
    shown = run([sys.executable, "examples/place_orders.py", "examples/orders.csv"])
    assert "26 orders for $" in shown
    assert re.search(r"Refused\n.*\n\s+R-1024\s+cnaught\.price\s+.*buys less than a kilogram", shown)
    assert "CNaught orders, 5 a page" in shown
