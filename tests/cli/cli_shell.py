"""The command line against a sandbox: in this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from tests.loop_time import pass_time, turns
from wren_async.batch.journal.contract import State
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.cli import main
from wren_async.sandbox import Sandbox

HOURS = 7200.0
"""Seconds that are longer than any call waits."""

_TOKENS = ("WREN_API_TOKEN", "WREN_BASE_URL", "CNAUGHT_API_KEY", "CNAUGHT_BASE_URL")


@attrs.define
class Shell:
    """A directory with orders, an environment with tokens, and a command line."""

    sandbox: Sandbox
    loop: asyncio.AbstractEventLoop
    """The loop that serves the sandbox, in a thread of its own."""
    directory: Path
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    """What the last command wrote to its output."""
    told: str = ""
    """What it wrote beside that."""
    width: int = 100
    """Columns of the terminal of its processes."""

    @property
    def journal(self) -> Path:
        return self.directory / "orders.csv.journal"

    def orders(self, count: int = 3, *, api: str = "cnaught", text: str | None = None) -> str:
        """Write a file of orders; returns its path."""
        lines = {
            "cnaught": ["amount_kg", *(str(1 + number % 9) for number in range(count))],
            "wren": ["tons,payment_method", *(f"0.{1 + number % 9},credits" for number in range(count))],
        }[api]
        path = self.directory / "orders.csv"
        path.write_text("\n".join(lines) if text is None else text)
        return str(path)

    def run(self, *words: str) -> int:
        """Run `wren-async batch` in this process; returns its exit code."""
        code = main(["batch", *words])
        self.out, self.told = self.capsys.readouterr()
        return code

    def start(self, *words: str, **options: int) -> subprocess.Popen[str]:
        """Start `wren-async batch` as a process of its own."""
        command = [sys.executable, "-m", "wren_async.cli", "batch", *words]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, text=True, cwd=self.directory, env=self.environment, **streams)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _TOKENS}
        root = str(Path(__file__).parents[2])
        return {**kept, **tokens(self.sandbox), "PYTHONPATH": root, "COLUMNS": str(self.width)}

    def hold(self, after: int = 0, operation: str = "createOrder") -> None:
        """Let the sandbox answer so many orders, and keep those that follow on the wire until `answer`."""
        for _ in range(after):
            self.sandbox.faults.add("latency", operation=operation, seconds=0, times=1)
        self.sandbox.faults.add("latency", operation=operation, seconds=HOURS)

    def answer(self) -> None:
        """Answer what is on the wire, and from now on everything at once."""

        async def pass_hours() -> None:
            await turns()
            pass_time(HOURS)

        self.sandbox.faults.clear()
        asyncio.run_coroutine_threadsafe(pass_hours(), self.loop).result()

    def placed(self) -> list[str | None]:
        """The references of the orders that the sandbox has."""
        return [order.reference for order in self.sandbox.orders]

    def states(self) -> dict[State, int]:
        """How many orders of the journal are in each state."""

        async def read() -> dict[State, int]:
            async with await SqliteJournal.open(self.journal) as journal:
                return (await journal.totals()).orders

        return {state: count for state, count in asyncio.run(read()).items() if count}

    def seed(self) -> None:
        """Place an order of Wren's that carries a reference, so that its list shows that it carries them."""
        from wren_async import WrenClient

        async def place() -> None:
            at = self.sandbox.wren
            async with WrenClient(at.live_token, base_url=at.base_url) as wren:
                await wren.offset_orders.create(tons=1, payment_method="credits", reference="seed")

        asyncio.run(place())


@contextmanager
def served(sandbox: Sandbox) -> Iterator[tuple[Sandbox, asyncio.AbstractEventLoop]]:
    """Serve a sandbox from a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(sandbox.__aenter__(), loop).result()
        yield sandbox, loop
        asyncio.run_coroutine_threadsafe(sandbox.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def tokens(sandbox: Sandbox) -> dict[str, str]:
    """The environment of a sandbox."""
    wren, cnaught = sandbox.wren, sandbox.cnaught
    return dict(zip(_TOKENS, (wren.live_token, wren.base_url, cnaught.api_key, cnaught.base_url), strict=True))


def wait_until(happened: Callable[[], bool], within: float = 20.0) -> None:
    """Wait for something that another process does."""
    ends = time.monotonic() + within
    while not happened():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.01)
