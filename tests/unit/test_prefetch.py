"""Pages fetched before they are asked for: the same items, also while the list grows, and no task left behind."""

from __future__ import annotations

import asyncio
import contextlib
import random
from contextlib import aclosing
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.loop_time import turns
from wren_async import PagingError
from wren_async.core.operation import Call, Effect, Operation
from wren_async.core.paging import CursorPager, OffsetPager

LIST: Operation[Any] = Operation(id="list", method="GET", path="/list", answer=object, effect=Effect.READ)


@attrs.frozen
class Answer:
    items: tuple[int, ...]
    total: int
    offset: int


@attrs.define
class GrowingLedger:
    """Newest first; takes its time to answer, and new entries arrive at moments of their own."""

    entries: list[int]
    most: int
    chance: random.Random
    growth: float
    requests: int = 0
    running: int = 0

    async def send(self, call: Call[Any]) -> Any:
        self.requests += 1
        self.running += 1
        try:
            for _ in range(self.chance.randrange(4)):
                await asyncio.sleep(0)
            if self.chance.random() < self.growth:
                self.entries.insert(0, max(self.entries, default=0) + 1)
            offset, limit = cast(int, call.query["offset"]), cast(int, call.query["limit"])
            return Answer(tuple(self.entries[offset : offset + min(limit, self.most)]), len(self.entries), offset)
        finally:
            self.running -= 1


def pager(server: GrowingLedger, *, ids: bool, limit: int, **ahead: Any) -> OffsetPager[int]:
    return OffsetPager(
        server,
        Call(operation=LIST, query={"limit": limit, "offset": 0}),
        items=lambda answer: answer.items,
        total=lambda answer: answer.total,
        starts_at=lambda answer: answer.offset,
        identify=(lambda item: item) if ids else (lambda _: None),
        **ahead,
    )


@settings(deadline=None)
@given(
    size=st.integers(0, 60),
    limit=st.integers(1, 12),
    most=st.integers(1, 12),
    at_once=st.integers(1, 8),
    growth=st.sampled_from([0.0, 0.3, 0.8]),
    seed=st.integers(0, 2**16),
    ids=st.booleans(),
    prefetch=st.booleans(),
)
def test_a_growing_ledger_is_walked_without_gap_or_repeat(
    size: int, limit: int, most: int, at_once: int, growth: float, seed: int, ids: bool, prefetch: bool
) -> None:
    server = GrowingLedger(list(range(size, 0, -1)), most, random.Random(seed), growth)

    walked: list[int] = []

    async def walk() -> None:
        async for item in pager(server, ids=ids, limit=limit, at_once=at_once, prefetch=prefetch):
            walked.append(item)

    grows_as_fast_as_it_is_read = growth * (at_once + 1) >= min(limit, most)
    with contextlib.suppress(PagingError) if grows_as_fast_as_it_is_read else contextlib.nullcontext():
        asyncio.run(walk())
        assert set(walked) >= set(range(1, size + 1))
    assert walked == sorted(walked, reverse=True)
    assert len(walked) == len(set(walked))


async def test_pages_of_a_still_ledger_are_fetched_together() -> None:
    server = GrowingLedger(list(range(1700, 0, -1)), 100, random.Random(1), 0.0)
    assert len([item async for item in pager(server, ids=False, limit=100, at_once=16)]) == 1700
    assert server.requests == 17


async def test_the_window_moves_on_with_each_page_and_is_never_wider() -> None:
    server = GrowingLedger(list(range(1000, 0, -1)), 10, random.Random(1), 0.0)
    pages = cast(Any, pager(server, ids=True, limit=10, at_once=5).pages())
    async with aclosing(pages):
        for taken in range(1, 20):
            await anext(pages)
            assert server.requests <= taken + 5
        assert server.requests >= 20
    assert server.running == 0


@attrs.define
class Cursors:
    """A list by cursor that notes how far the client has read."""

    size: int
    limit: int
    asked: list[object] = attrs.field(factory=list)
    fail_at: object = None
    running: int = 0

    async def send(self, call: Call[Any]) -> Any:
        after = call.query.get("starting_after")
        self.asked.append(after)
        self.running += 1
        try:
            await asyncio.sleep(0)
        finally:
            self.running -= 1
        if after is not None and after == self.fail_at:
            raise ConnectionError("lost")
        first = self.size if after is None else int(cast(str, after)) - 1
        return tuple(str(number) for number in range(first, max(0, first - self.limit), -1))


def cursors(server: Cursors, *, prefetch: bool) -> CursorPager[str]:
    call: Call[Any] = Call(operation=LIST)
    return CursorPager(server, call, items=lambda answer: answer, identify=lambda item: item, prefetch=prefetch)


async def test_the_next_page_is_asked_for_while_the_consumer_works() -> None:
    server = Cursors(size=9, limit=3)
    pages = cursors(server, prefetch=True).pages()
    await anext(pages)
    await asyncio.sleep(0)
    assert server.asked == [None, "7"]
    assert [page.items[0] async for page in pages] == ["6", "3"]


async def test_prefetching_walks_the_same_items() -> None:
    server = Cursors(size=31, limit=4)
    assert [item async for item in cursors(server, prefetch=True)] == [str(n) for n in range(31, 0, -1)]


async def test_an_error_of_the_next_page_comes_after_this_page() -> None:
    server = Cursors(size=9, limit=3, fail_at="7")
    pages = cursors(server, prefetch=True).pages()
    assert (await anext(pages)).items == ("9", "8", "7")
    await turns()
    with pytest.raises(ConnectionError):
        await anext(pages)


async def test_a_consumer_that_stops_leaves_no_task() -> None:
    server = Cursors(size=9, limit=3)
    async with aclosing(cast(Any, cursors(server, prefetch=True).pages())) as pages:
        await anext(pages)
        await asyncio.sleep(0)
        assert server.running == 1
    assert server.running == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_one_failure_of_many_ends_the_others_and_is_raised_as_it_is() -> None:
    class Failing(GrowingLedger):
        async def send(self, call: Call[Any]) -> Any:
            if call.query["offset"] == 20:
                raise ConnectionError("lost")
            return await super().send(call)

    server = Failing(list(range(100, 0, -1)), 10, random.Random(1), 0.0)
    pages = pager(server, ids=True, limit=10, at_once=5).pages()
    assert [(await anext(pages)).items[0] for _ in range(2)] == [100, 90]
    with pytest.raises(ConnectionError):
        await anext(pages)
    assert server.running == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
