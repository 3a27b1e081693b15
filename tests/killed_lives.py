"""Lives of a journal in processes of their own, each of which may be killed at a commit of its file.

`Lives` begins them from a test. The program that lives them calls `serve`: it takes lines of JSON on its input, one for
each life, and answers each with how the process ended. It forks, so that a life costs no start of Python.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from wren_async import CNaughtClient, Timing, WrenClient
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenTrees
from wren_async.core.client import BaseClient
from wren_async.sandbox import Sandbox, WrenBehaviours

INTENTS: list[Intent] = [
    WrenOffset(tons=1, payment_method="credits"),
    CNaughtMass(amount_kg=5),
    WrenTrees(amount_of_trees=2, payment_method="credits"),
    CNaughtPrice(total_price_usd_cents=40),
]


@attrs.define
class Lives:
    """Lives against one sandbox, begun one after the other."""

    sandbox: Sandbox
    _forking: subprocess.Popen[str]
    _ahead: float = 0.0

    @classmethod
    @contextmanager
    def of(cls, program: Path) -> Iterator[Lives]:
        """Start the sandbox, and the program that lives."""
        paths = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with (
            Sandbox(wren=WrenBehaviours(rows_with_group_id=True)) as sandbox,
            subprocess.Popen([sys.executable, str(program)], env=environment, **pipes) as forking,
        ):
            yield cls(sandbox, forking)
            assert forking.stdin is not None
            forking.stdin.close()

    def live(self, step: int = 0, **told: Any) -> int:
        """Live once, until the given step if there is one; the exit code of the process."""
        wren, cnaught = self.sandbox.wren, self.sandbox.cnaught
        told |= {
            "step": step,
            "ahead": self._ahead,
            "wren": [wren.base_url, wren.live_token],
            "cnaught": [cnaught.base_url, cnaught.api_key],
        }
        assert self._forking.stdin is not None
        assert self._forking.stdout is not None
        self._forking.stdin.write(f"{json.dumps(told)}\n")
        self._forking.stdin.flush()
        return int(self._forking.stdout.readline())

    def pass_time(self) -> None:
        """More than the settle time passes, here and there."""
        self._ahead += 3600
        self.sandbox.clock.move(3600)

    def behave(self, faults: list[dict[str, Any]]) -> None:
        """Let the sandbox have these faults from now on, and no others."""
        self.sandbox.faults.clear()
        for rule in faults:
            self.sandbox.faults.add(**rule)

    def ids_by_reference(self) -> dict[str, list[str]]:
        """Ids of the sandbox's orders by the references that they carry."""
        found: dict[str, list[str]] = {}
        for order in self.sandbox.orders:
            reference = (order.reference or "").partition("[ref:")[2].partition("]")[0]
            found.setdefault(reference, []).append(order.id)
        return found


@asynccontextmanager
async def clients(told: dict[str, Any]) -> AsyncIterator[tuple[WrenClient, CNaughtClient, Timing]]:
    """The clients of a life, and its clocks: they are ahead as far as was told, and waits take no time."""
    ahead, waited = timedelta(seconds=told["ahead"]), 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        await asyncio.sleep(0)

    loop = asyncio.get_running_loop()
    timing = Timing(monotonic=lambda: loop.time() + waited, utc=lambda: datetime.now(UTC) + ahead, sleep=sleep)
    wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timing=timing)
    cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timing=timing)
    async with wren, cnaught:
        yield wren, cnaught, timing


def serve(live: Callable[[dict[str, Any]], Coroutine[Any, Any, None]]) -> None:
    """Live once for each line of the input, and answer with the exit code."""
    _load()
    BaseClient.token_mark = _mark  # type: ignore[assignment, method-assign]
    for line in sys.stdin:
        print(_live_until(live, json.loads(line)), flush=True)


def _load() -> None:
    """Load what each life would load anew: that takes longer than all the rest of it."""
    for name in ("core.codec.fast", "core.codec.strict", "core.paging", "core.sending.attempts", "http.over_httpx"):
        importlib.import_module(f"wren_async.{name}")
    for name in ("wren", "cnaught", "find_or_place", "ledger", "listing", "order_rows", "rules", "verdict"):
        importlib.import_module(f"wren_async.reconcile.{name}")


async def _mark(client: BaseClient, salt: bytes) -> bytes:
    """By which a token is recognised. The real digest is slow on purpose, and each life would take half a second."""
    return salt


def _live_until(live: Callable[[dict[str, Any]], Coroutine[Any, Any, None]], told: dict[str, Any]) -> int:
    """Live in a process of its own, which is killed at a step, if one is told; its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _Mortal.left = told["step"]
            sqlite3.connect = partial(sqlite3.connect, factory=_Mortal)  # type: ignore[assignment]
            asyncio.run(live(told))
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class _Mortal(sqlite3.Connection):
    """A connection whose process is killed just before or just after a commit."""

    left = 0

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if statement[0] != "COMMIT":
            return super().execute(*statement)
        self._step()
        cursor = super().execute(*statement)
        self._step()
        return cursor

    def _step(self) -> None:
        _Mortal.left -= 1
        if _Mortal.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
