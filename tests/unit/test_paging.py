"""Both pagers against a list that lives in memory and changes while it is walked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async import UNSET, Call, CursorPager, InvalidArgument, OffsetPager, PagingError, RetryPolicy
from wren_async._generated.cnaught.operations import orders
from wren_async._generated.wren.operations import wallet
from wren_async.core.paging import PATIENCE, CursorWalk

T = TypeVar("T")
ENOUGH = 500
"""Requests after which a walk counts as endless."""

laws = settings(max_examples=150, deadline=None)


@attrs.frozen
class Row:
    """One item of the list; `place` is what only the test knows of it."""

    place: int
    id: str | None


@attrs.define(kw_only=True)
class Server:
    """A list, newest first, that answers calls as the APIs are documented to; subclasses break it."""

    rows: list[Row]
    most: int = 100
    """No page is longer, whatever is asked for."""
    arrivals: list[int] = attrs.field(factory=list[int])
    """How many rows arrive at the front after each request."""
    ids: bool = True
    calls: list[Call[Any]] = attrs.field(factory=list[Call[Any]])
    next_place: int = attrs.field(init=False, default=attrs.Factory(lambda self: len(self.rows), takes_self=True))
    listed: int = 0
    """Rows that were there when the last request came."""

    async def send(self, call: Call[T]) -> T:
        self.calls.append(call)
        assert len(self.calls) < ENOUGH, "the walk does not end"
        self.listed = len(self.rows)
        page = self.answer(**{name: value for name, value in call.query.items() if value is not UNSET})
        for _ in range(self.arrivals.pop(0) if self.arrivals else 0):
            self.rows.insert(0, self.row(self.next_place))
            self.next_place += 1
        return cast(T, page)

    def row(self, place: int) -> Row:
        return Row(place, f"r{place}" if self.ids else None)

    def answer(self, **query: Any) -> Any:
        raise NotImplementedError


def listed(count: int, *, ids: bool = True) -> list[Row]:
    return [Row(place, f"r{place}" if ids else None) for place in reversed(range(count))]


def places(rows: Sequence[Row]) -> list[int]:
    return [row.place for row in rows]


# --- by cursor ------------------------------------------------------------------------------------------------------


class CursorServer(Server):
    """A list with cursors."""

    def answer(self, *, limit: int = 20, starting_after: Any = None, ending_before: Any = None) -> tuple[Row, ...]:
        size = min(limit, self.most)
        ids = [row.id for row in self.rows]
        if isinstance(starting_after, str):
            start = ids.index(starting_after) + 1
            return tuple(self.rows[start : start + size])
        if isinstance(ending_before, str):
            end = ids.index(ending_before)
            return tuple(self.rows[max(0, end - size) : end])
        return tuple(self.rows[:size])


def by_cursor(server: Server, **query: Any) -> CursorPager[Row]:
    return CursorPager(server, orders.list_orders(**query), items=lambda page: page, identify=lambda row: row.id or "")  # type: ignore[attr-defined, no-any-return, arg-type, return-value]


async def read_into(found: list[Row], pager: CursorPager[Row] | OffsetPager[Row]) -> None:
    async for row in pager:
        found.append(row)


async def everything(pager: CursorPager[Row] | OffsetPager[Row]) -> list[Row]:
    return [row async for row in pager]


arrivals = st.lists(st.integers(0, 4), max_size=8)


@laws
@given(count=st.integers(0, 40), limit=st.integers(1, 12), most=st.integers(1, 12), arrivals=arrivals)
async def test_a_walk_by_cursor_gives_each_item_once_in_order_and_ends(
    count: int, limit: int, most: int, arrivals: list[int]
) -> None:
    server = CursorServer(rows=listed(count), most=most, arrivals=arrivals)
    found = await everything(by_cursor(server, limit=limit))
    assert places(found) == list(reversed(range(count)))


@laws
@given(count=st.integers(1, 30), limit=st.integers(1, 9), most=st.integers(1, 9), arrivals=arrivals, data=st.data())
async def test_a_walk_backwards_goes_from_the_cursor_to_the_newest_and_ends(
    count: int, limit: int, most: int, arrivals: list[int], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, count - 1))
    server = CursorServer(rows=listed(count), most=most, arrivals=arrivals)
    found = await everything(by_cursor(server, limit=limit, ending_before=f"r{start}"))
    assert places(found) == list(range(start + 1, server.listed))


@laws
@given(count=st.integers(1, 30), limit=st.integers(1, 9), stop=st.integers(0, 5), arrivals=arrivals)
async def test_a_walk_can_be_resumed_from_the_cursor_of_any_page(
    count: int, limit: int, stop: int, arrivals: list[int]
) -> None:
    server = CursorServer(rows=listed(count), arrivals=arrivals)
    found: list[Row] = []
    cursor: str | None = None
    async for page in by_cursor(server, limit=limit).pages():
        found.extend(page)
        cursor = page.cursor
        if stop == 0:
            break
        stop -= 1
    assert cursor is not None
    found.extend(await everything(by_cursor(server, limit=limit, starting_after=cursor)))
    assert places(found) == list(reversed(range(count)))


async def test_awaiting_the_pager_gives_the_first_page_with_one_request() -> None:
    server = CursorServer(rows=listed(5))
    page = await by_cursor(server, limit=2)
    assert places(page.items) == [4, 3]
    assert places(list(page)) == [4, 3]
    assert (len(page), page.cursor, len(server.calls)) == (2, "r3", 1)


async def test_the_cursor_of_a_page_read_backwards_leads_on_toward_the_newest() -> None:
    page = await by_cursor(CursorServer(rows=listed(9)), limit=2, ending_before="r4")
    assert places(page.items) == [6, 5]
    assert page.cursor == "r6"


async def test_an_empty_list_has_an_empty_first_page_and_no_cursor() -> None:
    pager = by_cursor(CursorServer(rows=[]))
    page = await pager
    assert (page.items, page.cursor) == ((), None)
    assert [each async for each in pager.pages()] == []


async def test_the_pages_of_a_walk_hold_what_was_answered_and_none_is_empty() -> None:
    pages = [places(page.items) async for page in by_cursor(CursorServer(rows=listed(5)), limit=2).pages()]
    assert pages == [[4, 3], [2, 1], [0]]


async def test_each_use_of_a_pager_is_a_walk_of_its_own() -> None:
    pager = by_cursor(CursorServer(rows=listed(5)), limit=2)
    assert await everything(pager) == await everything(pager)
    assert places((await pager).items) == [4, 3]


async def test_a_short_page_is_not_taken_for_the_end() -> None:
    server = CursorServer(rows=listed(6), most=2)
    assert len(await everything(by_cursor(server, limit=100))) == 6


async def test_both_cursors_at_once_are_refused_before_anything_is_sent() -> None:
    server = CursorServer(rows=listed(3))
    with pytest.raises(InvalidArgument, match="excludes"):
        by_cursor(server, starting_after="r2", ending_before="r1")
    assert server.calls == []


def options_of(call: Call[Any]) -> tuple[object, ...]:
    return call.subaccount_id, call.timeout, call.deadline, call.retries, dict(call.headers), call.query["limit"]


async def test_filters_subaccount_and_options_stay_on_every_page() -> None:
    server = CursorServer(rows=listed(5))
    given: dict[str, Any] = {
        "limit": 2,
        "subaccount_id": "5nubL0NS",
        "timeout": 3.0,
        "deadline": 9.0,
        "retries": RetryPolicy(retries=1),
        "headers": {"X-Trace": "t"},
    }
    await everything(by_cursor(server, **given))
    assert len(server.calls) == 4
    assert {repr(options_of(call)) for call in server.calls} == {
        repr(("5nubL0NS", 3.0, 9.0, RetryPolicy(retries=1), {"X-Trace": "t"}, 2))
    }


class Stuck(CursorServer):
    """A server that knows no cursors and always answers with its newest rows."""

    def answer(self, *, limit: int = 20, **_: Any) -> tuple[Row, ...]:
        return super().answer(limit=limit)


class Inclusive(CursorServer):
    """A server that begins a page with the item of the cursor."""

    def answer(self, *, limit: int = 20, starting_after: Any = None, **_: Any) -> tuple[Row, ...]:
        page = super().answer(limit=limit, starting_after=starting_after)
        at = [row for row in self.rows if row.id == starting_after]
        return (*at, *page)


class Circular(CursorServer):
    """A server whose list begins again at its end."""

    def answer(self, *, limit: int = 20, starting_after: Any = None, **_: Any) -> tuple[Row, ...]:
        return super().answer(limit=limit, starting_after=starting_after) or super().answer(limit=limit)


class Doubled(CursorServer):
    """A server that lists a row twice."""

    def answer(self, *, limit: int = 20, starting_after: Any = None, **_: Any) -> tuple[Row, ...]:
        page = super().answer(limit=limit, starting_after=starting_after)
        return (*page, page[0]) if page else ()


@pytest.mark.parametrize("kind", [Stuck, Inclusive, Circular, Doubled])
@pytest.mark.parametrize("limit", [1, 3])
async def test_a_list_that_does_not_move_is_an_error_and_never_an_endless_walk(kind: type[Server], limit: int) -> None:
    server = kind(rows=listed(7))
    found: list[Row] = []
    with pytest.raises(PagingError, match="came twice"):
        await read_into(found, by_cursor(server, limit=limit))
    assert len(server.calls) <= 9
    assert len(set(places(found))) == len(found), "no repeat was handed out before the error"


@pytest.mark.parametrize("kind", [Stuck, Inclusive])
async def test_a_resumed_walk_that_meets_its_own_cursor_is_an_error(kind: type[Server]) -> None:
    with pytest.raises(PagingError, match="'r5' came twice"):
        await everything(by_cursor(kind(rows=listed(7)), limit=3, starting_after="r5"))


# --- by limit and offset --------------------------------------------------------------------------------------------


@attrs.frozen
class LedgerLike:
    """A page with its total."""

    entries: tuple[Row, ...]
    total: int
    offset: int = 0


class OffsetServer(Server):
    """A list with limit, offset and total."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        return LedgerLike(tuple(self.rows[offset : offset + min(limit, self.most)]), len(self.rows), offset)


def by_offset(
    server: Server, *, identify: Callable[[Row], str | None] = lambda row: row.id, at_once: int = 1, **query: Any
) -> OffsetPager[Row]:
    return OffsetPager(
        server,
        wallet.list_credit_ledger(**query),
        items=lambda page: page.entries,  # type: ignore[arg-type, return-value]
        total=lambda page: page.total,
        starts_at=lambda page: page.offset,
        identify=identify,
        at_once=at_once,
    )


with_and_without_ids = st.booleans()


@laws
@given(
    count=st.integers(0, 40),
    limit=st.integers(1, 12),
    most=st.integers(1, 12),
    arrivals=arrivals,
    ids=with_and_without_ids,
)
async def test_a_walk_by_offset_gives_each_entry_once_in_order_and_ends(
    count: int, limit: int, most: int, arrivals: list[int], ids: bool
) -> None:
    server = OffsetServer(rows=listed(count, ids=ids), most=most, arrivals=arrivals, ids=ids)
    found = await everything(by_offset(server, limit=limit))
    assert places(found) == list(reversed(range(count)))


@laws
@given(
    count=st.integers(1, 40),
    limit=st.integers(1, 12),
    growth=st.lists(st.integers(0, 15), min_size=1, max_size=4),
    ids=with_and_without_ids,
    at_once=st.integers(1, 2),
)
async def test_a_list_that_never_stops_growing_is_walked_whole_or_given_up_with_an_error(
    count: int, limit: int, growth: list[int], ids: bool, at_once: int
) -> None:
    server = OffsetServer(rows=listed(count, ids=ids), arrivals=growth * ENOUGH, ids=ids)
    found: list[Row] = []
    grows_as_fast_as_it_is_read = max(growth) * (at_once + 1) >= limit
    with contextlib.suppress(PagingError) if grows_as_fast_as_it_is_read else contextlib.nullcontext():
        await read_into(found, by_offset(server, at_once=at_once, limit=limit))
        assert len(found) == count
    assert places(found) == list(reversed(range(count)))[: len(found)]


class Claiming(OffsetServer):
    """A server that always claims another thousand entries, and makes them up."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        return LedgerLike(tuple(self.row(offset + n) for n in range(limit)), offset + 1000, offset)


async def test_a_total_that_moves_on_with_every_page_is_an_error_and_not_an_endless_walk() -> None:
    server = Claiming(rows=[])
    with pytest.raises(PagingError, match=r"the list grows as fast as it is read|contradict each other"):
        await everything(by_offset(server))
    assert len(server.calls) <= PATIENCE + 2


class Flickering(OffsetServer):
    """A server that takes back with every second answer what it added with the first."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        page = super().answer(limit=limit, offset=offset)
        return attrs.evolve(page, total=page.total - len(self.calls) % 2)


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_a_walk_under_a_total_that_goes_up_and_down_gives_all_once_or_fails(limit: int) -> None:
    found: list[Row] = []
    try:
        async for row in by_offset(Flickering(rows=listed(20)), limit=limit):
            found.append(row)
    except PagingError:
        assert found
        assert places(found) == sorted(set(places(found)), reverse=True)
    else:
        assert places(found) == list(reversed(range(20)))


def test_a_page_of_a_hundred_thousand_items_is_looked_through_once() -> None:
    ids = [str(number) for number in range(100_000)]
    assert CursorWalk(backwards=False).step(ids) == ids[-1]
    with pytest.raises(PagingError, match="item '99999' came twice"):
        CursorWalk(backwards=False).step([*ids, ids[-1]])


@laws
@given(
    count=st.integers(0, 30),
    offset=st.integers(0, 35),
    limit=st.integers(1, 9),
    arrivals=arrivals,
    ids=with_and_without_ids,
)
async def test_a_walk_that_leaves_out_the_newest_gives_all_the_others_once(
    count: int, offset: int, limit: int, arrivals: list[int], ids: bool
) -> None:
    server = OffsetServer(rows=listed(count, ids=ids), arrivals=arrivals, ids=ids)
    found = await everything(by_offset(server, limit=limit, offset=offset))
    assert places(found) == list(reversed(range(max(0, count - offset))))


@laws
@given(count=st.integers(1, 30), limit=st.integers(1, 6), arrivals=arrivals, holes=st.sets(st.integers(0, 60)))
async def test_entries_of_which_only_some_have_an_id_come_once_each(
    count: int, limit: int, arrivals: list[int], holes: set[int]
) -> None:
    server = OffsetServer(rows=listed(count), arrivals=arrivals)
    pager = by_offset(server, limit=limit, identify=lambda row: None if row.place in holes else row.id)
    assert places(await everything(pager)) == list(reversed(range(count)))


class Vanishing(OffsetServer):
    """A list from which rows are taken, now and then."""

    losses: list[tuple[int, ...]]

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        page = super().answer(limit=limit, offset=offset)
        for at in self.losses.pop(0) if self.losses else ():
            if self.rows:
                del self.rows[at % len(self.rows)]
        return page


def vanishing(count: int, losses: list[tuple[int, ...]], *, ids: bool, arrivals: list[int]) -> Vanishing:
    server = Vanishing(rows=listed(count, ids=ids), ids=ids, arrivals=list(arrivals))
    server.losses = list(losses)
    return server


losses = st.lists(st.lists(st.integers(0, 100), max_size=3).map(tuple), max_size=6)


@laws
@given(count=st.integers(0, 30), limit=st.integers(1, 8), losses=losses)
async def test_entries_that_vanish_during_the_walk_hide_no_others_where_entries_have_ids(
    count: int, limit: int, losses: list[tuple[int, ...]]
) -> None:
    server = vanishing(count, losses, ids=True, arrivals=[])
    found = places(await everything(by_offset(server, limit=limit)))
    assert len(set(found)) == len(found), "none comes twice"
    assert set(places(server.rows)) <= set(found), "none that stayed is missed"


@laws
@given(count=st.integers(0, 30), limit=st.integers(1, 8), losses=losses)
async def test_entries_that_vanish_and_have_no_ids_are_an_error_or_did_no_harm(
    count: int, limit: int, losses: list[tuple[int, ...]]
) -> None:
    server = vanishing(count, losses, ids=False, arrivals=[])
    found: list[Row] = []
    try:
        await read_into(found, by_offset(server, limit=limit))
    except PagingError:
        return
    assert len(set(places(found))) == len(found)
    assert set(places(server.rows)) <= set(places(found))


@laws
@given(count=st.integers(0, 30), limit=st.integers(1, 8), losses=losses, arrivals=arrivals)
async def test_a_list_that_grows_and_shrinks_is_walked_truthfully_or_not_to_the_end(
    count: int, limit: int, losses: list[tuple[int, ...]], arrivals: list[int]
) -> None:
    server = vanishing(count, losses, ids=True, arrivals=arrivals)
    found: list[Row] = []
    with contextlib.suppress(PagingError):
        await read_into(found, by_offset(server, limit=limit))
        assert {place for place in places(server.rows) if place < count} <= set(places(found)), "none is missed"
    assert len(set(places(found))) == len(found), "none comes twice"


async def test_entries_without_ids_that_vanish_are_an_error() -> None:
    server = vanishing(10, [(0,)], ids=False, arrivals=[])
    with pytest.raises(PagingError, match="vanished"):
        await everything(by_offset(server, limit=4))


async def test_awaiting_the_ledger_gives_the_first_page_with_its_total() -> None:
    server = OffsetServer(rows=listed(7))
    page = await by_offset(server, limit=3, offset=2)
    assert places(page.items) == places(list(page)) == [4, 3, 2]
    assert (len(page), page.total, page.offset, len(server.calls)) == (3, 7, 2, 1)


async def test_an_empty_ledger_takes_one_request() -> None:
    server = OffsetServer(rows=[])
    assert await everything(by_offset(server)) == []
    assert len(server.calls) == 1


async def test_limit_and_options_stay_on_every_page_of_the_ledger() -> None:
    server = OffsetServer(rows=listed(7))
    await everything(by_offset(server, limit=3, timeout=2.0, headers={"X-Trace": "t"}))
    assert [call.query["offset"] for call in server.calls] == [0, 3, 6]
    assert {(call.query["limit"], call.timeout, call.headers["X-Trace"]) for call in server.calls} == {(3, 2.0, "t")}


class DeafToOffset(OffsetServer):
    """A server that always answers with its newest rows."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        return super().answer(limit=limit)


@pytest.mark.parametrize("limit", [1, 3, 6])
async def test_a_server_that_ignores_the_offset_is_an_error_where_entries_have_ids(limit: int) -> None:
    server = DeafToOffset(rows=listed(7))
    with pytest.raises(PagingError, match="does not move"):
        await everything(by_offset(server, limit=limit))
    assert len(server.calls) == 2


class Candid(OffsetServer):
    """A server that ignores the offset and says so."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        return super().answer(limit=limit, offset=0)


@pytest.mark.parametrize("ids", [True, False])
async def test_a_page_that_says_it_starts_elsewhere_is_an_error(ids: bool) -> None:
    with pytest.raises(PagingError, match="what follows 3, answered from 0"):
        await everything(by_offset(Candid(rows=listed(7, ids=ids)), limit=3))


class Boasting(OffsetServer):
    """A server whose total is too high."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        page = super().answer(limit=limit, offset=offset)
        return LedgerLike(page.entries, page.total + 5, page.offset)


@pytest.mark.parametrize("ids", [True, False])
async def test_a_total_that_promises_more_than_comes_is_an_error_and_not_a_short_list(ids: bool) -> None:
    server = Boasting(rows=listed(7, ids=ids))
    found: list[Row] = []
    with pytest.raises(PagingError, match="did not come"):
        await read_into(found, by_offset(server, limit=3))
    assert places(found) == list(reversed(range(7)))


class Modest(OffsetServer):
    """A server whose total is too low."""

    def answer(self, *, limit: int = 50, offset: int = 0) -> LedgerLike:
        page = super().answer(limit=limit, offset=offset)
        return LedgerLike(page.entries, 2, page.offset)


async def test_a_total_that_is_too_low_hides_no_entry_that_was_answered() -> None:
    assert len(await everything(by_offset(Modest(rows=listed(3)), limit=3))) == 3


async def test_a_list_that_grows_faster_than_it_is_read_is_still_walked_to_its_start() -> None:
    server = OffsetServer(rows=listed(6), arrivals=[5, 5, 5, 5])
    assert places(await everything(by_offset(server, limit=2))) == list(reversed(range(6)))
