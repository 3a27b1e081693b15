"""How far one reads to follow an order: the calls, functions and files of a few ways through the library.

    python benchmarks/walks.py

A profiler counts what is called of `wren_async`, the generated code included and the sandbox left out. The server is a
mock of httpx in this process. A file change is a call to a function of another file than the call before it in the same
thread, so it tells how often a reader would have to turn to another file. A row of a batch is counted as what a hundred
rows more cost, divided by a hundred, so that what happens once a run is left out.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import attrs
import httpx

import wren_async
from wren_async import CNaughtClient
from wren_async.batch import Batch

HOME: Final = str(Path(wren_async.__file__).parent)
ROWS: Final = 100
ORDER: Final = {"id": "order_1", "amount_kg": 10, "price_usd_cents": 25, "state": "placed", "created_on": None}
_RESUMED: Final = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


@attrs.frozen
class Walk:
    """What was called on one way."""

    calls: float
    functions: int
    files: int
    file_changes: float


@attrs.define
class Trace:
    """The calls of the library's functions, as the profiler tells them."""

    calls: Counter[CodeType] = attrs.field(factory=Counter[CodeType])
    changes: int = 0
    _last: dict[int, str] = attrs.field(factory=dict[int, str])
    """The file of the latest call of each thread."""
    _entered: set[FrameType] = attrs.field(factory=set[FrameType])

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code, thread = frame.f_code, threading.get_ident()
        if event != "call" or not _is_ours(code.co_filename):
            return
        if code.co_flags & _RESUMED:
            if frame in self._entered:
                return  # a coroutine that goes on is not called again
            self._entered.add(frame)
        self.calls[code] += 1
        if code.co_filename != self._last.get(thread):
            self._last[thread] = code.co_filename
            self.changes += 1

    def walk(self) -> Walk:
        return Walk(self.calls.total(), len(self.calls), _files(self.calls), self.changes)

    def walk_beyond(self, fewer: Trace, rows: int) -> Walk:
        """What each of `rows` rows more has cost than `fewer`, which ran without them."""
        more = Counter(self.calls)
        more.subtract(fewer.calls)
        of_each = [code for code, count in more.items() if count >= rows * 0.9]
        return Walk(more.total() / rows, len(of_each), _files(of_each), (self.changes - fewer.changes) / rows)


_current: Trace | None = None


@contextmanager
def traced() -> Iterator[Trace]:
    """Count what is called inside: by this thread, and by those that were started under `_in_threads`."""
    global _current
    _current = trace = Trace()
    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(before)
        _current = None


def _in_threads(frame: FrameType, event: str, argument: object) -> None:
    if _current is not None:
        _current(frame, event, argument)


def walk_order() -> Walk:
    """The way of one `orders.create`, after a first one has loaded what there is to load."""

    async def place() -> Walk:
        async with _client() as client:
            await client.orders.create(amount_kg=10)
            with traced() as trace:
                await client.orders.create(amount_kg=10)
            return trace.walk()

    return asyncio.run(place())


def walk_plan_row() -> Walk:
    """The way of a row of a file into the plan."""

    async def plan(path: Path, batch: Batch) -> Trace:
        with traced() as trace:
            await batch.plan(path)
        return trace

    return _walk_row(plan)


def walk_run_row() -> Walk:
    """The way of a row of the plan until it is settled."""

    async def run(path: Path, batch: Batch) -> Trace:
        await batch.plan(path)
        with traced() as trace:
            async for _ in batch.run():
                pass
        return trace

    return _walk_row(run)


def _walk_row(way: Callable[[Path, Batch], Awaitable[Trace]]) -> Walk:
    async def over(rows: int) -> Trace:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "orders.csv"
            path.write_text("amount_kg\n" + "10\n" * rows)
            async with _client() as client, Batch(f"{path}.journal", cnaught=client, concurrency=1) as batch:
                return await way(path, batch)

    threading.setprofile(_in_threads)
    try:
        _, fewer, more = [asyncio.run(over(rows)) for rows in (1, ROWS, 2 * ROWS)]
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
    return more.walk_beyond(fewer, ROWS)


def _client() -> CNaughtClient:
    def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"data": [], "has_more": False})
        body: dict[str, Any] = json.loads(request.content)
        return httpx.Response(200, json={**ORDER, "metadata": body.get("metadata")})

    return CNaughtClient("a-key", http_client=httpx.AsyncClient(transport=httpx.MockTransport(serve)))


def _files(codes: Iterable[CodeType]) -> int:
    return len({code.co_filename for code in codes})


def _is_ours(file: str) -> bool:
    return file.startswith(HOME) and not file.startswith(f"{HOME}/sandbox")


def main() -> None:
    ways = {"orders.create": walk_order, "a row, plan": walk_plan_row, "a row, run": walk_run_row}
    print("| way | calls | functions | files | file changes |\n|---|---|---|---|---|")
    for name, walk in ways.items():
        found = walk()
        print(f"| {name} | {found.calls:.0f} | {found.functions} | {found.files} | {found.file_changes:.0f} |")


if __name__ == "__main__":
    main()
