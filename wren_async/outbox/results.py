"""Hearing what became of orders: by waiting for one, or for each that is settled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import attrs

from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument
from wren_async.outbox.store import OutboxStore, Submission
from wren_async.outbox.waiting import Waiting

_PAGE: Final = 200
_POLL: Final = 0.5
"""Seconds after which a shared outbox is looked at, though nobody gave word."""


@attrs.define(eq=False)
class Results:
    """What those hear who wait in this process."""

    store: OutboxStore
    waiting: Waiting
    timing: Timing
    is_closing: bool = False

    async def of(self, reference: str, within: float) -> Submission:
        """How an order stands once it is settled, or the time is up."""
        with self.waiting.of(reference) as news:
            deadline = asyncio.ensure_future(self.timing.sleep(within))
            try:
                while True:
                    news.clear()
                    submission = await self._find(reference)
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
                        await asyncio.wait_for(news.wait(), self._poll)

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
