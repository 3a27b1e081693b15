"""Lists without `await`: read page by page while somebody iterates, or whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar, cast, overload

from wren_async.sync.portal import Portal

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")
PageT = TypeVar("PageT")
AnyItem = TypeVar("AnyItem", covariant=True)


class AsyncPager(Protocol[AnyItem, PageT]):
    """A `CursorPager` or an `OffsetPager`."""

    @property
    def answers(self) -> type:
        """What each request is answered with, as a class."""
        ...

    def pages(self) -> AsyncIterator[PageT]:
        """The pages that hold something."""
        ...

    def in_order(self, page: PageT, /) -> Iterator[AnyItem]:
        """The items of a page in the order of the walk."""
        ...


class Pager(Generic[ItemT, PageT]):
    """A list that is read page by page: iterate over it for all items, or over `pages()`; `first()` is the first page.

    Each use starts a walk of its own, which asks for a page when it is needed. Leaving a loop early is fine.
    """

    def __init__(self, pager: AsyncPager[ItemT, PageT], first: Callable[[], PageT], portal: Portal) -> None:
        self._pager = pager
        self._first = first
        self._portal = portal

    @property
    def answers(self) -> type:
        """What each request is answered with, as a class."""
        return self._pager.answers

    def __iter__(self) -> Iterator[ItemT]:
        for page in self.pages():
            yield from self._pager.in_order(page)

    def first(self) -> PageT:
        """The first page alone, which may be empty. It sends one request."""
        return self._first()

    def pages(self) -> Iterator[PageT]:
        """The pages that hold something, in the order of the walk."""
        walk = cast("AsyncGenerator[PageT, None]", self._pager.pages())
        try:
            while (page := self._portal.run(_next(walk))) is not None:
                yield page
        finally:
            # Where a loop is left early. A walk that nobody can end any more is ended by its event loop.
            if self._portal.is_usable:
                self._portal.run(_end(walk))


async def _next(walk: AsyncGenerator[PageT, None]) -> PageT | None:
    return await anext(walk, None)


async def _end(walk: AsyncGenerator[PageT, None]) -> None:
    await walk.aclose()


class ListAnswer(Sequence[ItemT], Generic[AnswerT, ItemT]):
    """A list that one answer holds whole: a sequence of its items, with the answer beside it."""

    def __init__(self, answer: AnswerT, items: Sequence[ItemT], answers: type[AnswerT]) -> None:
        self.answer = answer
        """The whole answer, which may hold more than the items, such as sums."""
        self.answers = answers
        """The answer's class."""
        self._items = tuple(items)

    @overload
    def __getitem__(self, index: int) -> ItemT: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ItemT, ...]: ...
    def __getitem__(self, index: int | slice) -> ItemT | tuple[ItemT, ...]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"<ListAnswer of {len(self)}: {self.answer!r}>"
