"""Walking a list page by page: by cursor, or by limit and offset; and lists that one answer holds whole.

What to ask for next, and when to stop, follows from the pages seen, without any I/O. Where pages repeat or contradict
each other, so that items would be lost or repeated, the walk ends with an error and never with a short list.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Hashable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import attrs

from wren_async.core.operation import Call
from wren_async.core.prefetch import Prefetch, fetch_next
from wren_async.core.printable import printable
from wren_async.core.values import UNSET
from wren_async.errors import InvalidArgument, PagingError

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")
T = TypeVar("T")

_AFTER: Final = "starting_after"
_BEFORE: Final = "ending_before"
_OFFSET: Final = "offset"

PATIENCE: Final = 100
"""Pages in a row that may hold nothing but what was added to the list during a walk by offset, before it gives up."""


class Sender(Protocol):
    """Whatever sends calls: a client."""

    async def send(self, call: Call[T]) -> T:
        """Send a call and return its value."""
        ...


# --- whole in one answer --------------------------------------------------------------------------------------------


class WholeList(Coroutine[None, None, AnswerT], Generic[AnswerT, ItemT]):
    """A list that one answer holds whole.

    `await` it for the answer, or iterate over it for its items. Each use sends a request of its own. It is a coroutine
    in all that matters, so that `create_task` takes it, too.
    """

    def __init__(self, sender: Sender, call: Call[AnswerT], *, items: Callable[[AnswerT], Sequence[ItemT]]) -> None:
        self._sender = sender
        self._call = call
        self._items = items
        self._running: Coroutine[Any, Any, AnswerT] | None = None

    @property
    def answers(self) -> type[AnswerT]:
        """What its request is answered with, as a class."""
        return self._call.operation.answer

    def __await__(self) -> Generator[Any, None, AnswerT]:
        return self._sender.send(self._call).__await__()

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        for item in self._items(await self):
            yield item

    def send(self, value: None, /) -> Any:
        """Go on, as a task does with a coroutine."""
        return self._coroutine().send(value)

    def throw(self, typ: Any, val: Any = None, tb: TracebackType | None = None, /) -> Any:
        """Raise an exception where the coroutine stands."""
        return self._coroutine().throw(typ if val is None else val)

    def close(self) -> None:
        """End the coroutine, if it has begun."""
        if self._running is not None:
            self._running.close()

    def _coroutine(self) -> Coroutine[Any, Any, AnswerT]:
        if self._running is None:
            self._running = self._sender.send(self._call)
        return self._running


# --- by cursor ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Page(Generic[ItemT]):
    """One page of a list, as it was answered: newest first."""

    items: tuple[ItemT, ...]
    cursor: str | None
    """Where the next page starts; hand it to `starting_after` (or `ending_before`, when walking that way) to go on from
    here later. `None` when the page is empty, which is the end."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[ItemT]:
        return iter(self.items)


class CursorWalk:
    """Checks that a walk by cursor moves: no cursor and no item comes twice."""

    def __init__(self, *, backwards: bool, start: Hashable = None) -> None:
        self._backwards = backwards
        # The first cursor is the id of an item that was read before, so that this item must not come again.
        self._seen: set[Hashable] = {start}

    def step(self, ids: Sequence[str]) -> str | None:
        """The next cursor after a page with these ids, or `None` at the end. Raises `PagingError`."""
        for id in ids:
            if id in self._seen:
                raise PagingError(
                    f"the list does not move: item '{printable(id, 100)}' came twice; nothing was skipped before it"
                )
            self._seen.add(id)
        if not ids:
            return None
        return ids[0] if self._backwards else ids[-1]


class CursorPager(Generic[ItemT]):
    """A list that is read with cursors.

    `await` it for the first page, iterate over it for all items, or over `pages()` for pages. Each use starts a walk of
    its own. The end is an empty page: a short one may only mean that the server gives fewer than it was asked for.

    Forwards (`starting_after`) goes from new to old. Backwards (`ending_before`) goes from the cursor to the newest:
    items come oldest first, so that the walk has one direction, while the items of a page stay as they were answered.

    `prefetch` fetches the next page while the consumer works on this one.
    """

    def __init__(
        self,
        sender: Sender,
        call: Call[AnswerT],
        *,
        items: Callable[[AnswerT], Sequence[ItemT]],
        identify: Callable[[ItemT], str],
        prefetch: bool = False,
    ) -> None:
        self._sender = sender
        self._call: Call[Any] = call
        self._items: Callable[[Any], Sequence[ItemT]] = items
        self._identify = identify
        self._prefetch = prefetch
        given = {name for name in (_AFTER, _BEFORE) if call.query.get(name) not in (None, UNSET)}
        if len(given) == 2:
            raise InvalidArgument(_BEFORE, f"excludes {_AFTER}; give one of them")
        self._backwards = _BEFORE in given
        self._start = call.query[given.pop()] if given else None

    @property
    def answers(self) -> type:
        """What each request is answered with, as a class."""
        answer: type = self._call.operation.answer
        return answer

    def __await__(self) -> Generator[Any, None, Page[ItemT]]:
        return self._first().__await__()

    async def _first(self) -> Page[ItemT]:
        return await self._page(self._call, self._walk())

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        async for page in self.pages():
            for item in self.in_order(page):
                yield item

    def in_order(self, page: Page[ItemT]) -> Iterator[ItemT]:
        """The items of a page in the order of the walk."""
        return reversed(page.items) if self._backwards else iter(page.items)

    def pages(self) -> AsyncIterator[Page[ItemT]]:
        """The pages that hold something, in the order of the walk."""
        return fetch_next(self._pages()) if self._prefetch else self._pages()

    async def _pages(self) -> AsyncGenerator[Page[ItemT], None]:
        walk = self._walk()
        page = await self._page(self._call, walk)
        while page.cursor is not None:
            yield page
            page = await self._page(self._at(page.cursor), walk)

    def _walk(self) -> CursorWalk:
        return CursorWalk(backwards=self._backwards, start=self._start)

    async def _page(self, call: Call[Any], walk: CursorWalk) -> Page[ItemT]:
        items = tuple(self._items(await self._sender.send(call)))
        return Page(items=items, cursor=walk.step([self._identify(item) for item in items]))

    def _at(self, cursor: str) -> Call[Any]:
        name = _BEFORE if self._backwards else _AFTER
        return attrs.evolve(self._call, query={**self._call.query, name: cursor})


# --- by limit and offset --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class OffsetPage(Generic[ItemT]):
    """One page of a list with a total, newest first."""

    items: tuple[ItemT, ...]
    """The items of this page that were not seen before."""
    total: int
    """Items of the whole list when this page was made."""
    offset: int
    """Where the page starts, counted from the newest."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[ItemT]:
        return iter(self.items)


@attrs.define
class OffsetWalk(Generic[ItemT]):
    """Keeps a walk by offset free of gaps and repeats while the list grows at its front.

    An item's place, counted from the *old* end, stays the same when new items arrive. The walk keeps count of the items
    left, and takes from each page only those. Where items have ids, repeats are recognised by them, and the count
    proves that the server went on to the next page.
    """

    identify: Callable[[ItemT], Hashable | None]
    left: int | None = None
    """Items not yet taken, counted from the old end; `None` before the first page."""
    _total: int = 0
    _whole: int = 0
    """Items that were there to take when the walk began."""
    _vanished: int = 0
    _stalled: int = 0
    """Pages in a row that brought the walk no nearer to its end."""
    _seen: set[Hashable] = attrs.field(factory=set[Hashable])

    def next_offset(self, first: int, *, size: int, last: int | None) -> int | None:
        """Where the next page to ask for starts, if there is one.

        `last` is where the last page that is under way starts, and `size` what pages hold, if they hold as many as the
        last one did.
        """
        if self.left is None:
            return first if last is None else None
        if last is None:
            return max(0, self._total - self.left)
        return last + size if size and last + size < self._total else None

    def fits(self, offset: int, total: int) -> bool:
        """Whether a page that was fetched together with others begins where the walk stands, or before. If not, it is
        fetched again."""
        return bool(self.left) and total >= self._total and total - offset >= (self.left or 0)

    def new_items(self, items: Sequence[ItemT], *, offset: int, total: int) -> tuple[ItemT, ...]:
        """The new items of a page that starts at `offset`.

        Raises `PagingError` where the walk would lose some, or would not end because the list grows as fast as it is
        read.
        """
        before = self.left
        kept = self._advance(items, offset, total)
        self._stalled = 0 if before is None or cast(int, self.left) < before else self._stalled + 1
        if self._stalled > PATIENCE:
            raise PagingError(
                f"the list grows as fast as it is read: {PATIENCE} pages held nothing but what arrived since the walk "
                "began; ask for more items in a page, or walk when less is written"
            )
        return kept

    def _advance(self, items: Sequence[ItemT], offset: int, total: int) -> tuple[ItemT, ...]:
        ids = [self.identify(item) for item in items]
        if self.left is not None and total < self._total:
            return self._go_back(ids, total)
        if self.left is None:
            self.left = self._whole = max(0, total - offset)
        left = self.left
        self._total = total
        if left and not items:
            raise PagingError(f"the list ended at {offset} of {total}: {left} entries did not come")
        kept = self._new(items, ids, repeats=max(0, total - offset - left))
        self.left = min(left, max(0, total - offset - len(items)))
        return kept

    def _go_back(self, ids: Sequence[Hashable | None], total: int) -> tuple[ItemT, ...]:
        """Entries vanished, and nobody knows which: go back so far that none is missed; ids tell repeats."""
        if None in ids:
            raise PagingError("entries vanished from the list during the walk, and they have no ids to go by")
        self._vanished += self._total - total
        self.left = min(self.left or 0, total)
        self._total = total
        return ()

    def _new(self, items: Sequence[ItemT], ids: Sequence[Hashable | None], *, repeats: int) -> tuple[ItemT, ...]:
        if self._vanished and None in ids:
            raise PagingError("entries vanished from the list during the walk, and not all have ids to go by")
        # How many entries at the front of the page were read before, or were added since the walk began. Once
        # entries have vanished, nobody knows which those are, and only ids tell what was read.
        skipped = 0 if self._vanished else repeats
        self._check_skipped(ids, skipped)
        places = list(zip(items, ids, strict=True))[skipped:]
        kept = tuple(item for item, id in places if id is None or id not in self._seen)
        if len(places) - len(kept) > (repeats - skipped) + self._vanished:
            raise PagingError("the list does not move: the server answered a page that was read before")
        self._seen.update(id for id in ids if id is not None)
        return kept

    def _check_skipped(self, ids: Sequence[Hashable | None], skipped: int) -> None:
        """Refuse to skip what was not read: of the entries before the place of the walk, the first may be new, and the
        last, as many as the walk has taken, must have been read."""
        new = skipped - min(skipped, self._whole - (self.left or 0))
        if any(id is not None and id not in self._seen for id in ids[new:skipped]):
            raise PagingError("the total and the entries of the list contradict each other: some would be left out")


class OffsetPager(Generic[ItemT]):
    """A list that is read with limit and offset and tells its total.

    `await` it for the first page, iterate over it for all items, or over `pages()` for pages. Each use starts a walk of
    its own. Items that arrive meanwhile do not disturb it: they are newer than its start.

    `prefetch` fetches the next page while the consumer works on this one; `at_once` fetches several pages together,
    which is possible because the total is known.
    """

    def __init__(
        self,
        sender: Sender,
        call: Call[AnswerT],
        *,
        items: Callable[[AnswerT], Sequence[ItemT]],
        total: Callable[[AnswerT], int],
        identify: Callable[[ItemT], Hashable | None],
        starts_at: Callable[[AnswerT], int],
        prefetch: bool = False,
        at_once: int = 1,
    ) -> None:
        self._sender = sender
        self._call: Call[Any] = call
        self._items: Callable[[Any], Sequence[ItemT]] = items
        self._total: Callable[[Any], int] = total
        self._identify = identify
        self._starts_at: Callable[[Any], int] = starts_at
        self._prefetch = prefetch
        self._at_once = at_once

    @property
    def answers(self) -> type:
        """What each request is answered with, as a class."""
        answer: type = self._call.operation.answer
        return answer

    def __await__(self) -> Generator[Any, None, OffsetPage[ItemT]]:
        return self._first_page().__await__()

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        async for page in self.pages():
            for item in self.in_order(page):
                yield item

    def in_order(self, page: OffsetPage[ItemT]) -> Iterator[ItemT]:
        """The items of a page in the order of the walk."""
        return iter(page.items)

    def pages(self) -> AsyncIterator[OffsetPage[ItemT]]:
        """The pages that hold something new."""
        return fetch_next(self._pages()) if self._prefetch else self._pages()

    async def _first_page(self) -> OffsetPage[ItemT]:
        offset = self._first
        return self._page(OffsetWalk(self._identify), offset, await self._fetch(offset))

    async def _pages(self) -> AsyncGenerator[OffsetPage[ItemT], None]:
        walk, size = OffsetWalk(self._identify), 0
        async with Prefetch[int, Any]() as prefetch:
            while walk.left != 0:
                # Asked for alone, a page starts where the walk stands, whatever the list has done meanwhile.
                alone = len(prefetch) == 0
                self._fetch_more(prefetch, walk, size)
                offset, answer = await prefetch.first()
                if not (alone or walk.fits(offset, self._total(answer))):
                    await prefetch.drop()
                    continue
                size = len(self._items(answer))
                page = self._page(walk, offset, answer)
                if page.items:
                    yield page

    def _fetch_more(self, prefetch: Prefetch[int, Any], walk: OffsetWalk[ItemT], size: int) -> None:
        """Ask for as many pages as may be under way at once."""
        while len(prefetch) < self._at_once:
            offset = walk.next_offset(self._first, size=size, last=prefetch.last)
            if offset is None:
                return
            prefetch.begin(offset, self._fetch(offset))

    @property
    def _first(self) -> int:
        first = self._call.query.get(_OFFSET)
        return first if isinstance(first, int) else 0

    async def _fetch(self, offset: int) -> Any:
        return await self._sender.send(attrs.evolve(self._call, query={**self._call.query, _OFFSET: offset}))

    def _page(self, walk: OffsetWalk[ItemT], offset: int, answer: Any) -> OffsetPage[ItemT]:
        total, answered = self._total(answer), self._starts_at(answer)
        if answered != offset:
            raise PagingError(f"the list does not move: asked for what follows {offset}, answered from {answered}")
        return OffsetPage(
            items=walk.new_items(self._items(answer), offset=offset, total=total), total=total, offset=offset
        )
