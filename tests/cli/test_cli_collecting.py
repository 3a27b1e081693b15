"""How seldom Python's garbage collector looks in the process of a command."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest

from wren_async.cli import app, main
from wren_async.cli.interrupts import Interrupts, interruptible
from wren_async.cli.progress import PlainDisplay

LOADED = 10_000
"""Objects that the program itself consists of at least."""


def test_the_collector_looks_seldom_while_a_command_runs_and_as_before_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, seen = gc.get_threshold(), []

    def run(_: list[str]) -> int:
        seen.append(gc.get_threshold())
        return 0

    monkeypatch.setattr(app, "run", run)
    assert main(["--version"]) == 0
    assert seen[0][0] > 10 * before[0]
    assert gc.get_threshold() == before


async def test_what_is_loaded_is_not_looked_through_while_orders_are_placed() -> None:
    async def look(_: Interrupts) -> int:
        await asyncio.sleep(0)
        return gc.get_freeze_count()

    before = gc.get_freeze_count()
    assert await interruptible(look, PlainDisplay(print)) > LOADED
    assert gc.get_freeze_count() == before


def test_a_process_that_ends_is_not_looked_through_once_more() -> None:
    code = (
        "import atexit, gc, sys\n"
        "from wren_async.cli import main\n"
        "atexit.register(lambda: print(gc.get_freeze_count()))\n"
        "sys.argv = ['wren-async', '--version']\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) > LOADED
