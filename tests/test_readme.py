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


def test_make_run_shows_what_was_bought_refused_lost_and_found() -> None:
    shown = run([sys.executable, "examples/place_orders.py", "examples/orders.csv"])
    assert "26 orders placed for $423.40." in shown
    assert "1 order refused by the server: R-1024, cnaught.price. total_price_usd_cents: buys less than" in shown
    assert re.search(r"OutcomeUnknown, with the reference \w+\n  Found: order \S+ carries this reference", shown)
    assert "One order after 2 attempts" in shown
    assert "R-1007 (Monthly offset by card, $23.11) was paid by card, which no ledger shows." in shown
    assert shown.count("They agree, to the cent.") == 2
    assert "\x1b" not in shown
