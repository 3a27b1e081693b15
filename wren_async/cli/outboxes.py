"""Outboxes of a database: a person prunes them, and pauses and resumes them among its batches; none takes a file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from cyclopts import App, Parameter

from wren_async.batch.events import Ending
from wren_async.cli.batch_work import tell, wait
from wren_async.cli.exits import Exit, Stop, help_text
from wren_async.cli.interrupts import Interrupts
from wren_async.cli.starting import BatchInDatabase
from wren_async.cli.watching import Standing
from wren_async.cli.worker import DatabaseOption, dsn_of
from wren_async.outbox.outbox import Outbox
from wren_async.outbox.postgres import outbox_names
from wren_async.postgres.database import Database

_NAME: Final = re.compile(r"(?! )[^\x00-\x1f\x7f]{1,100}(?<! )")
_OUTBOXES: Final = re.compile("outbox( .*)?")
_MOST_DAYS: Final = 36_500

outbox_app = App(
    name="outbox",
    help="Look after the outboxes of a PostgreSQL database.",
    help_epilogue=help_text(),
    help_format="plaintext",
)


@outbox_app.command
def prune(
    *,
    older_than_days: Annotated[int, Parameter(help="Days since they were settled; longer than anyone asks for them.")],
    outbox: Annotated[tuple[str, ...], Parameter(help="Name of an outbox; all if left out.", negative=())] = (),
    database: DatabaseOption = None,
) -> Exit:
    """Keep of orders that were settled long ago only what they are known by. Nothing is sent, and no token is needed.

    An order that is submitted again is still the same order, or refused as another one, for ever. Workers and web
    processes go on meanwhile. Orders that an `on_settled` has not got yet are left.
    """
    if not 0 <= older_than_days <= _MOST_DAYS:
        raise Stop(f"--older-than-days takes days, 0 to {_MOST_DAYS:,}, not {older_than_days}")
    dsn = dsn_of(database)

    async def go(_: Interrupts) -> Exit:
        async with Database(dsn) as made:
            there = await made.read(outbox_names)
        if missing := [name for name in outbox if name not in there]:
            raise Stop(f"the database has no outbox {missing[0]!r}; those there are: {', '.join(there) or 'none'}")
        for name in outbox or there:
            async with Outbox(dsn, name=name) as opened:
                pruned = await opened.prune(older_than=timedelta(days=older_than_days))
            tell(f"outbox {name}: {pruned:,} {'order' if pruned == 1 else 'orders'} pruned")
        if not there:
            tell(f"{dsn}: no outbox is here yet")
        return Exit.ALL_PLACED

    return wait(go)


def check_batch_name(name: str) -> None:
    """Raise `Stop` for a name that a batch of a file may not have."""
    if not _NAME.fullmatch(name):
        raise Stop("--name takes 1 to 100 characters without line breaks or outer spaces")
    if _OUTBOXES.fullmatch(name):
        raise Stop(f"{name!r} is the name of an outbox, which takes no orders of a file: give the batch another --name")


async def resume_outbox(place: BatchInDatabase) -> bool:
    """Let the workers of an outbox go on, if it is one. It has no end to look on to."""
    async with place.opened() as journal:
        standing = await Standing.of(journal)
        if not standing.is_outbox:
            return False
        if standing.ending not in (None, Ending.ASKED):
            raise Stop(
                f"{place.name}: {standing.message}. Once a person has looked into it, `await outbox.resume()` goes on"
            )
        await journal.resume_all()
    tell(f"{place.name}: workers go on")
    return True
