"""Hearing what became of orders: by waiting for one, or for each that is settled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, TypeVar

import attrs

from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, JournalError
from wren_async.outbox.store import OutboxStore, Submission
from wren_async.outbox.waiting import Waiting

_PAGE: Final = 200
_POLL: Final = 0.5
"""Seconds after which a shared outbox is looked at, though nobody gave word."""
ANSWER: Final = 5.0
"""Seconds that the database may take to answer, beyond those that a caller wants to wait."""

T = TypeVar("T")


async def in_time(asking: Coroutine[object, object, T], seconds: float) -> T:
    """Ask the outbox, and wait for its answer so many seconds and a few more. Raises `JournalError` after that."""
    try:
        async with asyncio.timeout(seconds + ANSWER):
            return await asking
    except TimeoutError:
        raise JournalError(
            f"the outbox did not answer for {seconds + ANSWER:.3g} s, so nobody here knows how it stands: ask again, "
            "or submit the same again under the same reference, which orders nothing twice"
        ) from None


@attrs.define(eq=False)
class Results:
    """What those hear who wait in this process."""

    store: OutboxStore
    waiting: Waiting
    timing: Timing
    is_closing: bool = False

    async def of(self, reference: str, within: float) -> Submission:
        """How an order stands once it is settled, or the time is up."""
        clock = asyncio.get_running_loop().time
        ends = clock() + within
        with self.waiting.of(reference) as news:
            deadline = asyncio.ensure_future(self.timing.sleep(within))
            try:
                while True:
                    news.clear()
                    submission = await in_time(self._find(reference), max(0.0, ends - clock()))
                    if submission.is_settled or deadline.done():
                        return submission
                    await self._word(news, deadline)
                    if self.is_closing:
                        return submission
            finally:
                deadline.cancel()

    async def settled(self, after: int) -> AsyncIterator[Submission]:
        """Each settled order with a number above `after`, and then those to come, until it closes."""
        with self.waiting.any() as news:
            while not self.is_closing:
                news.clear()
                page = await self.store.finished(after, _PAGE)
                for submission in page:
                    yield submission
                    after = submission.number or after
                if not page and not self.is_closing:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._poll):
                            await news.wait()

    @property
    def _poll(self) -> float | None:
        return _POLL if self.store.is_shared else None

    async def _find(self, reference: str) -> Submission:
        submission = await self.store.find(reference)
        if submission is None:
            committed = " (is the transaction committed?)" if self.store.is_shared else ""
            raise InvalidArgument("reference", f"{reference!r} was never submitted to this outbox{committed}")
        return submission

    async def _word(self, news: asyncio.Event, deadline: asyncio.Future[Any]) -> None:
        """Wait until there is word, the time is up, or it is time to look anyway."""
        word: asyncio.Future[Any] = asyncio.ensure_future(news.wait())
        try:
            await asyncio.wait({deadline, word}, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED)
        finally:
            word.cancel()
