"""One run of a batch from the command line, its events shown and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import attrs

from wren_async.batch.events import Ended, Ending, Event
from wren_async.batch.journal.contract import Journal, State
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps
from wren_async.cli.access import Access, access, check_journal
from wren_async.cli.endings import broken_off, of_run
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.http_library import http_library
from wren_async.cli.interrupts import Interrupts, interruptible
from wren_async.cli.messages import told
from wren_async.cli.progress import Display
from wren_async.errors import WrenAsyncError

_PATIENCE: Final = 1.0
"""Seconds that the second Ctrl-C still leaves for answers on the wire. Later ones are found by the next run."""


@attrs.frozen(kw_only=True)
class Settings:
    """How to run."""

    caps: Caps | None
    """`None` for those that the batch has."""
    concurrency: int
    settle_time: float
    continues: str | None = None
    none_was_placed: bool = False
    same_account: bool = False
    alarm_is_explained: bool = False


async def run_batch(
    opened: Callable[[], AbstractAsyncContextManager[Journal]],
    settings: Settings,
    display: Display,
    *,
    place: bool,
    send_again: bool = False,
) -> Exit:
    """Run a batch that is planned, or only reconcile it; returns how it ended."""

    async def go(interrupts: Interrupts) -> Exit:
        async with (
            access(settings.concurrency, patience=_PATIENCE) as clients,
            opened() as journal,
            open_batch(journal, clients, settings) as batch,
        ):
            await check_journal(batch.journal)
            await batch.journal.note(Note.SENT_OVER, http_library())
            display.begin(await batch.totals())
            interrupts.stop = batch.stop
            try:
                ended = await _follow(batch.run() if place else batch.reconcile(send_again=send_again), display)
            except (WrenAsyncError, OSError) as error:
                raise Stop(told(error), broken_off(error)) from error
        return of_run(ended) if place or ended is None else _of_reconciling(ended)

    return await interruptible(go, display)


def open_batch(journal: Journal, clients: Access, settings: Settings) -> Batch:
    """The batch of a journal, to be entered."""
    return Batch(
        journal,
        wren=clients.wren,
        cnaught=clients.cnaught,
        caps=settings.caps,
        concurrency=settings.concurrency,
        settle_time=settings.settle_time,
        patience=_PATIENCE,
        continues=settings.continues,
        none_was_placed=settings.none_was_placed,
        same_account=settings.same_account,
        alarm_is_explained=settings.alarm_is_explained,
    )


async def _follow(events: AsyncIterator[Event], display: Display) -> Ended | None:
    """Show what happens, up to the last event."""
    ended = None
    async for event in events:
        display.show(event)
        if isinstance(event, Ended):
            ended = event
    return ended


def _of_reconciling(ended: Ended) -> Exit:
    if ended.ending is not Ending.DONE:
        return of_run(ended)
    return Exit.SOME_UNDECIDED if ended.totals.orders.get(State.UNDECIDED, 0) else Exit.ALL_PLACED
